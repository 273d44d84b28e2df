"""End to end, from a frame to a prediction: the face detector and the crop before the classifier."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from emojimation.errors import InputError
from emojimation.faces import Face, crop_faces

# FER2013's images end at chin and forehead, which detectors handle poorly. Misses on 300 PublicTest images: black
# border of 24 px 6 %, none 6 %, black of 64 px 12 %, grey or white of 64 px 26 %, replicated edge 31 %.
FRAME_PX, PICTURE_PX = 240, 192


def framed(image: np.ndarray) -> np.ndarray:
    """A grey image (s,s) uint8, enlarged to 192 px, in the middle of a black frame (240,240,3) BGR uint8."""
    frame = np.zeros((FRAME_PX, FRAME_PX, 3), np.uint8)
    edge = (FRAME_PX - PICTURE_PX) // 2
    large = cv2.resize(image, (PICTURE_PX, PICTURE_PX), interpolation=cv2.INTER_CUBIC)
    frame[edge : edge + PICTURE_PX, edge : edge + PICTURE_PX] = large[..., None]
    return frame


def found_crops(
    detect: Callable[[np.ndarray], list[Face]], images: np.ndarray, size: int, template: np.ndarray, channels: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """The largest face that `detect` finds in each framed image, cropped as in the product.

    Returns crops (k,size,size,channels) uint8 and found (n,) bool with k true values.
    """
    crops, found = [], np.zeros(len(images), bool)
    for i, image in enumerate(images):
        frame = framed(image)
        faces = detect(frame)
        if faces:
            largest = max(faces, key=lambda face: face.size_px)
            crops.append(crop_faces(frame, [largest], size, template, channels)[0])
            found[i] = True
    return np.array(crops, np.uint8).reshape(-1, size, size, channels), found


def end_to_end(
    classifier: Any, detect: Callable[[np.ndarray], list[Face]], images: np.ndarray, labels: np.ndarray
) -> dict[str, Any]:
    """Accuracy with the detector in front; an image without a detection counts as an error in `accuracy_all`.

    classifier: an `EmotionClassifier`. Raises InputError where no face is found at all.
    `accuracy_direct_of_found` is the accuracy of the given crops of the same images: the difference to
    `accuracy_of_found` is what detector and crop cost.
    """
    crops, found = found_crops(detect, images, classifier.size, classifier.template, classifier.channels)
    if not found.any():
        raise InputError(f"Expected faces in the {len(images)} images, got none: is this a set of face images?")
    right = np.zeros(len(images), bool)
    right[found] = classifier.predict(crops).argmax(1) == labels[found]
    direct = classifier.predict(images[found]).argmax(1) == labels[found]
    return {
        "n": len(images),
        "missed": int((~found).sum()),
        "accuracy_of_found": float(right[found].mean()),
        "accuracy_direct_of_found": float(direct.mean()),
        "accuracy_all": float(right.mean()),
        "rule": f"each image enlarged to {PICTURE_PX} px in a black frame of {FRAME_PX} px; largest face",
    }
