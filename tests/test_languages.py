"""The emotions' words in the languages of the apps, and the fonts that draw them."""

import json

import numpy as np
import pytest

from emojimation import languages
from emojimation.apps.desktop import settings as desktop
from emojimation.apps.desktop.panel import Look, PanelPainter, headline
from emojimation.certainty import words_for
from emojimation.draw import fonts, sprites
from emojimation.faces import Face
from emojimation.labels import CONTEMPT, EMOTIONS


def face(probabilities: list[float]) -> Face:
    return Face(np.array([0, 0, 40, 40], np.float32), 0.9, probabilities=np.array(probabilities, np.float32))


def test_every_language_has_a_word_of_its_own_for_each_emotion():
    assert (*EMOTIONS, CONTEMPT) == languages.NAMES
    for language in languages.LANGUAGES:
        words = [languages.word(name, language) for name in languages.NAMES]
        assert len(set(words)) == len(words) and all(words)
        assert languages.word("bored", language) == "bored"  # a class of one's own model
    assert languages.word("happy") == "happy"


@pytest.mark.parametrize(
    ("language", "sure", "leaning", "doubt"),
    [
        ("en", "sad", "sad or angry", "not sure"),
        ("de", "Trauer", "Trauer oder Wut", "unklar"),
        ("fr", "tristesse", "tristesse ou colère", "incertain"),
        ("ja", "悲しみ", "悲しみまたは怒り", "不明"),
    ],
)
def test_answers_in_words(language, sure, leaning, doubt):
    ranked = ["sad", "angry", "fear"]
    assert words_for(ranked, "sure", language) == sure
    assert words_for(ranked, "leaning", language) == leaning and words_for(ranked, "not sure", language) == doubt


@pytest.mark.parametrize(
    ("wanted", "language"),
    [
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("pt_BR.UTF-8", "en"),
        ("nl,fr-CA;q=0.5", "fr"),
        ("ja", "ja"),
        ("hi_IN", "hi"),
        ("", "en"),
        (None, "en"),
    ],
)
def test_the_language_is_the_first_that_there_are_words_for(wanted, language):
    assert languages.language_of(wanted) == language


def test_the_table_for_the_page_is_plain_and_complete():
    table = json.loads(json.dumps(languages.table()))
    assert set(table) == set(languages.LANGUAGES)
    assert all(
        {*EMOTIONS, CONTEMPT} == set(words["names"]) and words["or"].count("{}") == 2 for words in table.values()
    )


def test_the_window_speaks_the_chosen_language():
    assert headline(face([0, 0, 0, 1, 0, 0, 0]), language="es")[0] == "alegría"
    assert headline(face([0.2, 0.1, 0.1, 0.1, 0.25, 0.1, 0.15]), language="de")[1] == "Trauer oder Wut?"
    look, panels = Look("", ""), []
    for language in ("en", "fr"):
        panels.append(PanelPainter().draw(np.full(7, 1 / 7), look, (320, 560), 1.0, "dark", 0.0, language=language))
    assert (panels[0] != panels[1]).any()


def test_without_a_font_for_its_letters_the_window_speaks_english(monkeypatch):
    monkeypatch.setattr(fonts, "_system", lambda script, px: None)
    desktop.drawable.cache_clear()
    assert [desktop.WindowSettings(language=code).spoken for code in ("ja", "hi", "de")] == ["en", "en", "de"]
    desktop.drawable.cache_clear()
    assert desktop.WindowSettings(language="system").spoken == "en"  # the tests' own locale, see conftest


def test_words_of_another_script_are_drawn_in_a_font_of_that_script():
    if not fonts.can_write("怒り"):
        pytest.skip("no font with Japanese letters is installed here: apt-get install fonts-droid-fallback")
    drawn, boxes = sprites.text("怒り", 40), sprites.text("\ufffe\ufffe", 40)
    assert drawn[..., 3].any() and drawn.shape[1] > 60 and not np.array_equal(drawn, boxes)
