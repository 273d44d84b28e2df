"""The desktop window on a screen of its own: frames shown a second, start, end, memory (needs Xvfb, openbox, xdotool).

python benchmarks/desktop.py --json benchmarks/results
python benchmarks/desktop.py --minutes 10    # with the memory's growth

Drawing onto Xvfb costs more than onto a graphics card, and Xvfb takes its share of the same processors.
"""

import argparse
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from machine import ROOT, keep

sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "src")]

from screen import Screen, program, pump, rest, titled, wait, window  # noqa: E402

from emojimation.video.scene import crowd  # noqa: E402

SETTLE_S, WATCH_S = 2.0, 8.0
# A camera of 30/s, as most are; and one that is faster than the window, which shows how fast that is.
CASES = (
    ("boxes", 30, 1),
    ("avatar", 30, 1),
    *((style, 120, 1) for style in ("none", "boxes", "emoji", "avatar", "blur", "pixelate")),
    ("boxes", 120, 5),
)
GOAL = {"frames_per_s": 25, "visible_s": 1.5, "end_s": 1.0, "growth_mb": 30}


class FakeCamera:
    """Frames of 640x480 with moving faces, made beforehand, at `fps` like a camera."""

    def __init__(self, fps: float, faces: int) -> None:
        self.info, self.notes = SimpleNamespace(name="camera", live=True, fps=fps), []
        self._frames = [frame.image for frame in crowd(faces, seconds=4.0)]
        self._fps, self._closed = fps, False

    def __iter__(self) -> Iterator[Any]:
        began_s = time.monotonic()
        for index in range(10**9):
            if self._closed:
                return
            time.sleep(max(0.0, began_s + index / self._fps - time.monotonic()))
            image = self._frames[index % len(self._frames)]
            yield SimpleNamespace(image=image, time_s=index / self._fps, index=index)

    def close(self) -> None:
        self._closed = True


def shown(style: str, fps: float, faces: int, folder: Path) -> dict[str, float]:
    """Frames shown a second, latency and processor time of the window with one style."""
    made = window(folder, "0", opener=lambda source, size: FakeCamera(fps, faces), style=style, mirror=False)
    counts = {"views": 0}
    put = made.view.picture.put

    def counted(pixmap: bytes) -> None:
        counts["views"] += 1
        put(pixmap)

    made.view.picture.put = counted
    pump(made.root, lambda: made.engine.status.state == "live" and counts["views"] > 5)
    rest(made.root, SETTLE_S)
    latencies: list[float] = []
    views, began_s, cpu_s = counts["views"], time.monotonic(), time.process_time()
    while time.monotonic() < began_s + WATCH_S:
        rest(made.root, 0.2)
        latencies.append(made.engine.latest().latency_ms)
    seconds = time.monotonic() - began_s
    used = (time.process_time() - cpu_s) / seconds
    rate = (counts["views"] - views) / seconds
    found = made.engine.latest().faces
    made.close()
    figures = {
        "frames_per_s": rate,
        "latency_ms": statistics.median(latencies),
        "processors": used,
        "cpu_ms_per_frame": 1000 * used / max(rate, 1e-6),
        "faces": found,
    }
    return {name: round(value, 2) for name, value in figures.items()}


def start_and_end(runs: int) -> dict[str, float]:
    """Median seconds from the command to the visible window, and from Ctrl-C while it is live to the process's end."""
    starts, ends = [], []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(runs):
            began_s = time.monotonic()
            one = program(Path(folder), "sample")
            wait(lambda: titled("(Emojimation|Sample video)"))
            starts.append(time.monotonic() - began_s)
            wait(lambda: titled("Sample video"))
            time.sleep(2)
            began_s = time.monotonic()
            one.send_signal(signal.SIGINT)
            one.wait(20)
            ends.append(time.monotonic() - began_s)
    return {"visible_s": round(statistics.median(starts), 2), "end_s": round(statistics.median(ends), 2)}


def resident_mb(pid: int) -> float:
    """Memory of a process, as Linux counts it."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def growth(minutes: float, style: str) -> dict[str, Any]:
    """Resident memory in MB of a program of its own: once a minute from the first half minute on, and its growth."""
    with tempfile.TemporaryDirectory() as folder:
        one = program(Path(folder), "sample", "--style", style)
        time.sleep(30)
        seen = [resident_mb(one.pid)]
        for _ in range(round(minutes)):
            time.sleep(60)
            seen.append(resident_mb(one.pid))
        one.send_signal(signal.SIGINT)
        one.wait(20)
    return {"each_minute_mb": [round(mb, 1) for mb in seen], "growth_mb": round(max(seen) - seen[0], 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="folder for desktop.json")
    parser.add_argument("--minutes", type=float, default=0.0, help="watch the memory for so long")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument(
        "--only-memory", action="store_true", help="measure nothing else; printed, and kept where --json says"
    )
    args = parser.parse_args()
    figures: dict[str, Any] = {"goal": GOAL}
    with Screen() as _, tempfile.TemporaryDirectory() as folder:
        if not args.only_memory:
            figures |= start_and_end(args.runs)
            for style, fps, faces in CASES:
                name = f"{style}, {faces} face{'s' * (faces > 1)}, camera of {fps}/s"
                figures[name] = shown(style, fps, faces, Path(folder))
        if args.minutes:
            figures["memory"] = growth(args.minutes, "emoji") | {"minutes": args.minutes}
    keep("desktop", figures, args.json)


if __name__ == "__main__":
    main()
