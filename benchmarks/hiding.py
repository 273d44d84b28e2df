"""Hiding next to `deface` (MIT) in one run: faces left bare, share of the image covered in vain, time.

Without --folder the clip is `video.scene.hide_and_seek`: heads that move, tumble, pass behind a bar, leave and return.
--folder: real clips with a clips.json, {name: {"frames": {index: [[x0, y0, x1, y1], ...]}}}. deface is installed into a
virtual environment of its own (--venv), as it is no dependency. Times are of the whole commands, wall clock and
processor, and tell little where other programs run. --minutes N measures the memory of hiding a long 720p video.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
from machine import ROOT, keep

from emojimation.video.reader import VideoFile
from emojimation.video.scene import crowd, hide_and_seek
from emojimation.video.writer import Segment, join

# A face is bare when the middle of its box hardly changed; covered in vain is what changed outside of enlarged boxes.
BARE, CHANGED, ALLOWED = 4.0, 12.0, 2.2
LEAST_SHOWN = 0.6  # of a drawn face, to count
PART_S = 10

Truth = dict[int, list[list[float]]]


def made_clip(path: Path) -> Truth:
    """Write the drawn clip; the boxes of its faces at every fifth frame."""
    scene = hide_and_seek(fps=15.0)
    _write(path, scene, 15.0)
    truth: Truth = {}
    for frame in scene:
        if frame.index % 5 == 0:
            seen = [one for one in scene.truth(frame.time_s) if one.shown >= LEAST_SHOWN]
            truth[frame.index] = [one.xyxy.tolist() for one in seen]
    return truth


def real_clips(folder: Path) -> Iterator[tuple[Path, Truth]]:
    """The clips of a folder with their boxes."""
    for name, clip in json.loads((folder / "clips.json").read_text("utf-8")).items():
        yield folder / name, {int(index): boxes for index, boxes in clip["frames"].items()}


def _write(path: Path, frames: Any, fps: float) -> None:
    video = Segment(path, fps)
    for frame in frames:
        video.write(frame.image, frame.time_s)
    video.close()


def judged(before: Path, after: Path, truth: Truth) -> dict[str, Any]:
    """Faces left bare, of how many, and the median share covered in vain."""
    bare = faces = 0
    shares = []
    for one, other in zip(VideoFile(before), VideoFile(after), strict=False):
        if one.index in truth:
            difference = np.abs(one.image.astype(int) - _like(other.image, one.image)).mean(axis=2)
            bare += sum(_is_bare(difference, box) for box in truth[one.index])
            faces += len(truth[one.index])
            shares.append(_in_vain(difference, truth[one.index]))
    return {
        "bare": bare,
        "faces": faces,
        "in_vain_median": round(median(shares), 4),
        "in_vain_max": round(max(shares), 4),
    }


def _like(image: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    return image if image.shape == wanted.shape else cv2.resize(image, wanted.shape[1::-1])


def _is_bare(difference: np.ndarray, box: list[float]) -> bool:
    part = _part(difference, box, 0.5)
    return bool(part.size and part.mean() < BARE)


def _in_vain(difference: np.ndarray, boxes: list[list[float]]) -> float:
    changed = difference > CHANGED
    for box in boxes:
        _part(changed, box, ALLOWED)[:] = False
    return float(changed.mean())


def _part(image: np.ndarray, box: list[float], factor: float) -> np.ndarray:
    centre = (np.array(box[:2]) + box[2:]) / 2
    half = (np.array(box[2:]) - box[:2]) / 2 * factor
    x0, y0, x1, y1 = np.maximum(np.concatenate([centre - half, centre + half]), 0).astype(int)
    return image[y0:y1, x0:x1]


def timed(command: list[str]) -> dict[str, float]:
    """Run a command; its seconds, wall clock and processor."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_s": round(time.perf_counter() - began, 2), "cpu_s": round(cpu, 2)}


def deface(folder: Path) -> Path:
    """The command of a virtual environment with deface and onnxruntime, made where it is not there."""
    program = folder / "bin" / "deface"
    if not program.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", "deface", "onnxruntime"], check=True)
    return program


def compared(clip: Path, truth: Truth, rival: Path, folder: Path, strengths: list[str]) -> dict[str, Any]:
    """All programs on one clip."""
    ours = [sys.executable, "-m", "emojimation", "video", str(clip), "--anonymise", "--style", "blur"]
    commands = {name: [*ours, "--strength", name, "--out"] for name in strengths}
    commands["deface"] = [str(rival), str(clip), "--keep-audio", "--output"]
    figures = {}
    for name, command in commands.items():
        out = folder / f"{clip.stem}-{name}.mp4"
        figures[name] = timed([*command, str(out)]) | judged(clip, out, truth)
    return figures


def memory(folder: Path, minutes: float) -> dict[str, float]:
    """Peak and growth, in MB, of hiding a 720p video of so many minutes, in a process of its own."""
    part, long = folder / "part.mp4", folder / "long.mp4"
    _write(part, crowd(2, (1280, 720), 30.0, PART_S), 30.0)
    join([(part, float(PART_S * number)) for number in range(round(60 * minutes / PART_S))], long)
    done = subprocess.run([sys.executable, __file__, "--watch", str(long)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def watch(source: str) -> None:
    """Hide one video and print its memory: after the first minute of the search, at the end, at the peak."""
    from emojimation.hiding.search import searcher
    from emojimation.pipeline import make_pipeline
    from emojimation.video.options import Options
    from emojimation.video.outputs import Targets
    from emojimation.video.run import run_video

    seen: list[tuple[float, float]] = []

    def on_frame(at: Any) -> None:
        if at.frame % 30 == 0:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            seen.append((at.time_s if at.stage == "search" else np.inf, pages * resource.getpagesize() / 1e6))

    with tempfile.TemporaryDirectory() as folder:
        options = Options(style="emoji", hide=True, workers=2)
        result = run_video(
            source, make_pipeline(detector=searcher()), Targets(Path(folder) / "out.mp4"), options, on_frame
        )
    minute = max(value for at, value in seen if at <= 60)
    figures = {
        "frames": result.frames,
        "frames_per_s": round(result.frames / result.seconds, 1),
        "first_minute_mb": round(minute, 1),
        "growth_mb": round(max(value for _, value in seen) - minute, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6, 1),
    }
    print(json.dumps(figures))


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="real clips with clips.json, in place of the drawn one")
    parser.add_argument("--strengths", nargs="+", default=["careful"])
    parser.add_argument("--venv", type=Path, default=ROOT / "build" / "deface")
    parser.add_argument("--minutes", type=float, default=0, help="length of the video whose memory is measured")
    parser.add_argument("--no-rival", action="store_true", help="measure the memory only")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--watch", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.watch:
        watch(args.watch)
        return
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not args.no_rival:
            rival = deface(args.venv)
            clip = folder / "drawn.mp4"
            clips = real_clips(args.folder) if args.folder else iter([(clip, made_clip(clip))])
            for path, truth in clips:
                figures[path.name] = compared(path, truth, rival, folder, args.strengths)
        if args.minutes:
            figures["memory"] = memory(folder, args.minutes)
    keep("hiding", figures, args.out)


if __name__ == "__main__":
    main()
