"""How long one image takes: the whole pipeline and its stages, 640 x 480 with one face, on one thread.

Run: python benchmarks/photo.py [--runs 200] [--threads 1] [--model NAME|PATH] [--out FOLDER]
Models are loaded and warm. Target: the whole pipeline in 12 ms (median) on one thread.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from machine import ROOT, keep, summary_ms

from emojimation import annotate
from emojimation.faces import crop_faces
from emojimation.media import read_image
from emojimation.pipeline import make_pipeline

SAMPLE = ROOT / "src" / "emojimation" / "assets" / "samples" / "astronaut.jpg"
WARM_UP = 10


def frame_640x480() -> np.ndarray:
    """The astronaut portrait (512 x 512) cut and scaled to (480,640,3) BGR uint8."""
    portrait = read_image(SAMPLE).frame
    return cv2.resize(portrait[:384], (640, 480), interpolation=cv2.INTER_LINEAR)


def timed(call: Callable[[], Any], runs: int) -> dict[str, float]:
    """Wall-clock summary of a call."""
    for _ in range(WARM_UP):
        call()
    seconds, cpu_start = [], time.process_time()
    for _ in range(runs):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return summary_ms(seconds, time.process_time() - cpu_start)


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--model", default="default")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    args = parser.parse_args()
    cv2.setNumThreads(args.threads)
    pipeline, frame = make_pipeline(args.model, threads=args.threads), frame_640x480()
    faces, classifier = pipeline(frame), pipeline.classifier
    crops = crop_faces(frame, faces, classifier.size, classifier.template, classifier.channels)
    many = np.repeat(crops, 32, axis=0)
    figures = {
        "runs": args.runs,
        "threads": args.threads,
        "model": classifier.card["name"],
        "frame": list(frame.shape),
        "faces": len(faces),
        "pipeline": timed(lambda: pipeline(frame), args.runs),
        "detect": timed(lambda: pipeline.detector(frame), args.runs),
        "crop": timed(lambda: crop_faces(frame, faces, classifier.size, classifier.template), args.runs),
        "classify_1": timed(lambda: classifier.predict(crops), args.runs),
        "classify_32": timed(lambda: classifier.predict(many), max(args.runs // 10, 1)),
        "annotate_boxes": timed(lambda: annotate(frame, faces), args.runs),
        "annotate_emoji": timed(lambda: annotate(frame, faces, "emoji"), args.runs),
    }
    keep("photo", figures, args.out)


if __name__ == "__main__":
    main()
