"""facex as its README uses it: Haar's cascade and its TFLite network."""

import cv2
import numpy as np
from answering import answer
from facex import PoolManager

cv2.setNumThreads(1)
pool = PoolManager(pool_size=1)
answer(lambda picture: len(pool.predict(np.ascontiguousarray(picture[..., ::-1]))))
