"""Crops of the bundled portraits, kept as an image, so that no change of the geometry goes unnoticed.

Run: python tests/golden.py   writes tests/data/golden/crops.png anew; look at it before you commit it.
"""

from pathlib import Path

import cv2
import numpy as np

from emojimation.faces import Face, crop_faces
from emojimation.media import read_image

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "src" / "emojimation" / "assets" / "samples"
PICTURE = ROOT / "tests" / "data" / "golden" / "crops.png"
# Set by hand on the portraits, in pixels: right eye, left eye, nose tip, right and left mouth corner.
LANDMARKS = {
    "astronaut.jpg": ((205, 102), (247, 105), (225, 130), (207, 147), (240, 150)),
    "obama3.jpg": ((325, 168), (374, 176), (355, 199), (329, 223), (369, 229)),
    "biden.jpg": ((245, 152), (300, 161), (273, 187), (244, 213), (288, 220)),
    "obama.jpg": ((393, 195), (494, 200), (448, 250), (406, 299), (487, 303)),
    "obama2.jpg": ((214, 321), (322, 328), (242, 384), (202, 440), (288, 447)),
}


def face_of(name: str) -> Face:
    """The portrait's face with a box of 2.2 eye distances around the landmarks' middle."""
    landmarks = np.array(LANDMARKS[name], np.float32)
    half = 1.1 * np.linalg.norm(landmarks[1] - landmarks[0])
    middle = landmarks.mean(axis=0)
    return Face(np.concatenate([middle - half, middle + half]).astype(np.float32), 0.9, landmarks)


def crops() -> np.ndarray:
    """(96,240) uint8: the portraits side by side, by their landmarks above and by their boxes below."""
    rows = []
    for keep_landmarks in (True, False):
        row = []
        for name in LANDMARKS:
            face = face_of(name)
            face = face if keep_landmarks else face.with_(landmarks=None)
            row.append(crop_faces(read_image(SAMPLES / name).frame, [face])[0, ..., 0])
        rows.append(np.hstack(row))
    return np.vstack(rows)


if __name__ == "__main__":
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(PICTURE), crops())
