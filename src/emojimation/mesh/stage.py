"""The stage that adds what a mesh says to the faces of a frame, whichever of it was asked for, from one run."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import ClassVar

import numpy as np

from emojimation.faces import Face
from emojimation.mesh.gaze import Iris
from emojimation.mesh.measures import measures
from emojimation.mesh.network import FaceMesh, Mesh
from emojimation.mesh.pose import HeadPose, head_pose

# Presence below which there is no face to measure. The network is hardly ever undecided; between this and 0.9 the
# points lie near the face, but not on it.
LEAST_PRESENCE = 0.5


class MeshStage:
    """`MeshStage(names)(frame, faces)` -> the faces with the attributes `names`, of "pose", "mesh" and "gaze".

    Where the mesh sees no face, all values but its presence are NaN. threads: of the networks, which are loaded with
    the first frame that shows a face. May serve several threads.
    """

    NAMES = ("pose", "mesh", "gaze")

    def __init__(self, names: Sequence[str], threads: int = 1) -> None:
        self.names, self.threads = tuple(names), threads

    @cached_property
    def _mesh(self) -> FaceMesh:
        return FaceMesh(self.threads)

    @cached_property
    def _iris(self) -> Iris:
        return Iris(self.threads)

    def __call__(self, frame: np.ndarray, faces: list[Face]) -> list[Face]:
        """frame: (H,W,3) BGR uint8."""
        if not faces:
            return faces
        meshes = self._mesh(frame, faces)
        poses = [head_pose(mesh.points) for mesh in meshes]
        values = {name: self._of[name](self, frame, meshes, poses) for name in self.names}
        for i, mesh in enumerate(meshes):
            if mesh.presence < LEAST_PRESENCE:
                _forget(values, i)
        return [
            face.with_(attributes={**face.attributes, **{name: values[name][i] for name in self.names}})
            for i, face in enumerate(faces)
        ]

    def _poses(self, frame: np.ndarray, meshes: list[Mesh], poses: list[HeadPose]) -> list[np.ndarray]:
        return [pose.angles_deg().astype(np.float32) for pose in poses]

    def _measures(self, frame: np.ndarray, meshes: list[Mesh], poses: list[HeadPose]) -> list[np.ndarray]:
        return [measures(mesh.points, pose, mesh.presence) for mesh, pose in zip(meshes, poses, strict=True)]

    def _gazes(self, frame: np.ndarray, meshes: list[Mesh], poses: list[HeadPose]) -> list[np.ndarray]:
        return self._iris(frame, meshes, poses)

    _of: ClassVar[dict[str, Callable[..., list[np.ndarray]]]] = {"pose": _poses, "mesh": _measures, "gaze": _gazes}


def _forget(values: dict[str, list[np.ndarray]], index: int) -> None:
    """Make what was measured of a face unknown, all but the presence."""
    for name, of_faces in values.items():
        kept = of_faces[index][:1].copy()
        of_faces[index] = np.full_like(of_faces[index], np.nan)
        if name == "mesh":
            of_faces[index][:1] = kept
