"""Series of people from rows: shares by time, spans, changes, peaks, subtitles, and the page."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from emojimation.errors import InputError
from emojimation.faces import Face
from emojimation.labels import COLOURS, EMOTIONS
from emojimation.story import page, timeline
from emojimation.story.people import NOT_SURE
from emojimation.story.timeline import UNSURE_COLOUR, of_rows, summary


def vector(name: str, top: float) -> np.ndarray:
    p = np.full(7, (1 - top) / 6, np.float32)
    p[EMOTIONS.index(name)] = top
    return p


def row(time_s: float, name: str = "happy", top: float = 0.9, who: int | None = 1, fps: float = 10) -> dict:
    face = Face(np.array([10, 20, 50, 70], np.float32), 0.9, probabilities=vector(name, top), track_id=who)
    return {"frame": round(time_s * fps), "time_s": round(time_s, 4), **face.to_dict()}


def acted(script: list[tuple[float, float, str, float]], who: int = 1, fps: float = 10) -> Iterator[dict]:
    """Rows for (start, end, emotion, probability) pieces."""
    for start, end, name, top in script:
        for i in range(round(start * fps), round(end * fps)):
            yield row(i / fps, name, top, who, fps)


SCRIPT = [(0, 4, "neutral", 0.8), (4, 6, "happy", 0.9), (6, 7, "sad", 0.3), (7, 10, "happy", 0.7)]


# --- numbers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fps", [5, 10, 25])
def test_shares_are_shares_of_time(fps: float) -> None:
    (person,) = of_rows(acted(SCRIPT, fps=fps)).people
    shares = person.shares()
    assert shares == pytest.approx(dict.fromkeys(EMOTIONS, 0) | {"neutral": 0.4, "happy": 0.5, NOT_SURE: 0.1}, abs=1e-6)
    assert person.seen_s == pytest.approx(10)
    assert person.mean_probabilities()["happy"] == pytest.approx(
        0.4 * 0.2 / 6 + 0.2 * 0.9 + 0.1 * 0.7 / 6 + 0.3 * 0.7, abs=1e-3
    )


def test_a_timeline_shows_a_bar_per_person_in_a_notebook() -> None:
    found = of_rows([*acted(SCRIPT), *acted([(2, 3, "sad", 0.9)], who=2)])
    shown = ElementTree.fromstring(found._repr_html_())
    rows = shown.findall("tr")
    assert [row[0].text for row in rows] == ["Person 1", "Person 2"]
    bars = rows[0].findall("td/svg/rect")
    assert [bar.get("fill") for bar in bars] == [COLOURS["neutral"], COLOURS["happy"], UNSURE_COLOUR, COLOURS["happy"]]
    widths = [float(bar.get("width", "")) for bar in bars]
    assert widths == pytest.approx([240, 120, 60, 180], abs=1) and rows[0][2].text == "happy 50%"
    assert "Nobody" in of_rows([])._repr_html_()


def test_uneven_frames_are_weighted_by_their_time() -> None:
    """One second of happy in 30 frames is not more than one of neutral in 3."""
    rows = [row(t) for t in np.arange(0, 1, 1 / 30)] + [row(t, "neutral") for t in (1.0, 1.33, 1.67, 2.0)]
    shares = of_rows(rows).people[0].shares()
    assert shares["happy"] == pytest.approx(shares["neutral"], abs=0.03)


def test_rows_may_come_in_any_order() -> None:
    rows = list(acted(SCRIPT))
    assert summary(of_rows(rows)) == summary(of_rows(rows[::-1]))


def test_spans_changes_and_uncertain_stretches() -> None:
    (person,) = of_rows(acted(SCRIPT)).people
    assert [(s.start_s, s.end_s, s.label) for s in person.spans()] == [
        (0, 4, "neutral"),
        (4, 6, "happy"),
        (6, 7, NOT_SURE),
        (7, pytest.approx(10), "happy"),
    ]
    assert [round(s.strength, 2) for s in person.spans()] == [0.8, 0.9, 0.3, 0.7]
    assert person.changes() == [(4, "neutral", "happy"), (6, "happy", NOT_SURE), (7, NOT_SURE, "happy")]
    assert summary(of_rows(acted(SCRIPT)))["people"][0]["uncertain"] == [[6, 7]]


def test_flickers_are_not_told() -> None:
    script = [
        (0, 2, "neutral", 0.8),
        (2, 2.2, "sad", 0.6),
        (2.2, 4, "neutral", 0.8),
        (4, 4.1, "fear", 0.6),
        (4.1, 6, "happy", 0.9),
    ]
    (person,) = of_rows(acted(script)).people
    assert [s.label for s in person.spans()] == ["neutral", "happy"]
    assert [s.label for s in person.spans(min_s=0)] == ["neutral", "sad", "neutral", "fear", "happy"]


def test_absence_parts_spans_and_counts_for_nothing() -> None:
    (person,) = of_rows([*acted([(0, 2, "happy", 0.9)]), *acted([(8, 9, "happy", 0.9)])]).people
    assert [(s.start_s, round(s.end_s, 6)) for s in person.spans()] == [(0, 2), (8, 9)]
    assert person.seen_s == pytest.approx(3)
    assert person.changes() == []


def test_peaks_are_the_strongest_moments_and_keep_rare_emotions() -> None:
    script = [(2 * i, 2 * i + 1, "happy", 0.9 + 0.005 * i) for i in range(8)]
    script += [(2 * i + 1, 2 * i + 2, "neutral", 0.8) for i in range(8)] + [(16, 17, "fear", 0.6)]
    rows = list(acted(script))
    next(r for r in rows if r["time_s"] == 16.5)["probabilities"]["fear"] = 0.7
    peaks = of_rows(rows).people[0].peaks(count=4)
    assert [p.emotion for p in peaks] == ["happy", "happy", "happy", "fear"]
    assert [int(p.time_s) for p in peaks] == [10, 12, 14, 16]
    assert (peaks[-1].time_s, peaks[-1].frame, peaks[-1].xyxy) == (16.5, 165, (10, 20, 50, 70))


def test_people_are_sorted_by_the_time_they_were_seen() -> None:
    rows = [*acted([(0, 1, "sad", 0.9)], who=1), *acted([(0, 3, "happy", 0.9)], who=2), row(0.5, who=None)]
    film = of_rows(rows, duration_s=12)
    assert [p.track_id for p in film.people] == [2, 1]
    assert (film.duration_s, film.unnumbered) == (12, 1)


def test_summary_is_plain_json() -> None:
    film = of_rows(acted(SCRIPT))
    told = summary(film)
    assert json.loads(json.dumps(told)) == told
    (person,) = told["people"]
    assert (person["dominant"], person["first_s"], person["seen_s"]) == ("happy", 0, 10)
    assert sum(person["shares"].values()) == pytest.approx(1, abs=1e-3)


def test_one_row_and_none() -> None:
    film = of_rows([row(3.0)])
    assert [(s.start_s, s.label) for s in film.people[0].spans()] == [(3, "happy")]
    assert summary(of_rows([])) == {
        "duration_s": 0.0,
        "rows_without_number": 0,
        "shots_s": [],
        "prior": None,
        "people": [],
    }


def test_rows_without_answers_are_left_out_and_wrong_ones_refused() -> None:
    blank = Face(np.zeros(4, np.float32), 0.9, track_id=1).to_dict() | {"frame": 0, "time_s": 0.0}
    assert of_rows([blank]).people == []
    with pytest.raises(InputError, match="time_s"):
        of_rows([{key: value for key, value in row(0).items() if key != "time_s"}])


# --- subtitles ----------------------------------------------------------------------------------------------------


def test_srt(tmp_path: Path) -> None:
    rows = [*acted([(0, 2, "happy", 0.9), (2, 3, "sad", 0.3)]), *acted([(1, 2, "neutral", 0.8)], who=2)]
    text = timeline.write_srt(tmp_path / "a" / "film.srt", of_rows(rows)).read_text("utf-8")
    assert text == (
        "1\n00:00:00,000 --> 00:00:01,000\nPerson 1: 😄 happy 90%\n\n"
        "2\n00:00:01,000 --> 00:00:02,000\nPerson 1: 😄 happy 90%\nPerson 2: 😐 neutral 80%\n\n"
        "3\n00:00:02,000 --> 00:00:03,000\nPerson 1: 🤔 not sure\n"
    )
    assert list(tmp_path.rglob("*.partial")) == []


def test_vtt_with_hours(tmp_path: Path) -> None:
    film = of_rows(row(3725.4 + i / 10) for i in range(10))
    text = timeline.write_vtt(tmp_path / "film.vtt", film).read_text("utf-8")
    assert text == "WEBVTT\n\n01:02:05.400 --> 01:02:06.400\n<v Person 1>Person 1: 😄 happy 90%\n"


def test_nobody_gives_empty_subtitles(tmp_path: Path) -> None:
    assert timeline.write_vtt(tmp_path / "a.vtt", of_rows([])).read_text("utf-8") == "WEBVTT\n"
    assert timeline.write_srt(tmp_path / "a.srt", of_rows([])).read_text("utf-8").strip() == ""


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="can be written"):
        timeline.write_srt(tmp_path / "file" / "film.srt", of_rows([]))


def looking(blinks_at: tuple[float, ...] = (2.0, 5.5), fps: float = 10) -> list[dict]:
    """Rows of somebody who turns the head, opens the mouth and blinks; the mesh sees nothing in the last second."""
    rows = list(acted([(0, 10, "happy", 0.9)], fps=fps))
    for number, one in enumerate(rows):
        time_s = number / fps
        mesh = {"presence": 1.0 if time_s < 9 else 0.2, "mouth_open": 0.01 * number}
        blinks = {"count": float(sum(time_s >= at for at in blinks_at)), "per_minute": None if time_s < 5 else 12.0}
        one["attributes"] = {"pose": {"yaw": 4.0 * time_s - 20}, "mesh": mesh, "blinks": blinks}
    return rows


def test_measures_and_blinks_are_told_where_the_mesh_is_sure() -> None:
    (told,) = summary(of_rows(looking()))["people"]
    assert told["blinks"] == {"count": 2, "per_minute": 12.0, "times_s": [2.0, 5.5]}
    yaw = told["measures"]["pose_yaw"]
    assert yaw["unit"] == "deg" and yaw["min"] == -20 and yaw["max"] == pytest.approx(15.6)
    assert yaw["mean"] == pytest.approx(-2.2, abs=0.01) and "blinks_count" not in told["measures"]
    assert told["measures"]["mesh_presence"]["min"] == pytest.approx(0.2)
    assert summary(of_rows(looking(())))["people"][0]["blinks"]["times_s"] == []
    (plain,) = summary(of_rows(acted(SCRIPT)))["people"]
    assert "measures" not in plain and "blinks" not in plain


# --- the page -----------------------------------------------------------------------------------------------------


def test_the_page_holds_everything_and_asks_no_network(tmp_path: Path) -> None:
    film = of_rows(acted(SCRIPT))
    picture = page.thumbnail(np.full((100, 100, 3), 90, np.uint8), film.people[0].peaks()[0].xyxy)
    thumbnails = {(1, film.people[0].peaks()[0].frame): picture}
    path = timeline.write_html(tmp_path / "film.html", film, "Film", tmp_path / "my film.mp4", thumbnails)
    text = path.read_text("utf-8")
    assert not re.search(r"""(src|href)\s*=\s*["']?(?!data:)[a-z]+:|@import|url\((?!#)|fetch\(""", text)
    assert set(re.findall(r"https?://[^\s\"']+", text)) <= {"http://www.w3.org/2000/svg"}
    data = page.data_of(text)
    assert data["video"] == "my%20film.mp4"
    assert data["people"][0]["peaks"][0]["picture"] == picture
    assert picture.startswith("data:image/jpeg;base64,") and len(picture) < 4000
    (piece,) = data["people"][0]["series"]
    assert len(piece["t"]) == len(piece["p"]) == 100 and sum(piece["p"][0]) == pytest.approx(1000, abs=4)
    assert [label["name"] for label in data["labels"]] == [*EMOTIONS, NOT_SURE]
    assert all(label["emoji"].startswith("data:image/png;base64,") for label in data["labels"])
    assert data["people"][0]["charts"] == []
    timeline.write_html(path, of_rows(looking()))
    turn, mouth = page.data_of(path.read_text("utf-8"))["people"][0]["charts"]
    assert (turn["words"], turn["low"], turn["high"], mouth["words"]) == ("turn of the head", -45, 45, "mouth opening")
    assert [len(chart["series"][0]["t"]) for chart in (turn, mouth)] == [90, 90]
    assert turn["series"][0]["p"][10] == [-16000]


def test_titles_cannot_carry_markup(tmp_path: Path) -> None:
    title = "</script><script>alert(1)</script>{{data}}"
    text = timeline.write_html(tmp_path / "a.html", of_rows(acted(SCRIPT)), title).read_text("utf-8")
    assert text.count("<script") == 2 and page.data_of(text)["title"] == title


def test_long_series_are_thinned_and_absences_stay() -> None:
    times = np.concatenate([np.arange(0, 300, 0.04), np.arange(400, 600, 0.04)])
    p = np.tile(vector("happy", 0.9), (len(times), 1))
    p[:7500] = vector("sad", 0.9)
    first, second = page.thinned(times, p, 1.0)
    assert first["t"][-1] < 300 and second["t"][0] >= 400
    assert 900 < len(first["t"]) + len(second["t"]) <= page.POINTS
    assert first["p"][50][EMOTIONS.index("sad")] == 900 == second["p"][50][EMOTIONS.index("happy")]


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("needs chromium on the path")
    with playwright.sync_playwright() as p:
        opened = p.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.mark.e2e
def test_the_page_works_in_a_browser(browser, tmp_path: Path) -> None:
    """Values under the pointer, emotions switched off, lines, keyboard, the table, without one error."""
    measured = [one["attributes"] for one in looking()]
    rows = [*acted(SCRIPT), *acted([(1, 3, "angry", 0.8)], who=2)]
    rows[:100] = [one | {"attributes": values} for one, values in zip(rows[:100], measured, strict=True)]
    path = timeline.write_html(tmp_path / "film.html", of_rows(rows), "A <b>film</b>")
    errors: list[str] = []
    tab = browser.new_page(viewport={"width": 1000, "height": 800})
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.goto(path.as_uri())
    assert tab.locator("h1").inner_text() == "A <b>film</b>"
    assert tab.locator("h2").all_inner_texts() == ["Person 1", "Person 2"]
    plot = tab.locator(".plot").first
    box = plot.bounding_box()
    tab.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 50)
    assert tab.locator(".tip .row").first.inner_text().split() == ["happy", "90", "%"]
    assert tab.locator(".tip .row").nth(7).inner_text().split() == ["turn", "of", "the", "head", "0°"]
    assert plot.locator(".measure").count() == 2 and plot.locator(".blink").count() == 2
    paths = plot.locator("path").count()
    tab.get_by_role("button", name="happy").first.click()
    assert plot.locator("path").count() == paths - 1
    tab.locator("#mode").click()
    assert plot.locator("path[fill=none]").count() == paths - 1
    plot.focus()
    tab.keyboard.press("End")
    tab.keyboard.press("Home")
    assert "neutral" in plot.get_attribute("aria-valuetext")
    tab.locator("summary").first.click()
    tab.locator("tbody").first.locator("tr").first.wait_for()  # filled by the event that follows the click
    assert tab.locator("tbody").first.locator("tr").count() == 4
    assert errors == []
    tab.close()
