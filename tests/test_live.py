"""The live loop: the newest frame only, errors told, stopped within a second; and the calibration of a neutral face."""

import threading
import time
import tracemalloc
from dataclasses import dataclass
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from emojimation.faces import Face
from emojimation.live import LiveLoop, LiveResult
from emojimation.tracking.neutral import Neutral

SAD_AT_REST = np.array([0.1, 0.01, 0.01, 0.02, 0.55, 0.01, 0.3], np.float32)  # in the order of EMOTIONS


@dataclass
class Frame:
    image: np.ndarray
    time_s: float | None
    index: int


class Source:
    """Frames at a steady rate, each with its index as colour; counts what was read and remembers that it was closed."""

    def __init__(self, count: int = 10**9, every_s: float = 0.005, fail_at: int | None = None, shape=(4, 4, 3)) -> None:
        self.count, self.every_s, self.fail_at, self.shape = count, every_s, fail_at, shape
        self.read = self.closed = 0

    def __iter__(self):
        for index in range(self.count):
            if self.closed:
                return
            if index == self.fail_at:
                raise OSError("unplugged")
            time.sleep(self.every_s)
            self.read += 1
            yield Frame(np.full(self.shape, index % 256, np.uint8), index / 30, index)

    def close(self) -> None:
        self.closed += 1


def one_face(frame: np.ndarray, time_s: float) -> list[Face]:
    return [Face(np.array([0, 0, 2, 2], np.float32), 0.9, track_id=1)]


def slow(seconds: float):
    def pipeline(frame: np.ndarray, time_s: float) -> list[Face]:
        time.sleep(seconds)
        return one_face(frame, time_s)

    return pipeline


# --- frames -------------------------------------------------------------------------------------------------------


def test_results_carry_frame_faces_and_figures() -> None:
    with LiveLoop(Source(20, 0.01), one_face) as loop:
        result = loop.wait(timeout_s=2)
        while (newer := loop.wait(result, timeout_s=2)) is not None:
            assert newer.index > result.index and newer.time_s == pytest.approx(newer.index / 30)
            result = newer
    assert result.index == 19 and result.frame[0, 0, 0] == 19 and result.faces[0].track_id == 1
    assert result.fps == pytest.approx(100, rel=0.6)
    assert 0 < result.latency_ms < 200
    assert not loop.running and loop.latest() is result


def test_only_the_newest_frame_is_analysed() -> None:
    source, seen = Source(every_s=0.004), []
    with LiveLoop(source, slow(0.05), on_result=lambda r: seen.append((r.index, source.read, r.skipped))) as loop:
        time.sleep(0.6)
    assert loop.latest() is not None
    assert len(seen) < 15 and seen[-1][0] > 40, "most frames were left out"
    assert all(read - index < 40 for index, read, _ in seen), "never far behind the camera"
    assert seen[-1][2] == pytest.approx(seen[-1][0] - len(seen), abs=3)


def test_latest_is_none_before_the_first_result_and_wait_has_a_timeout() -> None:
    with LiveLoop(Source(every_s=0.3), one_face) as loop:
        assert loop.latest() is None
        assert loop.wait(timeout_s=0.05) is None
        assert loop.running
        assert loop.wait(timeout_s=2).index == 0


def test_paced_files_keep_their_own_times() -> None:
    loop = LiveLoop(Source(16, 0.0), one_face, paced=True).start()
    began, result, count = time.monotonic(), None, 0
    while (result := loop.wait(result, timeout_s=2)) is not None:
        count += 1
    assert time.monotonic() - began == pytest.approx(15 / 30, abs=0.2)
    assert count >= 12
    loop.stop()


@pytest.mark.parametrize("live", [True, False])
def test_a_source_that_is_not_live_is_paced(live: bool) -> None:
    source = Source()
    source.info = SimpleNamespace(live=live)
    assert LiveLoop(source, one_face).paced is not live
    assert not LiveLoop(Source(), one_face).paced


def test_paced_files_that_start_late_start_immediately() -> None:
    class Late(Source):
        def __iter__(self):
            return (Frame(frame.image, frame.time_s + 500, frame.index) for frame in super().__iter__())

    with LiveLoop(Late(3, 0.0), one_face, paced=True) as loop:
        assert loop.wait(timeout_s=1).time_s == pytest.approx(500, abs=0.1)


class Reel(Source):
    """A source that can be sought; its first frame is that of the time sought."""

    start = 0

    def seek(self, time_s: float) -> None:
        self.start = round(time_s * 30)

    def __iter__(self):
        for frame in super().__iter__():
            yield Frame(frame.image, (self.start + frame.index) / 30, self.start + frame.index)


def test_seeking_goes_on_at_another_time_and_forgets_the_people() -> None:
    seen, resets = [], []

    def pipeline(frame: np.ndarray, time_s: float) -> list[Face]:
        return one_face(frame, time_s)

    pipeline.reset = lambda: resets.append(len(seen))
    with LiveLoop(Reel(), pipeline, on_result=lambda r: seen.append(r.index), paced=True) as loop:
        result = loop.wait(timeout_s=30)
        assert loop.seek(100.0)
        while result.index < 3003:
            result = loop.wait(result, timeout_s=30)
        assert loop.seek(1.0)
        while result.index > 3000:
            result = loop.wait(result, timeout_s=30)
        assert 30 <= result.index < 3000
    jumps = [number for number, (a, b) in enumerate(pairwise(seen), 1) if not 0 < b - a < 100]
    assert resets == jumps and len(jumps) == 2
    assert not loop.seek(5.0), "it has ended"


def test_single_frames_and_jumps_while_paused() -> None:
    loop = LiveLoop(Reel(40), one_face, paced=True)
    loop.step()  # before it starts: it waits at the first frame
    with loop:
        result, shown = None, []
        for act in (lambda: None, loop.step, loop.step, lambda: loop.seek(1.0), loop.step):
            act()
            result = loop.wait(result, timeout_s=30)
            shown.append(result.index)
        assert shown == [0, 1, 2, 30, 31] and loop.paused
        assert loop.wait(result, timeout_s=0.1) is None, "and waits there"
        loop.resume()
        assert loop.wait(result, timeout_s=5).index == 32


def test_pause_freezes_the_result_and_lets_camera_frames_go_by() -> None:
    source = Source()
    with LiveLoop(source, one_face) as loop:
        loop.wait(timeout_s=2)
        loop.pause()
        time.sleep(0.05)
        frozen, read = loop.latest(), source.read
        time.sleep(0.15)
        assert loop.latest() is frozen and source.read > read + 5 and loop.paused
        loop.resume()
        assert loop.wait(frozen, timeout_s=2).index > frozen.index + 5


def test_pause_holds_a_paced_file() -> None:
    source = Source(every_s=0.0)
    with LiveLoop(source, one_face, paced=True) as loop:
        loop.wait(timeout_s=2)
        loop.pause()
        time.sleep(0.1)
        read = source.read
        time.sleep(0.2)
        assert source.read == read
        loop.resume()
        time.sleep(0.2)
        assert read + 2 <= source.read < read + 15, "it goes on from there and does not catch up"


def test_sources_without_times_or_close() -> None:
    frames = [Frame(np.zeros((4, 4, 3), np.uint8), None, i) for i in range(3)]
    with LiveLoop(frames, one_face) as loop:
        result = loop.wait(timeout_s=2)
    assert 0 <= result.time_s < 1


# --- the end ------------------------------------------------------------------------------------------------------


def stop_seconds(loop: LiveLoop) -> float:
    began = time.monotonic()
    loop.stop()
    return time.monotonic() - began


def test_stop_is_quick_and_frees_the_source() -> None:
    source = Source()
    loop = LiveLoop(source, slow(0.02)).start()
    loop.wait(timeout_s=2)
    assert stop_seconds(loop) < 0.5
    assert source.closed == 1 and not loop.running
    assert stop_seconds(loop) < 0.1, "a second stop does nothing"
    assert not [t for t in threading.enumerate() if t.name in ("emojimation-reader", "emojimation-analyser")]


def test_stop_without_start_frees_the_source() -> None:
    source = Source()
    LiveLoop(source, one_face).stop()
    assert source.closed == 1


def test_stop_returns_though_a_read_and_an_analysis_hang() -> None:
    released = threading.Event()

    class Stalled(Source):
        def __iter__(self):
            yield Frame(np.zeros((4, 4, 3), np.uint8), 0.0, 0)
            released.wait(20)

        def close(self) -> None:
            super().close()
            released.set()

    source = Stalled()
    loop = LiveLoop(source, slow(3)).start()
    time.sleep(0.1)
    assert stop_seconds(loop) < 1.0
    assert source.closed >= 1


def test_the_end_of_the_source_ends_the_loop_and_frees_it() -> None:
    source = Source(3, 0.0)
    loop = LiveLoop(source, one_face).start()
    result = None
    while (result := loop.wait(result, timeout_s=2)) is not None:
        last = result
    assert last.index == 2 and not loop.running
    loop.stop()
    assert source.closed == 1


@pytest.mark.parametrize("raising", ["source", "pipeline", "callback", "close"])
def test_errors_reach_the_caller_within_a_second(raising: str) -> None:
    def broken(*_: object) -> list[Face]:
        raise OSError("unplugged")

    source = Source(fail_at=3 if raising == "source" else None, count=5 if raising == "close" else 10**9)
    if raising == "close":
        source.close = broken
    pipeline = broken if raising == "pipeline" else one_face
    loop = LiveLoop(source, pipeline, on_result=broken if raising == "callback" else None).start()
    began, result = time.monotonic(), None
    with pytest.raises(OSError, match="unplugged"):
        while time.monotonic() - began < 3:
            result = loop.wait(result, timeout_s=0.5) or result
    assert time.monotonic() - began < 1
    with pytest.raises(OSError, match="unplugged"):
        loop.latest()
    loop.stop()  # told already
    assert raising == "close" or source.closed == 1
    assert not loop.running


def test_an_error_nobody_has_seen_is_raised_by_stop() -> None:
    loop = LiveLoop(Source(fail_at=0), one_face).start()
    time.sleep(0.1)
    with pytest.raises(OSError, match="unplugged"):
        loop.stop()


def test_the_context_does_not_hide_its_own_error() -> None:
    source = Source(fail_at=1)
    with pytest.raises(KeyError), LiveLoop(source, one_face):
        time.sleep(0.1)
        raise KeyError("mine")
    assert source.closed == 1


def test_waiting_costs_no_processor_time() -> None:
    with LiveLoop(Source(every_s=0.4), one_face) as loop:
        loop.wait(timeout_s=1)
        before = time.process_time()
        loop.wait(loop.latest(), timeout_s=1)
        loop.wait(timeout_s=0.2)
        assert time.process_time() - before < 0.05


def test_memory_stays_flat() -> None:
    with LiveLoop(Source(every_s=0.001, shape=(120, 160, 3)), one_face) as loop:
        loop.wait(timeout_s=2)
        tracemalloc.start()
        time.sleep(0.2)
        early = tracemalloc.get_traced_memory()[0]
        time.sleep(0.8)
        late, index = tracemalloc.get_traced_memory()[0], loop.latest().index
        tracemalloc.stop()
    assert index > 30
    assert late - early < 300_000, "57 kB a frame: no frame but the last few is kept"


def test_the_loop_calibrates() -> None:
    def pipeline(frame: np.ndarray, time_s: float) -> list[Face]:
        return [one_face(frame, time_s)[0].with_(probabilities=SAD_AT_REST)]

    with LiveLoop(Source(), pipeline, neutral=Neutral(seconds=1.0)) as loop:
        loop.neutral.start()
        result: LiveResult | None = loop.wait(timeout_s=2)
        assert result.faces[0].emotion == "sad"
        deadline = time.monotonic() + 4
        while loop.neutral.calibrated == () and time.monotonic() < deadline:
            result = loop.wait(result, timeout_s=1)
        assert loop.wait(loop.latest(), timeout_s=1).faces[0].emotion == "neutral"
