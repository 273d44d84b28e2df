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


class MeshStage:
    """`MeshStage(names)(frame, faces)` -> the faces with the attributes `names`, of "pose", "mesh" and "gaze".

    threads: of the networks, which are loaded with the first frame that shows a face. May serve several threads.
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
