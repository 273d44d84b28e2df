"""The face detector's figures: time, recall on the bundled samples at sizes and rolls, false alarms, FER2013's crops.

    python benchmarks/detector.py [--fer fer2013_train_val.parquet] [--out detector.json]

One thread. Times are medians in milliseconds of whole calls; run on an idle machine. Prints JSON.
"""

import argparse
import json
import platform
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

from emojimation.detect import Detector, FaceDetector, HaarDetector
from emojimation.faces import Face, crop_faces

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = sorted((ROOT / "src/emojimation/assets/samples").glob("*.jpg"))
FACELESS = sorted((ROOT / "tests/data/faceless").glob("*.jpg"))
EXPECTED = {"group.jpg": 5}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fer", type=Path, help="Parquet with the columns image and Usage: share of crops found")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    detectors = {
        "blazeface": FaceDetector(),
        "blazeface, refine off": FaceDetector(refine=False),
        "blazeface, tiles": FaceDetector(tiles=True),
        "haar": HaarDetector(),
    }
    result = {"machine": machine(), "detectors": {name: figures(find) for name, find in detectors.items()}}
    if args.fer:
        pictures = training_pictures(args.fer, 300)
        for name, find in detectors.items():
            result["detectors"][name]["fer_crops_found"] = float(np.mean([bool(find(p)) for p in pictures]))
    text = json.dumps(result, indent=2)
    print(text)
    if args.out:
        args.out.write_text(text + "\n")


def figures(find: Detector) -> dict:
    return {
        "ms_640x480": times(find),
        "samples": recall(find, lambda frame: frame),
        "rolled_deg": {a: recall(find, lambda frame, a=a: rolled(frame, a)) for a in (-40, -20, 20, 40)},
        "portraits_found_of_face_px": {px: small_recall(find, px) for px in (24, 32, 48, 64, 96)},
        "faceless_pictures": len(FACELESS),
        "false_alarms_faceless": sum(len(find(cv2.imread(str(p)))) for p in FACELESS),
        "false_alarms_faceless_enlarged_3x": sum(len(find(enlarged(cv2.imread(str(p))))) for p in FACELESS),
    }


def times(find: Detector) -> dict[str, float]:
    """Medians for frames with one large face, one small face, five faces, and none."""
    portrait = cv2.imread(str(SAMPLES[0]))
    frames = {
        "one face of 150 px": on_canvas(portrait, find, 150),
        "one face of 80 px": on_canvas(portrait, find, 80),
        "five faces": cv2.resize(cv2.imread(str(ROOT / "src/emojimation/assets/samples/group.jpg")), (640, 480)),
        "no face": cv2.resize(cv2.imread(str(FACELESS[5])), (640, 480)),
    }
    measured = {name: median_ms(lambda frame=frame: find(frame)) for name, frame in frames.items()}
    five = frames["five faces"]
    faces = find(five)
    measured["crop_faces, five faces"] = median_ms(lambda: crop_faces(five, faces))
    return measured


def on_canvas(portrait: np.ndarray, find: Callable[[np.ndarray], list[Face]], face_px: float) -> np.ndarray:
    """The portrait in a 640x480 frame, scaled so that its face is `face_px` long."""
    scale = face_px / max(find(portrait), key=lambda face: face.size_px).size_px
    small = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[:480, :640]
    bottom, right = 480 - small.shape[0], 640 - small.shape[1]
    return cv2.copyMakeBorder(small, 0, bottom, 0, right, cv2.BORDER_REPLICATE)


def median_ms(call: Callable[[], object], repeats: int = 40) -> float:
    call()
    spent = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        spent.append(time.perf_counter() - start)
    return round(float(np.median(spent)) * 1000, 2)


def recall(find: Detector, change: Callable[[np.ndarray], np.ndarray]) -> str:
    counts = [(len(find(change(cv2.imread(str(p))))), EXPECTED.get(p.name, 1)) for p in SAMPLES]
    found = sum(min(n, expected) for n, expected in counts)
    extra = sum(max(n - expected, 0) for n, expected in counts)
    return f"{found} of {sum(expected for _, expected in counts)}, {extra} too many"


def small_recall(find: Detector, face_px: int) -> str:
    """The single portraits in a 640x480 frame at 8 places each: how many frames have a face found."""
    reference, hits, total = FaceDetector(), 0, 0
    for path in (p for p in SAMPLES if p.name not in EXPECTED):
        frame = on_canvas(cv2.imread(str(path)), reference, face_px)
        for k in range(8):
            moved = cv2.warpAffine(frame, np.float32([[1, 0, k * 5], [0, 1, k * 3]]), (640, 480), borderMode=1)
            hits, total = hits + bool(find(moved)), total + 1
    return f"{hits} of {total}"


def rolled(frame: np.ndarray, degrees: float) -> np.ndarray:
    height, width = frame.shape[:2]
    side = int(np.hypot(height, width))
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    matrix[:, 2] += (side - width) / 2, (side - height) / 2
    return cv2.warpAffine(frame, matrix, (side, side))


def enlarged(frame: np.ndarray) -> np.ndarray:
    return cv2.resize(frame, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)


def training_pictures(path: Path, count: int) -> list[np.ndarray]:
    """Every n-th Training picture, 48x48 as it is, BGR."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=["image", "Usage"])
    table = table.filter(pc.equal(table["Usage"], "Training"))
    rows = np.linspace(0, len(table) - 1, count).astype(int)
    pngs = table["image"].take(rows).to_pylist()
    return [cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR) for png in pngs]


def machine() -> dict[str, str]:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return {
        "processor": processor(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "opencv": cv2.__version__,
        "onnxruntime": onnxruntime.__version__,
        "commit": commit.stdout.strip(),
    }


def processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


if __name__ == "__main__":
    main()
