"""Write a sheet of the avatar: every emotion at several sizes, halves between two, a sweep, a blink.

python examples/avatar_sheet.py out/avatar.png
python examples/avatar_sheet.py out/strip.png --strip    the seven, and what lies between them, in two rows
"""

import argparse
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from emojimation.draw.avatar import Avatar, blink
from emojimation.draw.sprites import stamp
from emojimation.labels import EMOTIONS

GROUND = (236, 233, 230)


def answer(**named: float) -> np.ndarray:
    """A probability vector: the named emotions as given, the rest shared by the others."""
    vector = np.array([named.get(name, np.nan) for name in EMOTIONS])
    missing = np.isnan(vector)
    vector[missing] = (1 - np.nansum(vector)) / max(missing.sum(), 1)
    return vector


def row(pictures: list[np.ndarray], width: int, ground: tuple[int, int, int] = GROUND) -> np.ndarray:
    """Pictures side by side on a plain ground, spread over `width` pixels."""
    height = max(picture.shape[0] for picture in pictures) + 8
    out = np.full((height, width, 3), ground, np.uint8)
    for number, picture in enumerate(pictures):
        middle = (number + 0.5) * width / len(pictures)
        stamp(out, picture, round(middle - picture.shape[1] / 2), 4)
    return out


def sheet() -> np.ndarray:
    """The whole sheet (H,1400,3) BGR uint8."""
    avatar = Avatar()
    rows = [row([avatar.draw(answer(**{name: 0.7}), size) for name in EMOTIONS], 1400) for size in (192, 128, 64, 32)]
    rows += [
        row([avatar.draw(answer(**{name: 0.7}), size) for name in EMOTIONS], 1400, (32, 28, 26)) for size in (64, 32)
    ]
    for first in EMOTIONS:
        pairs = [answer(**({first: 0.45, other: 0.45} if other != first else {first: 0.9})) for other in EMOTIONS]
        rows.append(row([avatar.draw(pair, 112) for pair in pairs], 1400))
    for start, end in pairwise(("neutral", "happy", "surprise", "fear", "sad", "angry", "disgust")):
        steps = [answer(**{start: 0.9 - 0.8 * part, end: 0.1 + 0.8 * part}) for part in np.linspace(0, 1, 11)]
        rows.append(row([avatar.draw(step, 112, number * 0.1) for number, step in enumerate(steps)], 1400))
    middle = max(np.linspace(0, 4, 401), key=blink)
    for name in ("neutral", "angry", "happy"):
        times = middle + np.linspace(-0.16, 0.16, 12)
        rows.append(row([avatar.draw(answer(**{name: 0.8}), 112, float(time_s)) for time_s in times], 1400))
    rows.append(row([avatar.draw(answer(sad=0.8), 112, 0.25 * i, roll_deg=-30 + 5 * i) for i in range(12)], 1400))
    return np.vstack(rows)


def strip() -> np.ndarray:
    """The seven emotions, and below them a way from each to the next (H,1400,3) BGR uint8."""
    avatar = Avatar()
    seven = [avatar.draw(answer(**{name: 0.8}), 184) for name in EMOTIONS]
    ways = ("angry", "disgust", "fear", "surprise", "happy", "neutral", "sad", "angry")
    halves = [avatar.draw(answer(**{a: 0.45, b: 0.45}), 144) for a, b in pairwise(ways)]
    return np.vstack([row(seven, 1400, (255, 255, 255)), row(halves, 1400, (255, 255, 255))])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--strip", action="store_true")
    args = parser.parse_args()
    out = args.out
    out.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(out), strip() if args.strip else sheet()):
        raise SystemExit(f"cannot write {out}; name a .png file in a folder that you may write to")
    print(f"wrote {out}")


if __name__ == "__main__":
    main()
