"""Augmentation of batches of images: seeded, batched, a small share of a training step.

Geometry (flip, shift, scale, rotation, shear, crop) is one affine warp per image; light (brightness, contrast, gamma)
is one table look-up; the effects of a poor camera (blur, noise, low resolution, JPEG, overexposure) and erasing are
applied to a share of the images.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from emojimation.training.data.corrupt import jpeg, light


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Ranges of the random changes; 0 switches one off.

    shift_px: uniform in +-shift_px. scale: factor uniform in [1-scale, 1+scale]. rotation_deg, shear_deg: uniform in
    +-.
    light: brightness, contrast and gamma, relative. camera: share of images with blur, noise, low resolution, JPEG or
    overexposure.
    erase: share of images with one erased rectangle of up to erase_px a side. crop_px: a square window up to that
    much smaller than the image, anywhere inside it, is enlarged to the image's size.
    """

    flip: bool = True
    shift_px: float = 3.0
    scale: float = 0.08
    rotation_deg: float = 8.0
    shear_deg: float = 0.0
    light: float = 0.2
    camera: float = 0.0
    erase: float = 0.0
    erase_px: int = 16
    crop_px: float = 0.0


NONE = Augmentation(False, 0, 0, 0, 0, 0, 0, 0)


def augment(images: np.ndarray, config: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """A changed copy of `images` (n,h,w) uint8, drawn from `rng`; same shape and dtype."""
    out = np.empty_like(images)
    for i, matrix in enumerate(affine_matrices(len(images), images.shape[1:], config, rng)):
        cv2.warpAffine(images[i], matrix, images.shape[:0:-1], out[i], cv2.INTER_LINEAR, cv2.BORDER_REFLECT_101)
    if config.light:
        change_light(out, config.light, rng)
    for k in np.flatnonzero(rng.random(len(out)) < config.camera):
        out[k] = poor_camera(out[k], rng)
    for k in np.flatnonzero(rng.random(len(out)) < config.erase):
        erase(out[k], config.erase_px, rng)
    return out


def affine_matrices(n: int, hw: tuple[int, int], config: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """(n,2,3) random affine maps of the image: flip, scale, shear, rotation about its centre, shift, crop."""
    u = rng.uniform(-1, 1, (6, n))
    angle, shear = np.radians(config.rotation_deg) * u[0], np.tan(np.radians(config.shear_deg) * u[1])
    factor = 1 + config.scale * u[2]
    mirror = np.where(config.flip & (u[3] < 0), -1.0, 1.0)
    cos, sin = factor * np.cos(angle), factor * np.sin(angle)
    linear = np.stack([cos * mirror, cos * shear - sin, sin * mirror, sin * shear + cos], 1).reshape(n, 2, 2)
    centre = (np.array(hw[::-1]) - 1) / 2
    shift = centre + config.shift_px * u[4:].T - linear @ centre
    maps = np.concatenate([linear, shift[..., None]], 2)
    return _cropped(maps, hw, config.crop_px, rng) if config.crop_px else maps


def _cropped(maps: np.ndarray, hw: tuple[int, int], crop_px: float, rng: np.random.Generator) -> np.ndarray:
    """The maps (n,2,3) followed by a random window of side s - U(0,crop_px), enlarged to s."""
    cut = rng.uniform(0, crop_px, len(maps))
    corner = rng.uniform(0, 1, (2, len(maps))) * cut
    zoom = (hw[0] - 1) / (hw[0] - 1 - cut)
    maps = maps.copy()
    maps[:, :, 2] -= corner.T
    return maps * zoom[:, None, None]


def change_light(images: np.ndarray, amount: float, rng: np.random.Generator) -> None:
    """Gamma, contrast and brightness of each image (n,h,w) uint8, in place, by a table of 256 entries each."""
    u = rng.uniform(-1, 1, (3, len(images), 1))
    levels = np.linspace(0, 1, 256)[None]
    tables = levels ** np.exp(2 * amount * u[0])
    tables = (tables - 0.5) * np.exp(amount * u[1]) + 0.5 + 0.5 * amount * u[2]
    tables = np.clip(tables * 255, 0, 255).astype(np.uint8)
    for image, table in zip(images, tables, strict=True):
        cv2.LUT(image, table, image)


def poor_camera(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One of: blur, motion blur, sensor noise, low resolution, JPEG, overexposure, on one (h,w) uint8 image."""
    kind = rng.integers(6)
    if kind == 0:
        return cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.8))
    if kind == 1:
        kernel = np.zeros((5, 5), np.float32)
        angle = rng.uniform(0, np.pi)
        end = (round(2 + 2 * np.cos(angle)), round(2 + 2 * np.sin(angle)))
        cv2.line(kernel, (4 - end[0], 4 - end[1]), end, (1.0,))
        return cv2.filter2D(image, -1, kernel / kernel.sum())
    if kind == 2:
        noise = rng.standard_normal(image.shape, np.float32) * rng.uniform(3, 24)
        return np.clip(image + noise, 0, 255).astype(np.uint8)
    if kind == 3:
        return jpeg(image, rng.uniform(5, 50), rng)
    if kind == 4:
        return light(image, rng.uniform(1.2, 2.5), rng)
    size = int(rng.integers(image.shape[0] // 3, image.shape[0]))
    small = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, image.shape[::-1], interpolation=cv2.INTER_LINEAR)


def erase(image: np.ndarray, largest_px: int, rng: np.random.Generator) -> None:
    """Fill one rectangle of `image` with one grey, in place (Zhong et al., "Random Erasing", AAAI 2020)."""
    h, w = rng.integers(largest_px // 3, largest_px + 1, 2)
    y, x = rng.integers(0, image.shape[0] - h + 1), rng.integers(0, image.shape[1] - w + 1)
    image[y : y + h, x : x + w] = rng.integers(0, 256)
