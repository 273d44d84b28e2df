"""The video page and its queue: from a film to its files, and every way in which that can end otherwise."""

import json
import sys
import time
from pathlib import Path

import pytest

from web_pages import html, page, upload, use

sys.path.insert(0, str(Path(__file__).parent.parent / "scripts"))
from web_browser import write_film

from emojimation.apps.web import jobs as web_jobs, timeline, video as web_video  # isort: skip
from emojimation.errors import InputError  # isort: skip
from emojimation.video.run import Options  # isort: skip


@pytest.fixture(autouse=True)
def _model(monkeypatch, tiny_model):
    use(monkeypatch, tiny_model)


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    return write_film(tmp_path_factory.mktemp("film") / "film.mp4", 1.0, 10)


def wait(job: web_jobs.FilmJob) -> web_jobs.FilmJob:
    until = time.monotonic() + 20
    while not job.over and time.monotonic() < until:
        time.sleep(0.02)
    return job


def start(film: Path, **options) -> tuple[web_jobs.Jobs, web_jobs.FilmJob]:
    queue = web_jobs.Jobs()
    return queue, queue.start(film.name, film, queue.folder(), Options(**options))


def test_a_film_becomes_files_and_a_story(film):
    _, job = start(film)
    assert wait(job).state == "done", job.error
    assert job.result.frames == 10 and len(job.story.people) == 1
    assert all(job.file(kind).stat().st_size > 10 for kind in web_jobs.FILES)
    assert b"ftyp" in job.file("film").read_bytes()[:12]


def test_anonymising_takes_two_passes(film, monkeypatch):
    seen = []
    follow = web_jobs._follow
    monkeypatch.setattr(web_jobs, "_follow", lambda job, at: (seen.append(at.stage), follow(job, at)))
    _, job = start(film, style="emoji", hide=True)
    assert wait(job).state == "done", job.error
    assert set(seen) == set(web_jobs.STAGES) and job.result.hidden is not None


def test_cancelling_ends_a_running_and_a_waiting_film(film, monkeypatch):
    follow = web_jobs._follow
    monkeypatch.setattr(web_jobs, "_follow", lambda job, at: (time.sleep(0.1), follow(job, at)))
    queue, first = start(film)
    second = queue.start("second.mp4", film, queue.folder(), Options())
    assert queue.ahead(second) == 1
    queue.cancel(second)
    assert second.state == "cancelled"
    queue.cancel(first)
    assert wait(first).state == "cancelled" and first.result is None


def test_a_film_thrown_away_leaves_nothing(film):
    queue, job = start(film)
    wait(job)
    queue.drop(job)
    assert queue.get(job.key) is None and not job.folder.exists() and film.exists()


def test_old_films_go_when_the_next_one_comes(film):
    queue, job = start(film)
    wait(job).ended_s -= web_jobs.KEEP_S + 1
    queue.start("next.mp4", film, queue.folder(), Options())
    assert queue.get(job.key) is None and not job.folder.exists()


def test_the_queue_is_bounded(film, monkeypatch):
    monkeypatch.setattr(web_jobs, "MAX_JOBS", 0)
    with pytest.raises(InputError, match="at most 0 films at once"):
        start(film)


def test_a_broken_film_fails_in_words(tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no film at all" * 100)
    _, job = start(broken)
    assert wait(job).state == "failed" and job.error.startswith("Expected")
    test = upload(page("video"), ("broken.mp4", broken.read_bytes()), key="film-file")
    assert "Expected" in test.error[0].value and "/tmp" not in test.error[0].value


def test_the_page_from_upload_to_result(film):
    test = page("video")
    assert "up to 200 MB and 10 minutes" in test.file_uploader(key="film-file").label
    upload(test, ("film.mp4", film.read_bytes()), key="film-file")
    test.button(key="film-start").click().run()
    key = key_of(test)
    job = web_jobs.jobs().get(key)
    wait(job)
    again = page_of(key)
    assert "<b>10</b><span>frames</span>" in html(again) and "Person 1" in html(again)
    assert len(again.get("download_button")) == 4
    again.button(key="film-again").click().run()
    assert "film" not in again.query_params and web_jobs.jobs().get(key) is None


def key_of(test) -> str:
    """The film's key in the page's address."""
    value = test.query_params["film"]
    return value if isinstance(value, str) else value[0]


def page_of(key: str):
    """The page as another tab, or a reload, opens it."""
    from streamlit.testing.v1 import AppTest

    test = AppTest.from_string("from emojimation.apps.web import video\nvideo.show()", default_timeout=30)
    test.query_params["film"] = key
    test.run()
    assert not test.exception
    return test


def test_a_reload_in_the_middle_finds_the_film_and_may_cancel_it(film, monkeypatch):
    follow = web_jobs._follow
    monkeypatch.setattr(web_jobs, "_follow", lambda job, at: (time.sleep(0.2), follow(job, at)))
    job = web_jobs.jobs().start("film.mp4", film, web_jobs.jobs().folder(), Options())
    test = page_of(job.key)
    test.button(key="film-cancel").click().run()
    assert wait(job).state == "cancelled"
    assert "cancelled" in page_of(job.key).info[0].value


def test_a_film_that_is_gone_is_told(film):
    test = page_of("nobody-knows-this")
    assert "no longer here" in test.info[0].value and "film" not in test.query_params


def test_a_film_too_long_is_cut_or_left_by_choice(film, monkeypatch, tiny_model):
    use(monkeypatch, tiny_model, film_s=0.5)
    test = upload(page("video"), ("film.mp4", film.read_bytes()), key="film-file")
    assert test.button(key="film-start").disabled and "the limit here is" in test.radio(key="film-cut").label
    test.radio(key="film-cut").set_value("Leave it").run()
    assert test.button(key="film-start").disabled
    test.radio(key="film-cut").set_value("Take its beginning only").run()
    test.button(key="film-start").click().run()
    job = wait(web_jobs.jobs().get(key_of(test)))
    assert job.state == "done" and job.result.frames == 5


def test_paths_are_for_this_machine_alone(film, monkeypatch, tiny_model):
    test = page("video")
    test.text_input(key="film-path").set_value(str(film)).run()
    assert not test.button(key="film-start").disabled
    test.text_input(key="film-path").set_value("/nowhere.mp4").run()
    assert "no file" in test.error[0].value
    use(monkeypatch, tiny_model, paths=False)
    assert not page("video").text_input


def test_chart_rows_fill_the_stack(film):
    _, job = start(film)
    rows = timeline.rows_of(wait(job).story.people[0])
    assert len(rows) == 70 and all(row["low"] <= row["high"] and row["time_s"] < row["end_s"] for row in rows)
    tops = [row["high"] for row in rows if row["emotion"] == "neutral"]
    assert tops == pytest.approx([1.0] * 10)
    assert json.dumps(rows)


def test_time_is_told_in_words():
    assert web_video._clock(75) == "1 min 15 s" and web_video._clock(None) == "0 s"
