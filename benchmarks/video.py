"""How fast videos are analysed and written, and how much memory a long one takes.

Run: python benchmarks/video.py [--seconds 10] [--rounds 3] [--minutes 10] [--model NAME|PATH] [--out FOLDER]
Videos are made of the sample portraits. Targets on two cores: 640 x 480 with one face at least 120 frames/s for
analysis alone and 40 with an annotated H.264 video; 1280 x 720 with five faces at least 25; a frame with 20 faces under
60 ms; a 10-minute 720p video under 400 MB at its peak, growing by less than 30 MB after the first minute (--minutes 0
leaves it out). cpu_ms is processor time a frame: where other programs run, 1000 * cores / cpu_ms is the rate without
them.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import cv2
from machine import ROOT, facts, keep, summary_ms

from emojimation import Pipeline
from emojimation.pipeline import make_pipeline
from emojimation.video.options import Options
from emojimation.video.outputs import Targets
from emojimation.video.run import run_video
from emojimation.video.scene import crowd
from emojimation.video.writer import Segment, join

PART_S = 10


def write_video(path: Path, faces: int, size: tuple[int, int], seconds: float) -> Path:
    """An H.264 video of the scene."""
    film = Segment(path, 30.0)
    for frame in crowd(faces, size, 30.0, seconds):
        film.write(frame.image, frame.time_s)
    film.close()
    return path


def rate(source: Path, pipeline: Pipeline, targets: Targets, options: Options, rounds: int) -> dict[str, float]:
    """Median frames a second, wall clock, and processor time a frame."""
    rates, costs = [], []
    for _ in range(rounds):
        began, busy = time.perf_counter(), time.process_time()
        frames = run_video(source, pipeline, targets, options).frames
        rates.append(frames / (time.perf_counter() - began))
        costs.append(1000 * (time.process_time() - busy) / frames)
    return {"frames_per_s": round(median(rates), 1), "cpu_ms": round(median(costs), 2)}


def speeds(pipeline: Pipeline, folder: Path, seconds: float, rounds: int, workers: int) -> dict[str, Any]:
    """The rates of the targets."""
    small = write_video(folder / "small.mp4", 1, (640, 480), seconds)
    large = write_video(folder / "large.mp4", 5, (1280, 720), seconds)
    every = Options(workers=workers)
    return {
        "480p_1_face_analysis": rate(small, pipeline, Targets(), every, rounds),
        "480p_1_face_analysis_every_2": rate(small, pipeline, Targets(), Options(workers=workers, every=2), rounds),
        "480p_1_face_film": rate(small, pipeline, Targets(folder / "out.mp4"), every, rounds),
        "480p_1_face_avatar_film": rate(
            small, pipeline, Targets(folder / "out.mp4"), Options(workers=workers, style="avatar"), rounds
        ),
        "720p_5_faces_analysis": rate(large, pipeline, Targets(), every, rounds),
        "720p_5_faces_film": rate(large, pipeline, Targets(folder / "out.mp4"), every, rounds),
    }


def crowd_frame(pipeline: Pipeline, runs: int = 30) -> dict[str, float]:
    """One frame of 1280 x 720 with 20 faces."""
    frame = crowd(20, (1280, 720)).frame(0).image
    seconds = []
    pipeline(frame)
    busy = time.process_time()
    for _ in range(runs):
        began = time.perf_counter()
        faces = pipeline(frame)
        seconds.append(time.perf_counter() - began)
    return {"found": len(faces), **summary_ms(seconds, time.process_time() - busy)}


def memory(model: str, folder: Path, minutes: float, every: int) -> dict[str, Any]:
    """Peak and growth of a run over a long 720p video with a video out, measured in a process of its own."""
    part = write_video(folder / "part.mp4", 2, (1280, 720), PART_S)
    long = folder / "long.mp4"
    join([(part, float(PART_S * number)) for number in range(round(60 * minutes / PART_S))], long)
    command = [sys.executable, __file__, "--watch", str(long), "--model", model, "--memory-every", str(every)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    now = facts()
    return json.loads(done.stdout) | {name: now[name] for name in ("load_1min", "commit", "measured")}


def watch(source: str, model: str, every: int) -> None:
    """Run one video and print its memory, in MB: resident after the first minute, at the end, and at the peak."""
    seen: list[tuple[float, float]] = []

    def on_frame(at: Any) -> None:
        if at.frame % 30 == 0:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            seen.append((at.time_s, pages * resource.getpagesize() / 1e6))

    with tempfile.TemporaryDirectory() as folder:
        targets = Targets(Path(folder) / "out.mp4", Path(folder) / "out.csv")
        result = run_video(
            source, make_pipeline(model, search="stream"), targets, Options(workers=2, every=every), on_frame
        )
    after_minute = max(value for at, value in seen if at <= 60)
    figures = {
        "frames": result.frames,
        "every": every,
        "frames_per_s": round(result.frames / result.seconds, 1),
        "first_minute_mb": round(after_minute, 1),
        "growth_mb": round(max(value for _, value in seen) - after_minute, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6, 1),
    }
    print(json.dumps(figures))


def _kept(folder: Path) -> dict[str, Any]:
    """The figures of the last run."""
    file = folder / "video.json"
    return json.loads(file.read_text("utf-8")) if file.exists() else {}


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--memory-every", type=int, default=1, help="look at each N-th frame of the long video")
    parser.add_argument("--only", choices=("speed", "memory"), help="measure this alone and keep the other figures")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--model", default="default")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--watch", help=argparse.SUPPRESS)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    if args.watch:
        watch(args.watch, args.model, args.memory_every)
        return
    figures = _kept(args.out) if args.only else {}
    figures |= {"model": args.model, "workers": args.workers}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if args.only != "memory":
            pipeline = make_pipeline(args.model, search="stream")
            figures |= speeds(pipeline, folder, args.seconds, args.rounds, args.workers)
            figures["frame_with_20_faces"] = {
                f"{threads}_threads": crowd_frame(make_pipeline(args.model, threads=threads, search="stream"))
                for threads in (1, 2)
            }
        if args.only != "speed" and args.minutes:
            figures["memory"] = memory(args.model, folder, args.minutes, args.memory_every)
    keep("video", figures, args.out)


if __name__ == "__main__":
    main()
