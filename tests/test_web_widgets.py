"""The pages' HTML: every text is escaped, and what is drawn is well-formed."""

from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest

pytest.importorskip("streamlit", reason="the web extra is not installed: pip install -r requirements/web.txt")
from emojimation.apps.web import widgets
from emojimation.apps.web.settings import PageSettings
from emojimation.faces import Face
from emojimation.labels import label_set

EVIL = '<img src=x onerror="alert(1)">'
LABELS = label_set(("bored", EVIL))


def face() -> Face:
    box = np.array([0, 0, 40, 40], np.float32)
    return Face(box, 0.9).with_(probabilities=np.array([0.1, 0.9], np.float32), labels=LABELS)


@pytest.mark.parametrize(
    "html",
    [
        lambda: widgets.card(face(), 1, "data:,", (EVIL,), ("data:,", EVIL)),
        lambda: widgets.emoji_mark(EVIL, "#123456", EVIL),
        lambda: widgets.html("table.html", label=EVIL, head=[EVIL], rows=[[EVIL]], ours=0, numbers=(0,)),
        lambda: widgets.html("note.html", title=EVIL, lines=[EVIL], words=EVIL),
        lambda: widgets.html("stats.html", values={EVIL: EVIL}.items()),
        lambda: widgets.html(
            "matrix.html", label=EVIL, head=[EVIL], rows=[(EVIL, [("1", 0.5)])], colour="0 0 0", corner=EVIL
        ),
        lambda: widgets.html("rolling.html", uri="data:,", words=EVIL, classes=[(EVIL, "#123456")]),
    ],
)
def test_no_text_becomes_a_tag(html):
    assert "<img src=x" not in html() and "&lt;img" in html()


def test_the_largest_probability_alone_is_marked():
    bars = widgets.bars(face())
    assert bars.count("em-best") == 1 and bars.index("bored") < bars.index("em-best")
    assert widgets.bars(Face(np.zeros(4, np.float32), 0.9)).count("em-best") == 1


def test_the_rolling_chart_is_well_formed_with_a_line_a_class():
    drawing = widgets.html("rolling.svg", width=600, height=180, lines=[("#111111", "0,0 1,1"), ("#222222", "")])
    tree = ElementTree.fromstring(drawing)
    assert [line.get("stroke") for line in tree.iter("{http://www.w3.org/2000/svg}polyline")] == ["#111111", "#222222"]


def test_cards_speak_the_language_of_the_command_or_of_the_browser(monkeypatch):
    answer = Face(np.array([0, 0, 40, 40], np.float32), 0.9, probabilities=np.eye(7, dtype=np.float32)[3])
    assert '<h2 dir="auto">Happy' in widgets.card(answer, 1, "data:,")
    monkeypatch.setattr(widgets, "current", lambda: PageSettings(language="fr"))
    card = widgets.card(answer, 1, "data:,")
    assert '<h2 dir="auto">Joie' in card and '<dt dir="auto">colère' in card
    monkeypatch.setattr(widgets, "current", PageSettings)
    monkeypatch.setattr(widgets.st, "context", SimpleNamespace(locale="ja-JP"))
    assert "喜び" in widgets.card(answer, 1, "data:,")
