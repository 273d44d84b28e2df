"""The bare head's colours: light from the upper left, a warm rim, and the mood's tones and spots.

Tones of two moods are mixed by hue, so that red and green give orange and yellow instead of brown.
"""

from typing import NamedTuple

import cv2
import numpy as np

from emojimation.draw.sprites import DISC, Colour
from emojimation.draw.turn import Turn

SIDE = 96
LIGHTER, MOST_LIGHTER, LIGHTEST = 110.0, 25.0, 86.0


class Spot(NamedTuple):
    """A soft spot: colour, centre and half axes in head radii, strength up to 1."""

    colour: Colour
    x: float
    y: float
    width: float
    height: float
    strength: float


class Skin:
    """tones: for each mood the lit, the middle and the rim's colour. spots: for each mood. squareness: of the head."""

    def __init__(self, tones: list[list[Colour]], spots: list[list[Spot]], squareness: float) -> None:
        axis = np.linspace(-1, 1, SIDE, dtype=np.float32) / np.float32(DISC)
        x, y = (np.asarray(grid) for grid in np.meshgrid(axis, axis))
        self.squareness = squareness
        self._lab = _lab(np.array(tones, np.float32))
        self._shares = _shares(x, y).reshape(3, -1).T
        self._spots = np.stack([_spots(of_mood, x, y).ravel() for of_mood in spots]).astype(np.float32)
        self._edge = _edge(x, y, squareness)
        self._lights = _lights(x, y)

    def middle(self, weights: np.ndarray) -> Colour:
        """The middle tone for the weights (7,) of the moods."""
        blue, green, red = (int(v) for v in np.clip(np.rint(_mixed(self._lab, weights)[1]), 0, 255))
        return blue, green, red

    def draw(self, weights: np.ndarray, turn: Turn) -> np.ndarray:
        """The skin (SIDE,SIDE,3) uint8 for the weights (7,), its spots where the turn of the head takes them."""
        tones = _mixed(self._lab, weights)
        skin = (self._shares @ tones).reshape(SIDE, SIDE, 3)
        spots = (weights.astype(np.float32) @ self._spots).reshape(SIDE, SIDE, 4)
        spots = turn.image(spots)
        skin = skin * (1 - spots[..., 3:]) + spots[..., :3]
        skin = skin * self._edge
        return cv2.convertScaleAbs(skin + (255 - skin) * self._lights)


def _lab(tones: np.ndarray) -> np.ndarray:
    """Tones (moods,3,3) BGR 0 to 255 -> lightness, chroma, hue in radians."""
    lab = cv2.cvtColor(tones / 255, cv2.COLOR_BGR2Lab)
    return np.stack([lab[..., 0], np.hypot(lab[..., 1], lab[..., 2]), np.arctan2(lab[..., 2], lab[..., 1])], -1)


def _mixed(lab: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The tones (3,3) BGR between those of the moods: lightness, chroma and the direction of the hue are averaged."""
    light, chroma = np.tensordot(weights, lab[..., :2], 1).T
    # A tone counts for the hue as far as it has one: grey does not.
    direction = weights @ (lab[..., 1] * np.exp(1j * lab[..., 2])) / np.maximum(chroma, 1e-6)
    # Halfway between red and green is yellow, which is brown unless it is light. Opposite hues meet in grey.
    lighter = np.minimum(LIGHTER * (1 - np.abs(direction)), MOST_LIGHTER)
    light = np.maximum(light, np.minimum(light + lighter, LIGHTEST))
    chroma, hue = chroma * np.minimum(2 * np.abs(direction), 1), np.angle(direction)
    mixed = np.stack([light, chroma * np.cos(hue), chroma * np.sin(hue)], -1).astype(np.float32)
    return np.asarray(cv2.cvtColor(mixed[None], cv2.COLOR_Lab2BGR)[0] * 255)


def _shares(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Shares (3,SIDE,SIDE) of the lit, the middle and the rim's tone."""
    away = np.clip(np.hypot(x + 0.22, y + 0.34) / 1.25, 0, 1)
    middle, rim = np.clip(away * 1.5, 0, 1), np.clip((away - 0.5) / 0.5, 0, 1) ** 1.6 * 0.8
    return np.asarray(np.stack([(1 - middle) * (1 - rim), middle * (1 - rim), rim]))


def _spots(spots: list[Spot], x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(SIDE,SIDE,4) of a mood's spots: colour times opacity, opacity."""
    layer: np.ndarray = np.zeros((SIDE, SIDE, 4), np.float32)
    for spot in spots:
        part = spot.strength * np.exp(-(((x - spot.x) / spot.width) ** 2) - ((y - spot.y) / spot.height) ** 2)
        layer = layer * (1 - part[..., None]) + part[..., None] * np.array([*spot.colour, 1])
    return layer


def _edge(x: np.ndarray, y: np.ndarray, squareness: float) -> np.ndarray:
    """Factor (SIDE,SIDE,1) that darkens the head towards its edge."""
    away = (np.abs(x) ** squareness + np.abs(y) ** squareness) ** (1 / squareness)
    return np.asarray(1 - 0.16 * np.clip((away[..., None] - 0.90) / 0.10, 0, 1) ** 1.5)


def _lights(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Strength of the highlights (SIDE,SIDE,1): a window's at the upper left, a glow along the lower right rim."""
    along, aside = 0.87 * (x + 0.45) - 0.50 * (y + 0.68), 0.50 * (x + 0.45) + 0.87 * (y + 0.68)
    window = 0.50 * np.exp(-(((along / 0.26) ** 2 + (aside / 0.10) ** 2) ** 1.5))
    rim = np.exp(-(((np.hypot(x, y) - 0.86) / 0.07) ** 2)) * np.clip((x + y) / 1.3, 0, 1) ** 3
    return np.asarray((window + 0.30 * rim)[..., None])
