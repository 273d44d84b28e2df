"""Make docs/images/result.jpg, the README's image, from the sample photos and the package's own model.

Run: python scripts/readme_picture.py [--model NAME|PATH] [--out FILE]
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from emojimation import Pipeline, annotate
from emojimation.media import read_image, write_image
from emojimation.pipeline import make_pipeline

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "src" / "emojimation" / "assets" / "samples"
# Sample and style, from left to right.
PARTS = (("astronaut", "boxes"), ("group", "boxes"), ("group", "emoji"))
HEIGHT_PX, GAP_PX = 420, 8


def picture(pipeline: Pipeline) -> np.ndarray:
    """(HEIGHT_PX,W,3) BGR uint8: the parts side by side on white, each drawn at its final size."""
    gap = np.full((HEIGHT_PX, GAP_PX, 3), 255, np.uint8)
    columns = []
    for name, style in PARTS:
        frame = read_image(SAMPLES / f"{name}.jpg").frame
        width = round(frame.shape[1] * HEIGHT_PX / frame.shape[0])
        frame = cv2.resize(frame, (width, HEIGHT_PX), interpolation=cv2.INTER_AREA)
        columns += [annotate(frame, pipeline(frame), style), gap]
    return np.hstack(columns[:-1])


def main() -> None:
    """Draw and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="default")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images" / "result.jpg")
    args = parser.parse_args()
    print(write_image(args.out, picture(make_pipeline(args.model))))


if __name__ == "__main__":
    main()
