"""Emojimation's pipeline for one stream: the same picture again and again, known faces followed."""

import cv2
import numpy as np
from answering import answer

from emojimation.pipeline import Pipeline, make_pipeline
from emojimation.tracking.track import Tracker

cv2.setNumThreads(1)
shared = make_pipeline()
streams: dict[tuple[int, ...], Pipeline] = {}


def find(picture: np.ndarray) -> int:
    """A stream for each size of picture."""
    if picture.shape not in streams:
        streams[picture.shape] = shared.streaming(Tracker())
    return len(streams[picture.shape](np.ascontiguousarray(picture[..., ::-1])))


answer(find)
