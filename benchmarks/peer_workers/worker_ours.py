"""Emojimation's photo pipeline."""

import cv2
import numpy as np
from answering import answer

from emojimation.pipeline import make_pipeline

cv2.setNumThreads(1)
pipeline = make_pipeline()
answer(lambda picture: len(pipeline(np.ascontiguousarray(picture[..., ::-1]))))
