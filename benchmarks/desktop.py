"""The desktop window on a screen of its own: frames shown a second, start, end, memory (needs Xvfb and xdotool).

python benchmarks/desktop.py --json benchmarks/results
python benchmarks/desktop.py --minutes 10    # with the memory's growth

Drawing onto Xvfb costs more than onto a graphics card, and Xvfb takes its share of the same processors.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from machine import ROOT, keep

sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "src")]

from screen import Screen, pump, rest, window  # noqa: E402

from emojimation.video.scene import crowd  # noqa: E402

SETTLE_S, WATCH_S = 3.0, 12.0
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
        "frames_per_s": rate, "latency_ms": statistics.median(latencies), "processors": used,
        "cpu_ms_per_frame": 1000 * used / max(rate, 1e-6), "faces": found,
    }  # fmt: skip
    return {name: round(value, 2) for name, value in figures.items()}


def program(folder: str, *args: str) -> subprocess.Popen[bytes]:
    environ = os.environ | {"XDG_CONFIG_HOME": folder, "PYTHONPATH": str(ROOT / "src")}
    return subprocess.Popen([sys.executable, "-m", "emojimation", "desktop", *args], env=environ)


def visible() -> bool:
    done = subprocess.run(["xdotool", "search", "--onlyvisible", "--name", "Emojimation"], capture_output=True)
    return bool(done.stdout.strip())


def start_and_end(runs: int) -> dict[str, float]:
    """Median seconds from the command to the visible window, and from Ctrl-C while it is live to the process's end."""
    starts, ends = [], []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(runs):
            began_s = time.monotonic()
            one = program(folder, "sample")
            while not visible():
                time.sleep(0.005)
            starts.append(time.monotonic() - began_s)
            time.sleep(3)
            began_s = time.monotonic()
            one.send_signal(signal.SIGINT)
            one.wait(20)
            ends.append(time.monotonic() - began_s)
    return {"visible_s": round(statistics.median(starts), 2), "end_s": round(statistics.median(ends), 2)}


def resident_mb(pid: int) -> float:
    """Memory of a process, as Linux counts it."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def growth(minutes: float, style: str) -> dict[str, float]:
    """Resident memory in MB after half a minute and at the end, of a program of its own."""
    with tempfile.TemporaryDirectory() as folder:
        one = program(folder, "sample", "--style", style)
        time.sleep(30)
        first = resident_mb(one.pid)
        time.sleep(max(0.0, minutes * 60 - 30))
        last = resident_mb(one.pid)
        one.send_signal(signal.SIGINT)
        one.wait(20)
    return {"after_30_s_mb": round(first, 1), "at_end_mb": round(last, 1), "growth_mb": round(last - first, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="folder for desktop.json")
    parser.add_argument("--minutes", type=float, default=0.0, help="watch the memory for so long")
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    figures: dict[str, Any] = {"goal": GOAL}
    with Screen() as _, tempfile.TemporaryDirectory() as folder:
        figures |= start_and_end(args.runs)
        for style, fps, faces in (
            ("boxes", 30, 1), ("boxes", 120, 1), ("emoji", 120, 1), ("avatar", 120, 1), ("boxes", 120, 5),
        ):  # fmt: skip
            figures[f"{style}, {faces} face{'s' * (faces > 1)}, camera of {fps}/s"] = shown(
                style, fps, faces, Path(folder)
            )
        if args.minutes:
            figures["memory"] = growth(args.minutes, "emoji") | {"minutes": args.minutes}
    keep("desktop", figures, args.json)


if __name__ == "__main__":
    main()
