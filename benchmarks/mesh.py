"""Time of the face mesh for a face, alone and in a batch, with pose, measures and gaze, and of drawing the puppet.

Run: python benchmarks/mesh.py [--runs 60] [--out FOLDER]
Target on an idle machine: 2 ms a face on one thread; 40 frames a second of 640x480 with one puppet.
"""

import statistics
import time
from collections.abc import Callable

import cv2

from emojimation.draw.styles import annotate
from emojimation.mesh.network import FaceMesh
from emojimation.mesh.stage import MeshStage
from emojimation.pipeline import make_pipeline
from emojimation.tracking.track import Tracker
from emojimation.weights import ASSETS


def median_ms(call: Callable[[], object], runs: int) -> float:
    """Median time of `runs` calls in milliseconds, after three that do not count."""
    times = []
    for _ in range(runs + 3):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1000)
    return round(statistics.median(times[3:]), 2)


def measure(runs: int = 60) -> dict[str, float]:
    """Each step by name, on a portrait of 640x480."""
    frame = cv2.resize(cv2.imread(str(ASSETS / "samples" / "obama.jpg"))[:768], (640, 480))
    pipeline = make_pipeline("lite", search="stream", measures=MeshStage.NAMES, tracker=Tracker())
    (face,) = pipeline(frame, 0.0)[:1]
    mesh, stage = FaceMesh(), MeshStage(MeshStage.NAMES)
    bare = face.with_(attributes={})
    steps = iter(range(1_000_000))

    def film_frame() -> None:
        time_s = next(steps) / 30
        annotate(frame, pipeline(frame, time_s), "puppet", time_s=time_s)

    whole = median_ms(film_frame, runs)
    return {
        "mesh_ms": median_ms(lambda: mesh(frame, [bare]), runs),
        "mesh_ms_a_face_of_16": round(median_ms(lambda: mesh(frame, [bare] * 16), max(runs // 8, 3)) / 16, 2),
        "pose_measures_gaze_ms": median_ms(lambda: stage(frame, [bare]), runs),
        "puppet_style_ms": median_ms(lambda: annotate(frame, [face], "puppet"), runs),
        "avatar_style_ms": median_ms(lambda: annotate(frame, [face], "avatar"), runs),
        "frame_640x480_ms": whole,
        "frames_per_s": round(1000 / whole, 1),
    }


def main() -> None:
    """Measure, print, keep."""
    from machine import run_measure

    run_measure("mesh", __doc__ or "", measure, 60)


if __name__ == "__main__":
    main()
