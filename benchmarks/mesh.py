"""Time of the face mesh for a face, alone and in a batch, with pose, measures and gaze, and of drawing the puppet.

The last figures are of a stream: known faces are followed, measured, tracked, and drawn as puppets.

Run: python benchmarks/mesh.py [--runs 60] [--out FOLDER]
Target on an idle machine: 2 ms a face on one thread; 40 frames a second of 640x480 with one puppet.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

import cv2

from emojimation.draw.styles import annotate
from emojimation.mesh.network import FaceMesh
from emojimation.mesh.stage import MeshStage
from emojimation.pipeline import make_pipeline
from emojimation.tracking.track import Tracker
from emojimation.weights import ASSETS


def medians(call: Callable[[], object], runs: int, parts: int = 1) -> dict[str, float]:
    """Median time and processor time of `runs` calls in milliseconds, after three that do not count.

    parts: what a call consists of; the times are those of one. Processor time hardly changes where other programs run.
    """
    spans = []
    for _ in range(runs + 3):
        start, used = time.perf_counter(), time.process_time()
        call()
        spans.append((time.perf_counter() - start, time.process_time() - used))
    wall, cpu = (statistics.median(times) * 1000 / parts for times in zip(*spans[3:], strict=True))
    return {"median_ms": round(wall, 2), "cpu_ms": round(cpu, 2)}


def measure(runs: int = 60) -> dict[str, Any]:
    """Each step by name, on a portrait of 640x480."""
    frame = cv2.resize(cv2.imread(str(ASSETS / "samples" / "obama.jpg"))[:768], (640, 480))
    pipeline = make_pipeline("lite", search="stream", measures=MeshStage.NAMES).streaming(Tracker())
    (face,) = pipeline(frame, 0.0)[:1]
    mesh, stage = FaceMesh(), MeshStage(MeshStage.NAMES)
    bare = face.with_(attributes={})
    steps = iter(range(1_000_000))

    def video_frame() -> None:
        time_s = next(steps) / 30
        annotate(frame, pipeline(frame, time_s), "puppet", time_s=time_s)

    whole = medians(video_frame, runs)
    return {
        "mesh": medians(lambda: mesh(frame, [bare]), runs),
        "mesh_a_face_of_16": medians(lambda: mesh(frame, [bare] * 16), max(runs // 8, 3), 16),
        "pose_measures_gaze": medians(lambda: stage(frame, [bare]), runs),
        "puppet_style": medians(lambda: annotate(frame, [face], "puppet"), runs),
        "avatar_style": medians(lambda: annotate(frame, [face], "avatar"), runs),
        "frame_640x480": whole,
        "frames_per_s": round(1000 / whole["median_ms"], 1),
        "frames_per_s_of_a_processor": round(1000 / whole["cpu_ms"], 1),
    }


def main() -> None:
    """Measure, print, keep."""
    from machine import run_measure

    run_measure("mesh", __doc__ or "", measure, 60)


if __name__ == "__main__":
    main()
