"""The queue of videos by itself: states, limits, expiry, and what is left of a process that was killed."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("av", reason="PyAV is not installed")

from conftest import ROOT
from emojimation import folders, videojobs
from emojimation.errors import InputError
from emojimation.folders import Temporary
from emojimation.pipeline import make_pipeline
from emojimation.video.run import Options
from emojimation.videojobs import JobLimits, QueueFull, VideoJob, VideoJobs
from videos import write_still


@pytest.fixture(scope="module")
def video(tmp_path_factory, astronaut) -> Path:
    return write_still(tmp_path_factory.mktemp("video") / "video.mp4", astronaut, 10)


@pytest.fixture
def queue(tmp_path):
    queues = []

    def make(**limits) -> VideoJobs:
        queues.append(VideoJobs(JobLimits(**limits), Temporary(videojobs.PREFIX, tmp_path)))
        return queues[-1]

    yield make
    for each in queues:
        each.close()


@pytest.fixture
def start(tiny_model, video):
    def start(queue: VideoJobs, name: str = "video.mp4", **more) -> VideoJob:
        with queue.place(name, Options(), partial(make_pipeline, tiny_model), **{"source": video, **more}) as job:
            return job

    return start


@pytest.fixture
def slow(monkeypatch):
    """Every frame takes longer."""
    follow = VideoJobs._follow
    monkeypatch.setattr(VideoJobs, "_follow", lambda self, job, at: (time.sleep(0.1), follow(self, job, at)))


def until(true, seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    return bool(true())


def ended(job: VideoJob) -> str:
    until(lambda: job.over)
    return job.state


def test_a_job_is_done_and_its_upload_deleted(queue, tiny_model, video):
    with queue().place("Holiday 2024!.MP4", Options(), partial(make_pipeline, tiny_model), ("film", "csv")) as job:
        job.source.write_bytes(video.read_bytes())
    assert ended(job) == "done" and (job.frames, job.share) == (10, 1.0)
    assert until(
        lambda: sorted(p.name for p in job.folder.iterdir()) == ["Holiday_2024_-faces.csv", "Holiday_2024_-film.mp4"]
    )


def test_a_queued_job_is_cancelled_immediately_and_a_running_one_after_its_frame(queue, start, slow):
    here = queue()
    first, second = start(here), start(here)
    assert until(lambda: first.state == "running") and here.ahead(second) == 1
    here.cancel(second)
    assert second.state == "cancelled" and here.count("queued") == 0
    here.cancel(first)
    assert first.state == "cancelled" and until(lambda: not first.folder.exists()) and first.result is None


def test_a_dropped_job_leaves_nothing_but_a_source_that_is_not_ours(queue, start, slow, video):
    here = queue()
    job = start(here)
    until(lambda: job.frames > 1)
    here.drop(job)
    assert here.get(job.id) is None
    here.close()
    assert not job.folder.exists() and video.exists()


def test_results_are_deleted_when_their_time_is_over_though_no_other_job_comes(queue, start):
    here = queue(kept_s=0.5)
    jobs = [start(here), start(here)]
    assert [ended(job) for job in jobs] == ["done", "done"] and jobs[1].folder.exists()
    assert until(lambda: not any(job.folder.exists() or here.get(job.id) for job in jobs), 3)


def test_the_queue_is_bounded_and_a_place_counts_from_the_upload_on(queue, start, tiny_model):
    here = queue(jobs=1)
    with here.place("a.mp4", Options(), partial(make_pipeline, tiny_model)) as job:
        with pytest.raises(QueueFull, match="at most 1 videos at a time"):
            start(here)
        here.cancel(job)
        job.source.write_bytes(b"    ftyp")
    assert ended(start(here)) == "done"


def test_an_upload_that_fails_or_is_no_video_frees_its_place(queue, start, tiny_model):
    here = queue(jobs=1)
    with pytest.raises(ConnectionError), here.place("a.mp4", Options(), partial(make_pipeline, tiny_model)):
        raise ConnectionError
    with (
        pytest.raises(InputError, match="video file"),
        here.place("a", Options(), partial(make_pipeline, tiny_model)) as job,
    ):
        job.source.write_bytes(b"#EXTM3U")
    assert ended(start(here)) == "done" and not job.folder.exists()


def test_too_long_and_too_large_fail_in_words(queue, start, slow):
    late, large = start(queue(job_s=0.15)), start(queue(megapixels=0.1))
    assert ended(late) == "failed" and "within 0.15 s" in late.error
    assert ended(large) == "failed" and large.error == "Expected frames of at most 0.1 megapixels."


def test_an_unforeseen_error_fails_one_job_and_not_the_queue(queue, start, caplog, video):
    here = queue()
    with here.place("video.mp4", Options(), lambda: 1 / 0, source=video) as job:
        pass
    assert ended(job) == "failed" and job.id in job.error and "ZeroDivisionError" in caplog.text
    assert ended(start(here)) == "done"


KILLED = """
import os, sys, time
from pathlib import Path
from emojimation.folders import Temporary
from emojimation.videojobs import VideoJobs
queue = VideoJobs(folder=Temporary("emojimation-videos-", Path(sys.argv[1])))
with queue.scratch("a.mp4") as path:
    path.write_bytes(b"x")
    print(queue.folder, flush=True)
    time.sleep(60)
"""


def test_the_next_start_deletes_what_a_killed_process_has_left_and_nothing_else(queue, tmp_path):
    alive = queue()
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE,
        text=True,
    )
    left = Path(process.stdout.readline().strip())
    queue()
    assert left.exists()  # its process lives
    process.send_signal(signal.SIGKILL)
    process.wait()
    making, forgotten = tmp_path / f"{videojobs.PREFIX}young", tmp_path / f"{videojobs.PREFIX}old"
    for folder in (making, forgotten):
        folder.mkdir()
    os.utime(forgotten, (0, time.time() - 2 * folders.YOUNG_S))
    queue()
    assert not left.exists() and not forgotten.exists() and alive.folder.exists() and making.exists()


def test_closing_waits_for_what_was_accepted_but_not_longer_than_its_grace(queue, start, slow):
    here, hasty = queue(), queue()
    job, late = start(here), start(hasty)
    hasty.close(0.1)
    here.close(20)
    assert (job.state, late.state) == ("done", "cancelled") and not here.folder.exists() and not hasty.folder.exists()
