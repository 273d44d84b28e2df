"""What large batches cost: the table in docs/scale.md, from the throughput that benchmarks/batch.py measured.

Run: python benchmarks/cost.py [--runs 60] [--model NAME|PATH] [--page docs/scale.md] [--results FOLDER] [--out FOLDER]
Reads batch_local.json and batch_ray.json of --results. --page writes the figures into the page. Measured here, as
processor time on one thread: decoding per megapixel, one more face, one more small face (which takes a close-up pass);
and the memory that the driver of a batch needs per name.
"""

import argparse
import json
import textwrap
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from machine import ROOT, keep, write_block
from photo import SAMPLE, frame_640x480

from emojimation.batch.listing import Item
from emojimation.media import decode_image, read_image
from emojimation.photos import picture_result
from emojimation.pipeline import make_pipeline

PICTURES = (100_000, 1_000_000, 10_000_000, 100_000_000)
CORES = (16, 64, 256)
BUSY = 0.9  # share of the time that the cores are busy, apart from start-up and shutdown
NAMES = 100_000
PRICE = 0.04  # of a core hour, an example
BEGIN, END = "<!-- by benchmarks/cost.py --page -->", "<!-- end -->"


def cpu_ms(call: Callable[[], Any], runs: int) -> float:
    """Processor time of a call, the median of `runs`."""
    spent = []
    for _ in range(runs + 3):
        began = time.process_time()
        call()
        spent.append(time.process_time() - began)
    return round(float(np.median(spent[3:])) * 1000, 2)


def portraits(count: int, side: int) -> np.ndarray:
    """(480,640,3) BGR uint8: `count` portraits of `side` pixels, in rows."""
    portrait = cv2.resize(read_image(SAMPLE).frame[:300, 70:370], (side, side), interpolation=cv2.INTER_AREA)
    frame = np.full((480, 640, 3), 128, np.uint8)
    columns = 640 // side
    for number in range(count):
        y, x = number // columns * side, number % columns * side
        frame[y : y + side, x : x + side] = portrait
    return frame


def by_content(model: str, runs: int) -> dict[str, Any]:
    """Processor time by megapixel, and by kind and number of faces."""
    cv2.setNumThreads(1)
    large = cv2.resize(frame_640x480(), (4000, 3000), interpolation=cv2.INTER_CUBIC)
    data = cv2.imencode(".jpg", large, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
    pipeline = make_pipeline(model)
    frames = {"one_large": portraits(1, 480), "one_small": portraits(1, 120), "five_small": portraits(5, 120)}
    found = {name: len(pipeline(frame)) for name, frame in frames.items()}
    times = {name: cpu_ms(lambda frame=frame: pipeline(frame), runs) for name, frame in frames.items()}
    return {
        "decode_ms_per_megapixel": round(cpu_ms(lambda: decode_image(data), max(3, runs // 6)) / 12, 2),
        "faces": found,
        "pipeline_ms": times,
        "further_small_face_ms": round((times["five_small"] - times["one_small"]) / (found["five_small"] - 1), 2),
    }


def bytes_per_name() -> int:
    """Memory of a listed and answered name of 50 characters."""
    tracemalloc.start()
    items = [Item(name, name) for name in (f"photos/2026/11/24/folder-{n:012}/picture.jpg"[:50] for n in range(NAMES))]
    answered = {item.source for item in items}
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return round(size / len(answered))


def journal_bytes(model: str) -> int:
    """Length of the journal's line for an image with one face and a name of 50 characters."""
    picture = decode_image(cv2.imencode(".jpg", frame_640x480())[1].tobytes())
    row = picture_result("x" * 50, picture, make_pipeline(model)).to_dict()
    return len(json.dumps(row, separators=(",", ":"))) + 1


def span(hours: float) -> str:
    """Hours as the page prints them."""
    if hours < 1 / 30:
        return f"{hours * 3600:.0f} s"
    return f"{hours * 60:.0f} min" if hours < 1.5 else f"{hours:.1f} h"


def table(ms: float) -> list[str]:
    """The page's table for `ms` of a core per image."""
    lines = ["| images | core hours |" + "".join(f" {cores} cores |" for cores in CORES)]
    lines.append("|---|---|" + "---|" * len(CORES))
    for pictures in PICTURES:
        hours = pictures * ms / 3_600_000
        spans = "".join(f" {span(hours / cores / BUSY)} |" for cores in CORES)
        lines.append(f"| {pictures:,} | {hours:.{1 if hours < 10 else 0}f} |{spans}")
    return lines


def text(figures: dict[str, Any], local: dict[str, Any], ray: dict[str, Any], processor: str) -> str:
    """The page's paragraphs and table."""
    ms, local, ray = figures["cpu_ms_per_picture"], local["local"], ray["ray"]
    per_core = 1000 / ms
    measured = (
        f"Measured on 2 cores of {processor} with {local['pictures']:,} JPEGs of 640 x 480 with one face each, "
        f"including reading (`benchmarks/batch.py`): {ms:.1f} ms of processor time per image, {local['per_s']:.0f} "
        f"images per second, {local['memory_mb']:.0f} MB in all processes together. Ray with two workers, once "
        f"started: {ray['steady_per_s']:.0f} per second, {ray['steady_per_s'] / local['steady_per_s']:.0%} of the "
        f"local engine's throughput, with {ray['memory_mb']:.0f} MB. Larger images add their decoding time, "
        f"{figures['decode_ms_per_megapixel']:.0f} ms per megapixel of JPEG; each further small face, which takes a "
        f"close-up pass, adds {figures['further_small_face_ms']:.0f} ms (`benchmarks/cost.py`)."
    )
    model = f"""
    core hours = images x milliseconds / 3,600,000
    hours      = core hours / cores / {BUSY}        ({BUSY}: the share of the time that the cores are busy)
    cost       = core hours / {BUSY} x price of a core hour + requests to the store + traffic out of its region
"""
    after = (
        f"At {PRICE} per core hour, a million images cost {ms / 3.6 / BUSY * PRICE:.2f} in whatever currency. A "
        "million reads from object storage cost more than that on most price lists, so there is little to save on "
        f"cores. Watch the network instead: 64 cores that process {per_core:.0f} images of 62 kB per second each "
        f"read {64 * per_core * 0.062:.0f} MB/s."
    )
    leader = (
        f"The driver lists and writes: it takes about {figures['leader_bytes_per_name']} bytes of memory per name "
        f"and {figures['journal_bytes_per_picture']} bytes of journal per image with one face. It was measured up "
        f"to {local['pictures']:,} files; split more than ten million into several runs, one prefix or list file "
        "each, and concatenate the Parquet files afterwards: all have the same schema."
    )
    first, second, third = (textwrap.fill(part, 140) for part in (measured, after, leader))
    return "\n".join([first, model, *figures["table"], "", second, "", third])


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--model", default="default")
    parser.add_argument("--page", type=Path)
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    args = parser.parse_args()
    local, ray = (json.loads((args.results / f"batch_{name}.json").read_text()) for name in ("local", "ray"))
    ms = local["local"]["cpu_ms_per_picture"]
    figures = {"cpu_ms_per_picture": ms, **by_content(args.model, args.runs), "leader_bytes_per_name": bytes_per_name()}
    figures |= {"journal_bytes_per_picture": journal_bytes(args.model), "table": table(ms)}
    keep("cost", figures, args.out)
    if args.page is not None:
        write_block(args.page, BEGIN, END, text(figures, local, ray, local["machine"]["processor"]))


if __name__ == "__main__":
    main()
