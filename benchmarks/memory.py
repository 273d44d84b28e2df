"""Memory of the service while photos of all sizes pass through it, with ONNX Runtime's arenas and without.

Run: python benchmarks/memory.py [--photos 10000] [--without 300] [--minutes 60] [--page docs/performance.md]
[--out FOLDER]

The service in a process of its own with two threads, asked over two connections for /v1/analyze; JPEGs of 200 to 2,100
pixels, small ones as often as large ones, with one face or five. Its resident memory in MB after every hundred photos,
its peak, and its processor time for each photo. --minutes: for the run with arenas, after which it stops and is kept as
far as it got. An arena keeps the memory of the largest input for the next one.
"""

import argparse
import asyncio
import random
import runpy
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from machine import ROOT, keep, write_block
from serve import cpu_s, load, memory_mb, request, started

from emojimation.media import read_image

SAMPLES = ROOT / "src" / "emojimation" / "assets" / "samples"
BEGIN, END = "<!-- by benchmarks/memory.py --page -->", "<!-- end of memory -->"
SMALLEST_PX, LARGEST_PX, SIZES = 200, 2100, 400
STEP = 100  # photos between two samples
SHOWN = (100, 300, 1_000, 2_000, 5_000, 10_000)  # of the samples, in the page
WITHOUT_ARENAS = "--without-arenas"  # before the service's command


def main() -> None:
    """Measure both in turn, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=10_000)
    parser.add_argument("--without", type=int, default=300)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--page", type=Path)
    args = parser.parse_args()
    photos = requests(SIZES)
    off = soak(photos, args.without, args.minutes, [sys.executable, __file__, WITHOUT_ARENAS])
    figures = {"on": soak(photos, args.photos, args.minutes), "off": off}
    keep("memory", figures, args.out)
    if args.page is not None:
        write_block(args.page, BEGIN, END, text(figures))


def requests(count: int) -> list[bytes]:
    """Requests with so many photos, each of another size, in random order."""
    samples = [read_image(SAMPLES / name).frame for name in ("astronaut.jpg", "obama2.jpg", "obama3.jpg", "group.jpg")]
    made = []
    for number, side in enumerate(np.geomspace(SMALLEST_PX, LARGEST_PX, count)):
        sample = samples[number % len(samples)]
        scale = side / max(sample.shape[:2])
        made.append(request(cv2.imencode(".jpg", cv2.resize(sample, None, fx=scale, fy=scale))[1].tobytes()))
    random.Random(1).shuffle(made)
    return made


def soak(photos: list[bytes], count: int, minutes: float, prefix: list[str] | None = None) -> dict[str, Any]:
    """Pass `count` photos through a service in turn; fewer if `minutes` have passed. prefix: see `serve.started`."""
    resident: list[int] = []
    statuses: Counter[str] = Counter()
    began = time.monotonic()
    with started(["--workers", "2"], prefix or []) as (pid, port):
        spent = cpu_s(pid)
        while len(resident) * STEP < count and time.monotonic() - began < minutes * 60:
            some = [photos[(len(resident) * STEP + i) % len(photos)] for i in range(STEP)]
            statuses.update(asyncio.run(load(port, some, STEP, 2))["statuses"])
            resident.append(round(memory_mb(pid)))
            print(len(resident) * STEP, resident[-1], file=sys.stderr, flush=True)
        passed = len(resident) * STEP
        return {
            "photos": passed,
            "statuses": dict(statuses),
            "resident_mb": resident,
            "growth_mb": resident[-1] - resident[0],
            "peak_mb": round(memory_mb(pid, "VmHWM")),
            "cpu_ms_per_photo": round((cpu_s(pid) - spent) / passed * 1000, 1),
        }


def text(figures: dict[str, Any]) -> str:
    """The page's table."""
    heads = " | ".join(f"after {count:,}" for count in SHOWN)
    lines = [f"| arenas | photos | {heads} | growth, MB | peak, MB | processor ms a photo |"]
    lines.append("|---" * (len(SHOWN) + 5) + "|")
    for name, row in figures.items():
        samples = row["resident_mb"]
        shown = " | ".join(str(samples[count // STEP - 1]) if count // STEP <= len(samples) else "" for count in SHOWN)
        cells = f"{row['photos']:,} | {shown} | {row['growth_mb']} | {row['peak_mb']} | {row['cpu_ms_per_photo']}"
        lines.append(f"| {name} | {cells} |")
    return "\n".join(lines)


def without_arenas(command: list[str]) -> None:
    """Run `python -m MODULE ...` in this process, each of whose sessions frees its memory after each input."""
    import onnxruntime

    opened = onnxruntime.InferenceSession.__init__

    def open_without(self: Any, path: str, options: Any = None, **more: Any) -> None:
        options.enable_cpu_mem_arena = False
        opened(self, path, options, **more)

    onnxruntime.InferenceSession.__init__ = open_without
    sys.argv = command[2:]
    runpy.run_module(command[2], run_name="__main__")


if __name__ == "__main__":
    if sys.argv[1:2] == [WITHOUT_ARENAS]:
        without_arenas(sys.argv[2:])
    else:
        main()
