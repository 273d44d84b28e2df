"""This source tree against an earlier commit, interleaved in one run: processor time of a picture, a frame and a video.

Run: python benchmarks/against.py [COMMIT] [--rounds 25] [--page docs/performance.md] [--out FOLDER]

The commit's files are taken from git into a temporary folder. Each tree has a process of its own, on one thread; in
each round every case is run once by either, so that whatever else the machine does hits both alike. Prints the medians
in milliseconds of processor time and their ratios, and keeps them as against.json.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BASE = "61e37a6"
CASES = (
    "one_large_640x480",
    "one_small_640x480",
    "five_1280x720",
    "batch_picture",
    "live_frame",
    "live_five",
    "video_frame",
)
VIDEO_FRAMES = 60
BEGIN, END = "<!-- by benchmarks/against.py --page -->", "<!-- end of against -->"


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commit", nargs="?", default=BASE)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--page", type=Path)
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        work(args.worker)
        return
    from machine import keep, write_block

    with tempfile.TemporaryDirectory() as folder:
        before, video = Path(folder) / "before", Path(folder) / "video.mp4"
        archive = subprocess.run(["git", "archive", args.commit, "src"], cwd=ROOT, capture_output=True, check=True)
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
            files.extractall(before, filter="data")
        write_video(video)
        trees = {"before": before / "src", "now": ROOT / "src"}
        times = interleaved({name: Worker(tree, video) for name, tree in trees.items()}, args.rounds)
    figures = table(times)
    keep("against", {"commit_before": args.commit, "rounds": args.rounds, **figures}, args.out)
    if args.page is not None:
        write_block(args.page, BEGIN, END, text(args.commit, figures))


def write_video(path: Path) -> None:
    """Two seconds of one person in motion, 640x480."""
    from emojimation.video.scene import crowd
    from emojimation.video.writer import Segment

    film = Segment(path, 30.0)
    for frame, _ in zip(crowd(1, seconds=VIDEO_FRAMES / 30), range(VIDEO_FRAMES), strict=False):
        film.write(frame.image, frame.time_s)
    film.close()


class Worker:
    """A process that imports one source tree: `ask(case)` -> milliseconds of processor time, and the faces found."""

    def __init__(self, tree: Path, video: Path) -> None:
        environment = os.environ | {"PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, __file__, "--worker", str(video)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout

    def ask(self, case: str) -> tuple[float, int]:
        self._to.write(f"{case}\n")
        self._to.flush()
        ms, faces = json.loads(self._from.readline())
        return ms, faces

    def close(self) -> None:
        self._to.close()
        self._process.wait()


def interleaved(workers: dict[str, Worker], rounds: int) -> dict[str, dict[str, list[tuple[float, int]]]]:
    """Case -> tree -> what each round took; the first round only warms up."""
    times: dict[str, dict[str, list[tuple[float, int]]]] = {case: {name: [] for name in workers} for case in CASES}
    for number in range(rounds + 1):
        for case in CASES:
            for name, worker in workers.items():
                asked = worker.ask(case)
                times[case][name] += [asked] if number else []
    for worker in workers.values():
        worker.close()
    return times


def table(times: dict[str, dict[str, list[tuple[float, int]]]]) -> dict[str, Any]:
    """Medians of each case in milliseconds, their ratio, and the faces that either found."""
    rows = {}
    for case, trees in times.items():
        ms = {name: round(median(took for took, _ in asked), 2) for name, asked in trees.items()}
        faces = {f"faces_{name}": asked[-1][1] for name, asked in trees.items()}
        rows[case] = {**ms, "ratio": round(ms["now"] / ms["before"], 3), **faces}
    return rows


def text(commit: str, figures: dict[str, Any]) -> str:
    """The page's table."""
    lines = [f"| case | {commit} | now | ratio | faces before, now |", "|---|---|---|---|---|"]
    for case, row in figures.items():
        faces = f"{row['faces_before']}, {row['faces_now']}"
        lines.append(f"| {case.replace('_', ' ')} | {row['before']} | {row['now']} | {row['ratio']:.2f} | {faces} |")
    return "\n".join(lines)


def work(video: Path) -> None:
    """Answer the cases that come in by line."""
    import cv2

    cv2.setNumThreads(1)
    cases = runs(video)
    for line in sys.stdin:
        began = time.process_time()
        faces = cases[line.strip()]()
        print(json.dumps([(time.process_time() - began) * 1000, faces]), flush=True)


def runs(video: Path) -> dict[str, Callable[[], int]]:
    """Case -> what runs it once and returns the number of faces; only what both trees have."""
    import cv2

    from emojimation.media import decode_image
    from emojimation.photos import picture_result
    from emojimation.pipeline import make_pipeline
    from emojimation.tracking.track import Tracker
    from emojimation.video.options import Options
    from emojimation.video.outputs import Targets
    from emojimation.video.run import run_video

    photo, of_video = make_pipeline(), make_pipeline(search="stream")
    frames = pictures()
    large, five = frames["one_large_640x480"], frames["five_1280x720"]
    jpeg = cv2.imencode(".jpg", large)[1].tobytes()

    def live(frame: Any) -> Callable[[], int]:
        pipeline, count = make_pipeline().streaming(Tracker()), iter(range(10**9))
        moved = [shifted(frame, pixels) for pixels in range(3)]

        def one() -> int:
            """Eight frames with a little motion, as every eighth is searched as a whole."""
            faces = [pipeline(moved[number % 3], number / 30) for number in (next(count) for _ in range(8))]
            return len(faces[-1])

        return one

    return {
        **{name: lambda frame=frame: len(photo(frame)) for name, frame in frames.items()},
        "batch_picture": lambda: len(picture_result("x.jpg", decode_image(jpeg), photo).to_dict()["faces"]),
        "live_frame": live(large),
        "live_five": live(five),
        "video_frame": lambda: run_video(video, of_video, Targets(), Options()).rows,
    }


def shifted(frame: Any, pixels: int) -> Any:
    """The frame moved to the right."""
    import numpy as np

    return np.roll(frame, pixels, axis=1)


def pictures() -> dict[str, Any]:
    """Frames (H,W,3) BGR uint8 with one large face, one small one, and five."""
    import cv2
    import numpy as np

    from emojimation.media import read_image

    portrait = read_image(ROOT / "src" / "emojimation" / "assets" / "samples" / "astronaut.jpg").frame
    head = portrait[:300, 70:370]

    def row(width: int, height: int, count: int, side: int) -> np.ndarray:
        frame = np.full((height, width, 3), 128, np.uint8)
        small = cv2.resize(head, (side, side), interpolation=cv2.INTER_AREA)
        for i in range(count):
            x, y = (i + 1) * width // (count + 1) - side // 2, height // 2 - side // 2 + i % 2 * 40 - 20
            frame[y : y + side, x : x + side] = small
        return frame

    return {
        "one_large_640x480": cv2.resize(portrait[:384], (640, 480)),
        "one_small_640x480": row(640, 480, 1, 140),
        "five_1280x720": row(1280, 720, 5, 200),
    }


if __name__ == "__main__":
    main()
