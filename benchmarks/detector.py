"""The face detectors' figures: time, recall by size and roll, composed photos, false alarms, FER2013's crops.

    python benchmarks/detector.py [--fer fer2013_train_val.parquet] [--against OTHER/src] [--only photos] [--out FILE]

One thread. Times are medians in milliseconds of whole calls, of the clock and of the processor (cpu); where other
programs run, the processor's tell more. against: the source folder of another commit; one large face at 640 x 480 goes
through both whole pipelines in turns. Prints JSON.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
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
# Composed photos: width, height, number of faces and their size in pixels, degrees of roll, blur in pixels.
PHOTOS = {
    "portrait, 2 MP": (1600, 1200, 1, 400, 0, 0),
    "one person in the distance, 3 MP": (2000, 1500, 1, 60, 0, 0),
    "group of 15, 12 MP": (4000, 3000, 15, 150, 15, 0),
    "group of 20, 2 MP": (1600, 1158, 20, 45, 15, 0),
    "crowd of 30, 2 MP": (1600, 1200, 30, 28, 0, 0),
    "stadium of 60, 12 MP": (4000, 3000, 60, 45, 0, 0),
    "rolled by up to 40 degrees, 2 MP": (1600, 1200, 12, 60, 40, 0),
    "out of focus, 1 MP": (1280, 960, 8, 60, 0, 2.5),
    "small webcam picture": (640, 480, 6, 28, 0, 0),
    "panorama, 48 MP": (16000, 3000, 1, 170, 0, 0),
    "nobody, 12 MP": (4000, 3000, 0, 0, 0, 0),
}
# Run by either commit: one large face through the whole pipeline.
ONE_FACE = """
import sys, time, cv2, numpy as np
from emojimation.pipeline import Pipeline
cv2.setNumThreads(1)
frame, pipeline, spent = cv2.imread(sys.argv[1]), Pipeline(), []
for _ in range(40):
    start = time.process_time(); pipeline(frame); spent.append(time.process_time() - start)
print(np.median(spent[10:]) * 1000)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fer", type=Path, help="Parquet with the columns image and Usage: share of crops found")
    parser.add_argument("--against", type=Path, help="source folder of another commit, to compare the time with")
    parser.add_argument("--only", choices=("figures", "photos"), help="one part of it")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    detectors = {
        "auto": FaceDetector(),
        "fast": FaceDetector(search="fast"),
        "fast, refine off": FaceDetector(search="fast", refine=False),
        "wide": FaceDetector(search="wide"),
        "haar": HaarDetector(),
    }
    result: dict = {"machine": machine()}
    if args.only != "figures":
        hows = ("auto", "fast", "wide")
        result["photos"] = {k: {how: photo_figures(detectors[how], v) for how in hows} for k, v in PHOTOS.items()}
    if args.only != "photos":
        result["detectors"] = {name: figures(find) for name, find in detectors.items()}
    if args.against:
        result["one_large_face_640x480_cpu_ms"] = in_turns({"now": ROOT / "src", "before": args.against})
    if args.fer and args.only != "photos":
        pictures = training_pictures(args.fer, 300)
        for name, find in detectors.items():
            result["detectors"][name]["fer_crops_found"] = float(np.mean([bool(find(p)) for p in pictures]))
    text = json.dumps(result, indent=2)
    print(text)
    if args.out:
        args.out.write_text(text + "\n")


def in_turns(sources: dict[str, Path], rounds: int = 5) -> dict[str, float]:
    """Median processor time of the whole pipeline for one large face, the commits in turns."""
    picture = ROOT / "out" / "one-face.png"
    picture.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(picture), on_canvas(cv2.imread(str(SAMPLES[0])), FaceDetector(), 150))
    spent: dict[str, list[float]] = {name: [] for name in sources}
    for _ in range(rounds):
        for name, source in sources.items():
            done = subprocess.run(
                [sys.executable, "-c", ONE_FACE, str(picture)],
                env={**os.environ, "PYTHONPATH": str(source)},
                capture_output=True,
                text=True,
                check=True,
            )
            spent[name].append(float(done.stdout))
    return {name: round(float(np.median(values)), 2) for name, values in spent.items()}


def photo_figures(find: Detector, photo: tuple[int, int, int, float, float, float], count: int = 3) -> dict:
    """Found faces, false alarms and times in `count` composed photos of that kind."""
    hits = extra = total = 0
    clock, cpu = [], []
    for seed in range(count):
        picture, places = composed(np.random.default_rng(seed), *photo)
        start, cpu_start = time.perf_counter(), time.process_time()
        faces = find(picture)
        clock.append(time.perf_counter() - start)
        cpu.append(time.process_time() - cpu_start)
        right = matched(faces, places)
        hits, extra, total = hits + right, extra + len(faces) - right, total + len(places)
    times = {"ms": round(float(np.median(clock)) * 1000), "cpu_ms": round(float(np.median(cpu)) * 1000)}
    return {"found": f"{hits} of {total}", "false_alarms": extra, **times}


def composed(
    rng: np.random.Generator, width: int, height: int, count: int, side: float, roll: float, blur: float
) -> tuple[np.ndarray, list[tuple[float, float, float]]]:
    """Heads of the samples on an enlarged faceless image, apart from each other; middle and side of each face."""
    ground = cv2.imread(str(FACELESS[rng.integers(len(FACELESS))]))
    picture = cv2.GaussianBlur(cv2.resize(ground, (width, height)), (0, 0), 3)
    portraits, boxes = heads()
    places: list[tuple[float, float, float]] = []
    for _ in range(1000):
        if len(places) == count:
            break
        size = side * rng.uniform(0.85, 1.15)
        x, y = (rng.uniform(0.7 * size, length - 0.7 * size) for length in (width, height))
        if all(np.hypot(x - a, y - b) > 1.6 * side for a, b, _ in places):
            k = rng.integers(len(portraits))
            paste_head(picture, portraits[k], boxes[k], (x, y), size, rng.uniform(-roll, roll), blur)
            places.append((x, y, size))
    return picture, places


@cache
def heads() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The portraits among the samples and the boxes (4,) of their faces."""
    portraits, find = [cv2.imread(str(p)) for p in SAMPLES if p.name not in EXPECTED], FaceDetector(search="fast")
    return portraits, [find(portrait)[0].xyxy for portrait in portraits]


def paste_head(
    picture: np.ndarray, portrait: np.ndarray, box: np.ndarray, at: tuple[float, float], size: float, roll: float,
    blur: float,
) -> None:  # fmt: skip
    """Put the head of a portrait, its face `size` pixels long, into the image, with a soft oval edge."""
    scale, middle, side = size / max(box[2:] - box[:2]), (box[:2] + box[2:]) / 2, int(size * 2.2)
    low = np.round(np.array(at) - side / 2).astype(int)
    matrix = cv2.getRotationMatrix2D((float(middle[0]), float(middle[1])), roll, scale)
    matrix[:, 2] += np.array(at) - low - middle
    soft = cv2.GaussianBlur(portrait, (0, 0), 0.45 / scale) if scale < 1 else portrait
    head = cv2.warpAffine(soft, matrix, (side, side), borderMode=cv2.BORDER_REPLICATE)
    head = cv2.GaussianBlur(head, (0, 0), blur) if blur else head
    mask = cv2.ellipse(
        np.zeros((side, side), np.float32), (side // 2,) * 2, (int(side * 0.42), int(side * 0.47)), 0, 0, 360, 1, -1
    )
    mask = cv2.GaussianBlur(mask, (0, 0), max(side * 0.02, 0.5))[..., None]
    (left, top), (right, bottom) = np.clip(low, 0, None), np.minimum(low + side, picture.shape[1::-1])
    inside = slice(top - low[1], bottom - low[1]), slice(left - low[0], right - low[0])
    under = picture[top:bottom, left:right]
    under[:] = (under * (1 - mask[inside]) + head[inside] * mask[inside]).astype(np.uint8)


def matched(faces: list[Face], places: list[tuple[float, float, float]]) -> int:
    """How many places have a face of about their size near their middle, each face for one place."""
    left = list(faces)
    for x, y, size in places:
        for face in left:
            off = np.hypot(*((face.xyxy[:2] + face.xyxy[2:]) / 2 - (x, y)))
            if off < 0.5 * size and 0.6 < face.size_px / size < 1.7:
                left.remove(face)
                break
    return len(faces) - len(left)


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
    reference, hits, total = FaceDetector(search="fast"), 0, 0
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
    """Every n-th Training image, 48x48 as it is, BGR."""
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
