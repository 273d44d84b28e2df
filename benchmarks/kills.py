"""A batch that is killed again and again: whether every image is answered exactly once, and how much a kill costs.

Run: python benchmarks/kills.py [--files 20000] [--kills 3] [--seed 0] [--workers N] [--core N] [--folder FOLDER] [--out
FOLDER] The batch gets SIGKILL at random moments and is resumed after each. The files are names of some small images
of different sizes and formats, with a face, without one, and damaged: every name must be in the results or in the
errors, once, with the same answer as all others of its image, and no worker may outlive its batch. --core binds
everything to one core; --folder is where the files are made, on a file system with hard links. Ends with 1 if an image
is lost, doubled or differs.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from batch import tree
from machine import ROOT, keep
from photo import frame_640x480

WIDTHS = (160, 200, 240, 280, 320)
KINDS = ("jpg", "png", "webp", "bmp")
LOOK_S, ORPHANS_S = 0.1, 60.0


def contents() -> dict[str, bytes]:
    """The different images by name: a face in each size and format, one without a face, and two that are damaged."""
    frame = frame_640x480()
    made = {}
    for width in WIDTHS:
        small = cv2.resize(frame, (width, width * 3 // 4), interpolation=cv2.INTER_AREA)
        for kind in KINDS:
            made[f"face-{width}.{kind}"] = cv2.imencode(f".{kind}", small)[1].tobytes()
    plain = np.full((120, 160, 3), 90, np.uint8)
    made["plain.jpg"] = cv2.imencode(".jpg", plain)[1].tobytes()
    made["truncated.jpg"] = made["face-320.jpg"][:2000]
    made["text.png"] = b"not an image"
    return made


def make_files(folder: Path, count: int) -> None:
    """`count` names, in folders of 1000, for the different images, which are on the disk once."""
    originals = folder.with_name(f"{folder.name}-originals")
    originals.mkdir(parents=True)
    made = contents()
    for name, data in made.items():
        (originals / name).write_bytes(data)
    names = list(made)
    for number in range(count):
        name = names[number % len(names)]
        place = folder / f"{number // 1000:03}" / f"{number:06}-{name}"
        place.parent.mkdir(parents=True, exist_ok=True)
        os.link(originals / name, place)


class Run:
    """One process of the batch, resumed from the second on."""

    def __init__(self, folder: Path, out: Path, options: list[str]):
        command = [sys.executable, "-m", "emojimation", "batch", str(folder), "-o", str(out), "--json", *options]
        self.journal = out.with_name(f"{out.name}.journal")
        resumed = ["--resume"] if self.journal.exists() or out.exists() else []
        env = os.environ | {"PYTHONPATH": str(ROOT / "src")}
        self.process = subprocess.Popen([*command, *resumed], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def killed(self, after: int) -> dict[str, Any]:
        """Kill it once so many images are answered. What was answered by then, and workers that went on."""
        while answered(self.journal) < after:
            if self.process.poll() is not None:
                raise SystemExit(f"Expected a batch to kill, but it ended: {self.process.stderr.read().decode()}")
            time.sleep(LOOK_S)
        workers, alive = tree(self.process.pid)[1:], self.process.poll() is None
        self.process.kill()
        self.process.communicate()
        left = len(orphans(workers))
        return {"alive": alive, "answered": answered(self.journal), "workers": len(workers), "orphans": left}

    def finished(self) -> dict[str, Any]:
        """The summary of a run that nobody kills."""
        told, errors = self.process.communicate()
        if self.process.returncode not in (0, 1):
            raise SystemExit(f"Expected a batch that ends, got: {errors.decode()}")
        return json.loads(told)


def answered(journal: Path) -> int:
    """Images with a complete line in the journal; its first line is the settings."""
    return max(0, journal.read_bytes().count(b"\n") - 1) if journal.exists() else 0


def orphans(workers: list[int]) -> list[int]:
    """Those that run on although their parent is gone."""
    until = time.monotonic() + ORPHANS_S
    while (left := [pid for pid in workers if Path(f"/proc/{pid}").exists()]) and time.monotonic() < until:
        time.sleep(LOOK_S)
    return left


def rows_of(out: Path) -> Iterator[dict[str, Any]]:
    """All answers: of images that could be read, and of others."""
    for path in (out, out.with_name(f"{out.name}.errors.jsonl")):
        with path.open(encoding="utf-8") as file:
            yield from map(json.loads, file)


def compared(folder: Path, out: Path) -> dict[str, int]:
    """How many files were answered once, twice, never, and unlike other names of the same image."""
    wanted = {str(path) for path in folder.rglob("*") if path.is_file()}
    times: Counter[str] = Counter()
    answers: dict[str, set[str]] = {}
    for row in rows_of(out):
        source = row.pop("source")
        times[source] += 1
        image = Path(source).name.partition("-")[2]
        answers.setdefault(image, set()).add(json.dumps(row).replace(source, image))
    return {
        "files": len(wanted),
        "once": sum(times[name] == 1 for name in wanted),
        "more_than_once": sum(number > 1 for number in times.values()),
        "never": len(wanted - times.keys()),
        "unknown": len(times.keys() - wanted),
        "images": len(answers),
        "answers": sum(len(different) for different in answers.values()),
    }


def measured(folder: Path, out: Path, count: int, kills: int, chance: random.Random, options: list[str]) -> dict:
    """Kill the batch at random moments, let it end, and compare."""
    moments = sorted(chance.randrange(count) for _ in range(kills))
    began = time.perf_counter()
    killed = [Run(folder, out, options).killed(after) for after in moments]
    summary = Run(folder, out, options).finished()
    took = time.perf_counter() - began
    found = compared(folder, out)
    return {
        "killed": killed,
        **found,
        "failed": summary["failed"],
        "faces": summary["faces"],
        "seconds": round(took, 1),
        "per_s": round(count / took, 1),
        "left_behind": sorted(path.name for path in out.parent.glob(f"*{out.name}*"))[:10],
    }


def held(found: dict[str, Any]) -> bool:
    """Whether everything was answered once and alike, and nothing went on."""
    whole = found["once"] == found["files"] and not found["more_than_once"] and not found["unknown"]
    return (
        whole
        and found["answers"] == found["images"]
        and all(one["alive"] and not one["orphans"] for one in found["killed"])
    )


def main() -> int:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--core", type=int)
    parser.add_argument("--model", default="default")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    args = parser.parse_args()
    if args.core is not None:
        os.sched_setaffinity(0, {args.core})
    options = ["--model", args.model, *(["--workers", str(args.workers)] if args.workers else [])]
    with tempfile.TemporaryDirectory(dir=args.folder) as place:
        folder, results = Path(place) / "images", Path(place) / "results" / "out.jsonl"
        make_files(folder, args.files)
        found = measured(folder, results, args.files, args.kills, random.Random(args.seed), options)
    keep("kills", {"seed": args.seed, "workers": args.workers, "core": args.core, **found}, args.out)
    return 0 if held(found) else 1


if __name__ == "__main__":
    sys.exit(main())
