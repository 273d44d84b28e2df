"""Time of drawing: the avatar at several sizes, and each style on a 640x480 frame with one face; one thread.

Run: python benchmarks/avatar.py [--runs 200] [--out FOLDER]
Target: an avatar of 200 pixels in under 2 ms.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np

from emojimation.draw.avatar import Avatar
from emojimation.draw.styles import STYLES, annotate
from emojimation.faces import TEMPLATE, Face
from emojimation.labels import EMOTIONS


def median_ms(call: Callable[[int], object], runs: int) -> dict[str, float]:
    """Median and fastest of `runs` calls in milliseconds, after ten that do not count. The call gets its number."""
    times = []
    for number in range(runs + 10):
        start = time.perf_counter()
        call(number)
        times.append((time.perf_counter() - start) * 1000)
    return {"median_ms": round(statistics.median(times[10:]), 3), "min_ms": round(min(times[10:]), 3)}


def measure(runs: int = 200) -> dict[str, dict[str, float]]:
    """Every drawing, by name. Answers differ from call to call, as in a video."""
    avatar = Avatar()
    answers = np.random.default_rng(0).dirichlet(np.full(len(EMOTIONS), 0.4), 64).astype(np.float32)
    frame = np.random.default_rng(1).integers(0, 256, (480, 640, 3), np.uint8)
    landmarks = TEMPLATE * 140 + np.array([250, 170], np.float32)
    face = Face(np.array([250, 170, 390, 310], np.float32), 0.9, landmarks)
    results = {
        f"avatar {size} px": median_ms(lambda n, size=size: avatar.draw(answers[n % 64], size, n / 30), runs)
        for size in (32, 64, 128, 200, 256, 512)
    }
    for style in STYLES:
        results[f"640x480, one face, {style}"] = median_ms(
            lambda n, style=style: annotate(
                frame, [face.with_(probabilities=answers[n % 64])], style, draw=avatar.drawer(n / 30)
            ),
            runs,
        )
    return results


def main() -> None:
    """Measure, print, keep."""
    from machine import run_measure

    run_measure("avatar", __doc__ or "", measure, 200)


if __name__ == "__main__":
    main()
