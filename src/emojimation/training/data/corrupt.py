"""Corruption robustness: nine seeded corruptions in up to three severities, and accuracy under each.

After Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations",
ICLR 2019, with parameters for faces of 48 px. Corruption c of severity s depends on the seed, c and s alone, so a table
of a few corruptions has the same figures as the full one. Lengths are in pixels of a 48 px image and scale with it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from emojimation.errors import InputError

Change = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]
FULL_PX = 48


@dataclass(frozen=True, slots=True)
class Corruption:
    """One way to degrade an image.

    change: (h,w) uint8, the severity's value and a generator -> (h,w) uint8. values: mild to strong.
    unit: how a value is displayed, with "{}" in its place.
    """

    change: Change
    values: tuple[float, ...]
    unit: str


def blur(image: np.ndarray, sigma_px: float, rng: np.random.Generator) -> np.ndarray:
    """Gaussian blur, as from a lens out of focus."""
    return cv2.GaussianBlur(image, (0, 0), sigma_px * image.shape[0] / FULL_PX)


def light(image: np.ndarray, factor: float, rng: np.random.Generator) -> np.ndarray:
    """Grey levels times `factor`, rounded and clipped at 255: darkness below 1, overexposure above."""
    return cv2.convertScaleAbs(image, alpha=factor)


def noise(image: np.ndarray, deviation: float, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise with a standard deviation in grey levels of 255, as from a sensor in the dark."""
    noisy = image + deviation * rng.standard_normal(image.shape, np.float32)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def jpeg(image: np.ndarray, quality: float, rng: np.random.Generator) -> np.ndarray:
    """Saved as JPEG with a quality out of 100 and read back."""
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE))


def low_resolution(image: np.ndarray, side_px: float, rng: np.random.Generator) -> np.ndarray:
    """A face of only `side_px` a side in the frame: downscaled by area, enlarged linearly, as in `faces.crop_faces`."""
    small = cv2.resize(image, (int(side_px), int(side_px)), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, image.shape[::-1], interpolation=cv2.INTER_LINEAR)


def rotation(image: np.ndarray, degrees: float, rng: np.random.Generator) -> np.ndarray:
    """Rotated by `degrees` about its centre, in a random direction; the edge is replicated."""
    centre = (image.shape[1] / 2 - 0.5, image.shape[0] / 2 - 0.5)
    matrix = cv2.getRotationMatrix2D(centre, degrees * rng.choice((-1, 1)), 1.0)
    return cv2.warpAffine(image, matrix, image.shape[::-1], borderMode=cv2.BORDER_REPLICATE)


def shift(image: np.ndarray, length_px: float, rng: np.random.Generator) -> np.ndarray:
    """Shifted by `length_px` in a random direction, as by an inaccurate detector; the edge is replicated."""
    angle, length = rng.uniform(0, 2 * np.pi), length_px * image.shape[0] / FULL_PX
    matrix = np.array([[1, 0, length * np.cos(angle)], [0, 1, length * np.sin(angle)]])
    return cv2.warpAffine(image, matrix, image.shape[::-1], borderMode=cv2.BORDER_REPLICATE)


def occlusion(image: np.ndarray, side_px: float, rng: np.random.Generator) -> np.ndarray:
    """A square of `side_px` a side, in a random grey, somewhere inside the image: a hand, a phone, a mask."""
    side = round(side_px * image.shape[0] / FULL_PX)
    y, x = rng.integers(0, np.array(image.shape) - side + 1)
    out = image.copy()
    out[y : y + side, x : x + side] = rng.integers(0, 256)
    return out


CORRUPTIONS = {
    "blur": Corruption(blur, (0.7, 1.2, 2.0), "sigma {} px"),
    "darkness": Corruption(light, (0.4, 0.15, 0.05), "light × {}"),
    "overexposure": Corruption(light, (1.4, 2.0, 3.0), "light × {}"),
    "noise": Corruption(noise, (8, 16, 32), "deviation {} levels"),
    "jpeg": Corruption(jpeg, (30, 15, 7), "quality {}"),
    "low_resolution": Corruption(low_resolution, (32, 24, 16), "from {} px"),
    "rotation": Corruption(rotation, (15, 30), "±{}°"),
    "shift": Corruption(shift, (3, 6, 9), "{} px"),
    "occlusion": Corruption(occlusion, (12, 18, 24), "square of {} px"),
}


def corrupt(images: np.ndarray, name: str, severity: int, seed: int = 0) -> np.ndarray:
    """A corrupted copy of `images` (n,h,w) uint8, same shape; severity counts from 1, mild first.

    Raises InputError for a name that is not in `CORRUPTIONS` or a severity that it does not have.
    """
    if name not in CORRUPTIONS:
        raise InputError(f"Expected a corruption among {', '.join(CORRUPTIONS)}, got {name!r}: pick one of these.")
    kind = CORRUPTIONS[name]
    if not 1 <= severity <= len(kind.values):
        raise InputError(f"Expected a severity from 1 to {len(kind.values)} for {name}, got {severity}.")
    rng = np.random.default_rng([seed, list(CORRUPTIONS).index(name), severity])
    return np.stack([kind.change(image, kind.values[severity - 1], rng) for image in images])


def measure(
    predict: Callable[[np.ndarray], np.ndarray], images: np.ndarray, labels: np.ndarray, seed: int = 0
) -> Iterator[dict[str, Any]]:
    """Accuracy under each corruption and severity, one row at a time, so that a caller can show progress.

    predict: (n,h,w) uint8 -> (n,c). Row: corruption, severity, parameter (in words), accuracy.
    """
    for name, kind in CORRUPTIONS.items():
        for severity, value in enumerate(kind.values, 1):
            answers = predict(corrupt(images, name, severity, seed)).argmax(1)
            accuracy = float((answers == labels).mean())
            yield {
                "corruption": name,
                "severity": severity,
                "parameter": kind.unit.format(value),
                "accuracy": accuracy,
            }


def words_of(name: str) -> str:
    """A corruption's name for people: "low_resolution" -> "low resolution"."""
    return "JPEG" if name == "jpeg" else name.replace("_", " ")


def steps() -> int:
    """How many rows `measure` yields."""
    return sum(len(kind.values) for kind in CORRUPTIONS.values())


def table(rows: list[dict[str, Any]], clean: float, n: int, seed: int = 0) -> dict[str, Any]:
    """The rows of `measure` with their means: over severities, then over corruptions, as in the paper.

    clean: accuracy on the clean images. `ratio` is the mean divided by it: 1 would be perfect robustness.
    """
    means = {
        name: float(np.mean([row["accuracy"] for row in rows if row["corruption"] == name])) for name in CORRUPTIONS
    }
    mean = float(np.mean(list(means.values())))
    return {
        "n": n,
        "seed": seed,
        "clean_accuracy": clean,
        "mean_accuracy": mean,
        "ratio": mean / clean if clean else 0.0,
        "means": means,
        "rows": rows,
    }
