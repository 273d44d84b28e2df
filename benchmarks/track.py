"""How well and how fast people are followed: number switches on videos with known faces, smoothing, time per frame.

Run: python benchmarks/track.py [--model NAME|PATH] [--rates 5 10 30] [--out FOLDER]
The videos are made of the bundled portraits: one with a bar to pass behind and a frame to leave, one with two people
who walk through each other, each at 5, 10 and 30 frames a second, seen by the real detector, and once more with a third
of all detections and two stretches of 0.9 s thrown away. Targets: no switch for gaps under a second; series at 5 and 30
frames a second within 2 %.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from machine import ROOT, keep, summary_ms

from emojimation import Pipeline
from emojimation.faces import Face
from emojimation.labels import EMOTIONS
from emojimation.pipeline import make_pipeline
from emojimation.tracking.track import Tracker
from emojimation.video.scene import Person, Pose, Scene, hide_and_seek

RATES = (5, 10, 30)
NEAR = 0.5  # a face belongs to the person whose centre is within this part of the box's side
MAX_GAP_S = 1.0
BLIND = ((1.0, 1.9), (7.0, 7.9))  # stretches without any detection, seconds


def crossing(fps: float) -> Scene:
    """Twelve seconds of two people of like size who walk through each other three times."""

    def way(sign: int, y: float) -> Any:
        return lambda t: Pose(320 + sign * 230 * float(np.cos(np.pi * t / 4)), y, 110, 0.0)

    return Scene([Person("astronaut.jpg", way(1, 230)), Person("obama.jpg", way(-1, 245))], (640, 480), fps, 12.0)


def switches(scene: Scene, pipeline: Pipeline, thin: bool) -> dict[str, int]:
    """Follow a video; how often a person's number changed, in all and over gaps under a second."""
    rng, tracker = np.random.default_rng(0), Tracker()
    last: dict[int, tuple[float, int]] = {}
    counts = {"sightings": 0, "switches": 0, "switches_under_1_s": 0, "numbers": 0}
    numbers = set()
    for frame in scene:
        faces = pipeline(frame.image)
        if thin:
            blind = any(start <= frame.time_s < end for start, end in BLIND)
            faces = [face for face in faces if not blind and rng.random() > 1 / 3]
        for face in tracker.update(faces, frame.time_s):
            person = owner(scene, frame.time_s, face)
            if person is None:
                continue
            seen_s, number = last.get(person, (frame.time_s, face.track_id))
            counts["sightings"] += 1
            counts["switches"] += number != face.track_id
            counts["switches_under_1_s"] += number != face.track_id and frame.time_s - seen_s <= MAX_GAP_S
            last[person] = (frame.time_s, face.track_id)
            numbers.add(face.track_id)
    return counts | {"numbers": len(numbers)}


def owner(scene: Scene, time_s: float, face: Face) -> int | None:
    """The nearest person whose face is mostly to be seen, or None."""
    found = []
    for truth in scene.truth(time_s):
        away = np.linalg.norm((truth.xyxy[:2] + truth.xyxy[2:] - face.xyxy[:2] - face.xyxy[2:]) / 2)
        found.append((away / (truth.xyxy[2] - truth.xyxy[0]), truth.person))
    away, person = min(found, default=(1.0, 0))
    return person if away < NEAR else None


def smile(t: float, onset_s: float, phase: float) -> np.ndarray:
    """Neutral, with a smile from 1 to 3 s that comes and goes along half a cosine of `onset_s`."""
    up, down = (np.clip((t - s - phase) / onset_s, 0, 1) for s in (1.0, 3.0))
    share = 0.9 * float(np.cos(np.pi * down) - np.cos(np.pi * up)) / 2
    return (share * np.eye(7)[EMOTIONS.index("happy")] + (1 - share) * np.eye(7)[6]).astype(np.float32)


def series(fps: int, onset_s: float, phase: float) -> np.ndarray:
    """What the tracker says at every fifth of a second of five."""
    tracker, said = Tracker(), []
    for i in range(5 * fps):
        face = Face(np.array([0, 0, 90, 90], np.float32), 0.9, probabilities=smile(i / fps, onset_s, phase))
        said.append(tracker.update([face], i / fps)[0].probabilities)
    return np.array(said[:: fps // 5])


def difference(onset_s: float) -> float:
    """Largest difference of a probability between 5 and 30 frames a second, over ten positions of the frames."""
    return max(float(np.abs(series(5, onset_s, p) - series(30, onset_s, p)).max()) for p in np.arange(10) / 50)


def update_ms(count: int) -> dict[str, float]:
    """Time of `Tracker.update` with that many trembling faces."""
    rng, tracker, seconds = np.random.default_rng(0), Tracker(), []
    cpu_start = 0.0
    corners = np.stack([np.arange(count) % 5 * 200, np.arange(count) // 5 * 200], axis=1)
    for i in range(220):
        cpu_start = time.process_time() if i == 20 else cpu_start
        boxes = np.hstack([corners, corners + 100]) + rng.normal(0, 1, (count, 4))
        faces = [Face(box.astype(np.float32), 0.9, probabilities=smile(0, 1, 0)) for box in boxes]
        start = time.perf_counter()
        tracker.update(faces, i / 30)
        seconds.append(time.perf_counter() - start)
    return summary_ms(seconds[20:], time.process_time() - cpu_start)


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="default")
    parser.add_argument("--rates", type=int, nargs="+", default=RATES)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    args = parser.parse_args()
    pipeline = make_pipeline(args.model, search="stream")
    films = {"hide_and_seek": lambda fps: hide_and_seek(fps=fps), "crossing": crossing}
    figures = {
        "model": pipeline.classifier.card["name"],
        "films": {
            f"{name}_{fps}_fps{'_thinned' if thin else ''}": switches(film(fps), pipeline, thin)
            for name, film in films.items()
            for fps in args.rates
            for thin in (False, True)
        },
        "difference_5_and_30_fps_by_onset_s": {str(s): round(difference(s), 4) for s in (0.4, 0.6, 1.0)},
        "update": {f"{count}_faces": update_ms(count) for count in (1, 5, 20)},
    }
    keep("track", figures, args.out)


if __name__ == "__main__":
    main()
