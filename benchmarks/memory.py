"""Memory of the service while photos of all sizes pass through it, with ONNX Runtime's arenas and without.

Run: python benchmarks/memory.py [--photos 800] [--without 200] [--page docs/performance.md] [--out FOLDER]

The service's own pool and its two heaps, two threads, in a process of its own for either case; JPEGs of 200 to 2,100
pixels with one face or five, decoded anew each time. Resident memory in MB after every hundred photos, and processor
time for each. An arena keeps the memory of the largest input for the next one.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
from machine import ROOT, keep, write_block

SAMPLES = ROOT / "src" / "emojimation" / "assets" / "samples"
BEGIN, END = "<!-- by benchmarks/memory.py --page -->", "<!-- end of memory -->"
SIDES = (200, 320, 480, 640, 800, 1024, 1280, 1600, 2048)


def main() -> None:
    """Measure both in turn, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=800)
    parser.add_argument("--without", type=int, default=200)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--page", type=Path)
    parser.add_argument("--worker", choices=("with", "without"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        print(json.dumps(soak(args.photos, args.worker == "with")))
        return
    figures = {"on": in_process("with", args.photos), "off": in_process("without", args.without)}
    keep("memory", figures, args.out)
    if args.page is not None:
        write_block(args.page, BEGIN, END, text(figures))


def text(figures: dict[str, Any]) -> str:
    """The page's table."""
    lines = [
        "| arenas | photos | resident, MB after each hundred | peak, MB | processor ms a photo |",
        "|---|---|---|---|---|",
    ]
    for name, row in figures.items():
        resident = ", ".join(map(str, row["resident_mb"]))
        lines.append(f"| {name} | {row['photos']:,} | {resident} | {row['peak_mb']} | {row['cpu_ms_per_photo']} |")
    return "\n".join(lines)


def in_process(which: str, photos: int) -> dict[str, Any]:
    """`soak` in a fresh process."""
    command = [sys.executable, __file__, "--worker", which, "--photos", str(photos)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def soak(photos: int, arenas: bool) -> dict[str, Any]:
    """Pass the photos through the pool's pipeline."""
    from emojimation.apps.api.pool import RequestPool
    from emojimation.heaps import few_heaps
    from emojimation.media import decode_image, read_image

    few_heaps()
    if not arenas:
        without_arenas()
    pool = RequestPool(workers=2)
    samples = [read_image(SAMPLES / name).frame for name in ("astronaut.jpg", "obama2.jpg", "group.jpg")]
    sizes = random.Random(1)

    def one(number: int) -> None:
        sample, side = samples[number % 3], sizes.choice(SIDES) + sizes.randrange(64)
        scale = side / max(sample.shape[:2])
        jpeg = cv2.imencode(".jpg", cv2.resize(sample, None, fx=scale, fy=scale))[1].tobytes()
        pool.pipeline(decode_image(jpeg).frame)

    began, resident = time.process_time(), []
    with ThreadPoolExecutor(2) as threads:
        for start in range(0, photos, 100):
            list(threads.map(one, range(start, min(start + 100, photos))))
            resident.append(resident_mb())
    return {
        "photos": photos,
        "resident_mb": resident,
        "growth_mb": resident[-1] - resident[0],
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "cpu_ms_per_photo": round((time.process_time() - began) / photos * 1000, 1),
    }


def without_arenas() -> None:
    """Let each session that is opened from here on free its memory after each input."""
    import onnxruntime

    opened = onnxruntime.InferenceSession.__init__

    def open_without(self: Any, path: str, options: Any = None, **more: Any) -> None:
        options.enable_cpu_mem_arena = False
        opened(self, path, options, **more)

    onnxruntime.InferenceSession.__init__ = open_without


def resident_mb() -> int:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * resource.getpagesize() / 1e6)


if __name__ == "__main__":
    main()
