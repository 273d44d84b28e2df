"""Does aligning crops by the face mesh classify better than by the detector's landmarks? Measured on FER2013.

    python scripts/measure_alignment.py fer2013_train_val.parquet [--rows 600] [--template-rows 100]

enlarges PublicTest pictures, finds the face in each and crops it again by five points: the detector's (with
`faces.TEMPLATE`) and the mesh's (eyes, tip of the nose, true corners of the mouth, with a template of their own,
measured on Training pictures in the same way). Prints the accuracy of both and of the pictures as they are, over the
pictures in which a face was found, and how often the two differ (McNemar's counts).
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from measure_template import ENLARGED_PX, sample

from emojimation.classify.classifier import EmotionClassifier
from emojimation.detect import FaceDetector
from emojimation.faces import Face, crop_faces
from emojimation.mesh.network import FaceMesh

EYES = ((33, 133, 159, 145), (263, 362, 386, 374))
NOSE, MOUTH = 1, (61, 291)


def five(points: np.ndarray) -> np.ndarray:
    """Mesh (468,3) -> the five landmarks (5,2) in the order of `faces.TEMPLATE`."""
    flat = points[:, :2]
    return np.array([*(flat[list(eye)].mean(axis=0) for eye in EYES), flat[NOSE], *flat[list(MOUTH)]], np.float32)


def found(pictures: list[bytes]) -> list[tuple[np.ndarray, Face, np.ndarray] | None]:
    """Frame, face and the mesh's five points of each picture, None where no face is found."""
    detect, mesh = FaceDetector(search="fast"), FaceMesh()
    answers: list[tuple[np.ndarray, Face, np.ndarray] | None] = []
    for png in pictures:
        small = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
        frame = cv2.resize(small, (ENLARGED_PX, ENLARGED_PX), interpolation=cv2.INTER_CUBIC)
        faces = detect(frame)[:1]
        answers.append((frame, faces[0], five(mesh(frame, faces)[0].points)) if faces else None)
    return answers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parquet", type=Path, help="columns image (PNG bytes), emotion (0-6), Usage")
    parser.add_argument("--rows", type=int, default=600)
    parser.add_argument("--template-rows", type=int, default=60, help="Training pictures of each class")
    args = parser.parse_args()
    training = [one for one in found(sample(args.parquet, args.template_rows, seed=1)[0]) if one]
    template = np.median([points for _, _, points in training], axis=0) / ENLARGED_PX
    print("the mesh's template:", template.round(3).tolist())
    table = pq.read_table(args.parquet, columns=["image", "emotion", "Usage"])
    table = table.filter(pc.equal(table["Usage"], "PublicTest"))
    rows = np.sort(np.random.default_rng(0).permutation(len(table))[: args.rows])
    labels = table["emotion"].to_numpy()[rows]
    tested = found(table["image"].take(rows).to_pylist())
    kept = [(one, label) for one, label in zip(tested, labels, strict=True) if one]
    truth = np.array([label for _, label in kept])
    classifier = EmotionClassifier()
    crops = {
        "as they are": [
            cv2.resize(frame, (48, 48), interpolation=cv2.INTER_AREA)[..., :1] for (frame, _, _), _ in kept
        ],
        "detector": [crop_faces(frame, [face])[0] for (frame, face, _), _ in kept],
        "mesh": [
            crop_faces(frame, [face.with_(landmarks=points)], template=template)[0] for (frame, face, points), _ in kept
        ],
    }
    right = {name: classifier.predict(np.stack(each)).argmax(axis=1) == truth for name, each in crops.items()}
    print(f"{len(kept)} of {len(rows)} pictures with a face")
    for name, correct in right.items():
        print(f"{name:12} accuracy {correct.mean():.4f}")
    only = [int((right[a] & ~right[b]).sum()) for a, b in (("mesh", "detector"), ("detector", "mesh"))]
    print(f"right only by the mesh: {only[0]}, only by the detector: {only[1]}")


if __name__ == "__main__":
    main()
