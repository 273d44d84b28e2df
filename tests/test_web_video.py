"""The video page and its queue: from a video to its files, and every way in which that can end otherwise."""

import json
import sys
import time
from pathlib import Path

import pytest

from web_pages import html, page, upload, use

sys.path.insert(0, str(Path(__file__).parent.parent / "scripts"))
from web_browser import write_video

from emojimation import videojobs  # isort: skip
from emojimation.apps.web import jobs as web_jobs, video as web_video  # isort: skip
from emojimation.story.page import data_of  # isort: skip
from emojimation.video.run import Options  # isort: skip


@pytest.fixture(autouse=True)
def _model(monkeypatch, tiny_model):
    use(monkeypatch, tiny_model)


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    return write_video(tmp_path_factory.mktemp("film") / "film.mp4", 1.0, 10)


def wait(job: videojobs.VideoJob) -> videojobs.VideoJob:
    until = time.monotonic() + 20
    while not job.over and time.monotonic() < until:
        time.sleep(0.02)
    return job


def slow_down(monkeypatch, seconds: float) -> None:
    """Let each frame of the queue's runs take that much longer."""
    follow = videojobs.VideoJobs._follow
    monkeypatch.setattr(
        videojobs.VideoJobs, "_follow", lambda queue, job, at: (time.sleep(seconds), follow(queue, job, at))
    )


def test_a_video_becomes_files_and_a_story(film):
    job = wait(web_jobs.start("my film.mp4", film, Options()))
    assert job.state == "done", job.error
    assert job.result.frames == 10 and len(web_jobs.story_of(job)["people"]) == 1
    assert all(job.path(kind).stat().st_size > 10 for kind in videojobs.FILES)
    assert b"ftyp" in job.path("film").read_bytes()[:12]
    assert f'"{job.path("film").name}"' in job.path("report").read_text("utf-8")  # as it is downloaded


@pytest.mark.slow
def test_anonymising_takes_two_passes(film, monkeypatch):
    seen = []
    follow = videojobs.VideoJobs._follow
    monkeypatch.setattr(
        videojobs.VideoJobs, "_follow", lambda queue, job, at: (seen.append(at.stage), follow(queue, job, at))
    )
    job = wait(web_jobs.start("film.mp4", film, Options(style="emoji", hide=True)))
    assert job.state == "done", job.error
    assert set(seen) == set(web_jobs.STAGES) and job.result.hidden is not None


@pytest.mark.slow
def test_a_broken_video_fails_in_words(tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video at all" * 100)
    job = wait(web_jobs.start("broken.mp4", broken, Options()))
    assert job.state == "failed" and job.error.startswith("Expected") and str(tmp_path) not in job.error
    test = upload(page("video"), ("broken.mp4", broken.read_bytes()), key="film-file-0")
    assert "Expected" in test.error[0].value and "/tmp" not in test.error[0].value


def test_an_uploaded_playlist_opens_no_file_of_this_machine(film):
    playlist = f"ffconcat version 1.0\nfile {film}\n".encode()
    test = upload(page("video"), ("innocent.mp4", playlist), key="film-file-0")
    assert "innocent.mp4, which does not start like a video file" in test.error[0].value and not test.button


@pytest.mark.slow
def test_the_page_from_upload_to_result(film):
    test = page("video")
    assert "up to 200 MB and 10 minutes" in test.file_uploader(key="film-file-0").label
    upload(test, ("film.mp4", film.read_bytes()), key="film-file-0")
    test.toggle(key="film-measure").set_value(True).run()
    test.button(key="film-start").click().run()
    key = key_of(test)
    job = web_jobs.jobs().get(key)
    wait(job)
    assert job.state == "done" and "pose_yaw" in job.path("csv").read_text("utf-8").splitlines()[0]
    assert web_jobs.story_of(job)["people"][0]["charts"]
    again = page_of(key)
    assert "<b>10</b><span>frames</span>" in html(again) and len(again.get("bidi_component")) == 1
    assert len(again.get("download_button")) == 4
    again.button(key="film-again").click().run()
    assert "film" not in again.query_params and web_jobs.jobs().get(key) is None


@pytest.mark.slow
def test_a_visit_to_another_page_keeps_the_film(film):
    test = page_of(wait(web_jobs.start("film.mp4", film, Options())).id)
    del test.query_params["film"]  # as a link to the page has it
    test.run()
    assert "<b>10</b><span>frames</span>" in html(test) and "film" in test.query_params


def key_of(test) -> str:
    """The video's key in the page's address."""
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


@pytest.mark.slow
def test_a_reload_in_the_middle_finds_the_video_and_may_cancel_it(film, monkeypatch):
    slow_down(monkeypatch, 0.2)
    job = web_jobs.start("film.mp4", film, Options())
    test = page_of(job.id)
    test.button(key="film-cancel").click().run()
    assert wait(job).state == "cancelled"
    assert "cancelled" in page_of(job.id).info[0].value


def test_a_video_that_is_gone_is_reported(film):
    test = page_of("nobody-knows-this")
    assert "This video is gone" in test.info[0].value and "film" not in test.query_params


@pytest.mark.slow
def test_a_video_too_long_is_cut_or_left_by_choice(film, monkeypatch, tiny_model):
    use(monkeypatch, tiny_model, film_s=0.5)
    test = upload(page("video"), ("film.mp4", film.read_bytes()), key="film-file-0")
    assert test.button(key="film-start").disabled and "the limit here is" in test.radio(key="film-cut").label
    test.radio(key="film-cut").set_value("Leave it").run()
    assert test.button(key="film-start").disabled
    test.radio(key="film-cut").set_value("Take its beginning only").run()
    test.button(key="film-start").click().run()
    job = wait(web_jobs.jobs().get(key_of(test)))
    assert job.state == "done" and job.result.frames == 5


@pytest.mark.slow
def test_paths_are_named_by_option_only_and_tell_nothing_of_other_files(film, monkeypatch, tiny_model, tmp_path):
    assert not page("video").text_input
    use(monkeypatch, tiny_model, paths=True)
    test = page("video")
    test.text_input(key="film-path").set_value(str(film)).run()
    assert not test.button(key="film-start").disabled
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "list.mp4").write_text(f"ffconcat version 1.0\nfile {film}\n")
    answers = set()
    for path in (tmp_path / "none.mp4", tmp_path / "secret.txt", tmp_path, tmp_path / "list.mp4", "~nobody-here/x.mp4"):
        test.text_input(key="film-path").set_value(str(path)).run()
        answers.add(test.error[0].value.replace(str(path), "PATH"))
        assert not test.exception and not test.button
    assert len(answers) == 1, answers


def test_the_page_shows_what_the_report_shows(film):
    job = wait(web_jobs.start("film.mp4", film, Options()))
    story = web_jobs.story_of(job)
    assert story == data_of(job.path("report").read_text("utf-8")) and story["people"][0]["series"]
    (component,) = page_of(job.id).get("bidi_component")
    assert json.loads(component.proto.json) == story


def test_time_is_written_in_words():
    assert web_video._clock(75) == "1 min 15 s" and web_video._clock(None) == "0 s"
