"""What a face looks like, as a vector by which the same person is recognised within one video.

The network is dlib's face recognition ResNet (King, "dlib-models", 2017), in the eight-bit form of face-api. Vectors of
one person lie close together. They are biometric data: they stay in memory and in the private folder of a run, which is
deleted at its end, and never reach rows, reports or answers.
"""

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
import onnxruntime as ort

from emojimation.classify.quality import hints
from emojimation.detect.following import of_run
from emojimation.detect.network import Layout, open_network
from emojimation.faces import Face, crop_faces
from emojimation.weights import resolve

INPUT_PX, WIDTH = 150, 128
LEAST_PX = 60  # smaller faces all resemble each other, as dark, blurred and averted ones do
# The eyes and nose of dlib's mean face with its margin of a quarter on each side; the mouth corners from its drawing.
TEMPLATE = (np.array([[0.227, 0.221], [0.753, 0.221], [0.49, 0.56], [0.31, 0.87], [0.67, 0.87]]) + 0.25) / 1.5
_MEAN_BGR = np.array([104.298, 117.001, 122.782], np.float32)
_TENSORS: Layout = {"faces": [3, INPUT_PX, INPUT_PX], "descriptors": [WIDTH]}


class Appearance:
    """`Appearance()(frame, faces)` -> the faces with `Face.appearance`, None for those not visible well enough.

    threads: of the network, which is loaded with the first frame that shows a face. May serve several threads.
    """

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads

    @cached_property
    def _network(self) -> ort.InferenceSession:
        advice = "make one with scripts/convert_appearance.py"
        return open_network(resolve("face_appearance"), self.threads, _TENSORS, "a network of face descriptors", advice)

    def __call__(self, frame: np.ndarray, faces: list[Face]) -> list[Face]:
        """frame: (H,W,3) BGR uint8."""
        clear = [face for face in faces if _is_clear(frame, face)]
        vectors = {id(face): vector for face, vector in zip(clear, self._described(frame, clear), strict=True)}
        return [face.with_(appearance=vectors.get(id(face))) for face in faces]

    def _described(self, frame: np.ndarray, faces: list[Face]) -> np.ndarray:
        """(n,128) float32 of length 1: the mean of a face and of its mirror image, which is less noisy than either."""
        if not faces:
            return np.zeros((0, WIDTH), np.float32)
        crops = crop_faces(frame, faces, INPUT_PX, TEMPLATE, channels=3)
        pairs = np.concatenate([crops, crops[:, :, ::-1]])
        # The network takes RGB in planes.
        planes = ((pairs - _MEAN_BGR) / 256)[..., ::-1].transpose(0, 3, 1, 2)
        straight, mirrored = np.split(self._network.run(None, {"faces": np.ascontiguousarray(planes)})[0], 2)
        return of_length_1(straight + mirrored)


def _is_clear(frame: np.ndarray, face: Face) -> bool:
    return face.landmarks is not None and face.size_px >= LEAST_PX and not hints(frame, face)


class Described:
    """Finds the same faces as `find_faces`, with their appearance; also those of a run of frames, if it can."""

    def __init__(self, find_faces: Callable[[np.ndarray], list[Face]]) -> None:
        self._find_faces, self._appearance = find_faces, Appearance()

    def __call__(self, frame: np.ndarray) -> list[Face]:
        """frame: (H,W,3) BGR uint8."""
        return self._appearance(frame, self._find_faces(frame))

    def of_run(self, frames: Sequence[np.ndarray]) -> list[list[Face]]:
        """As `Pipeline.of_run`."""
        found = of_run(self._find_faces, frames)
        return [self._appearance(frame, faces) for frame, faces in zip(frames, found, strict=True)]


def of_length_1(vectors: np.ndarray) -> np.ndarray:
    """Vectors (...,k) float32, scaled to length 1."""
    return (vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)).astype(np.float32)
