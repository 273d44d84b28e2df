"""How fast very many images are answered on this machine, reading included, and how much memory that takes.

Run: python benchmarks/batch.py [--files 20000] [--workers N] [--engine local|ray|both] [--pictures FOLDER] [--out
FOLDER] --pictures keeps the files there for the next run. The files are 640 x 480 JPEGs with one face, all different on
the disk. Targets, on 2 cores: 90 pictures/s and under 500 MB for 20,000 files with the local engine; Ray with 2 workers
at 80 % of that once it is started. Memory: the largest sum over the processes of what each has for itself and its share
of what they have together (PSS).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import cv2
from machine import ROOT, keep
from photo import frame_640x480

FIRST_SAMPLE_S, SAMPLE_S = 0.1, 2.0  # soon for short runs; then seldom, as looking at Ray's many processes takes time


def make_files(folder: Path, count: int) -> None:
    """Write `count` images unless they exist; a bright line in a different place makes each unique."""
    folder.mkdir(parents=True, exist_ok=True)
    there = sum(1 for _ in folder.iterdir())
    if there > count:
        raise SystemExit(f"Expected {count} files or none in {folder}, got {there}.")
    frame = frame_640x480()
    for number in range(there, count):
        picture = frame.copy()
        picture[number % 60, :] = number % 251
        cv2.imwrite(str(folder / f"{number:06}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 90])


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        todo += parents.get(found[-1], [])
    return found


def pss_mb(pid: int) -> float:
    """Memory of a process, with its share of what it has together with others."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


def ran(folder: Path, out: Path, engine: str, workers: int | None, model: str) -> dict[str, Any]:
    """The summary of one run, with the largest memory seen and the rate between first and last answer."""
    command = [sys.executable, "-m", "emojimation", "batch", str(folder), "-o", str(out), "--json"]
    command += ["--engine", engine, "--model", model] + (["--workers", str(workers)] if workers else [])
    env = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    peak, steps, pause_s = 0.0, [], FIRST_SAMPLE_S
    journal = out.with_name(f"{out.name}.journal")
    spent = sum(os.times()[2:4])
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as run:
        text: list[str] = []
        reader = threading.Thread(target=lambda: text.append(run.stdout.read()))
        reader.start()
        while run.poll() is None:
            peak = max(peak, sum(map(pss_mb, tree(run.pid))))
            if journal.exists():
                steps.append((time.perf_counter(), journal.stat().st_size))
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, SAMPLE_S)
        reader.join()
    cpu = sum(os.times()[2:4]) - spent
    summary = json.loads(text[0])
    for key in ("written", "emotions", "uncertain", "before", "interrupted"):
        summary.pop(key)
    return {
        **summary,
        "cpu_ms_per_picture": None if engine == "ray" else round(cpu / summary["pictures"] * 1000, 2),
        "memory_mb": round(peak, 1),
        "steady_per_s": steady(steps, summary["pictures"]),
    }


def steady(steps: list[tuple[float, int]], pictures: int) -> float | None:
    """Images a second while there were answers, without the start: rows are of one length."""
    moving = [step for step in steps if step[1] > steps[0][1]] if steps else []
    if len(moving) < 4:
        return None
    (first_s, first), (last_s, last) = moving[0], next(step for step in moving if step[1] == moving[-1][1])
    return round((last - first) / moving[-1][1] * pictures / (last_s - first_s), 1) if last_s > first_s else None


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--engine", choices=["local", "ray", "both"], default="local")
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = args.pictures or Path(place) / "pictures"
        make_files(folder, args.files)
        engines = ["local", "ray"] if args.engine == "both" else [args.engine]
        figures = {
            engine: ran(folder, Path(place) / f"{engine}.parquet", engine, args.workers, args.model)
            for engine in engines
        }
    given = {"files": args.files, "workers": args.workers}
    if args.engine == "both":
        given["ray_to_local"] = ratio(figures["ray"]["steady_per_s"], figures["local"]["steady_per_s"])
    keep(f"batch_{args.engine}", given | figures, args.out)


def ratio(one: float | None, other: float | None) -> float | None:
    """One rate over the other; None for runs too short to tell."""
    return round(one / other, 3) if one and other else None


if __name__ == "__main__":
    main()
