"""Who the avatar is: a folder with `character.json`, which holds poses, colours and parts; docs/characters.md.

The package's own are in assets/characters; another one is the path of a folder.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from emojimation.draw.portrait import Colours, Pose
from emojimation.draw.skin import Skin, Spot
from emojimation.draw.sprites import Colour, bgr
from emojimation.errors import InputError
from emojimation.labels import EMOTIONS
from emojimation.weights import ASSETS

FOLDER = ASSETS / "characters"
FILE = "character.json"


class Part(NamedTuple):
    """A shape of the head, in head radii. fill: None for none, "skin" for the skin's colour. line, width: its edge."""

    points: np.ndarray
    fill: Colour | str | None
    line: Colour | None
    width: float
    closed: bool


@dataclass(frozen=True, slots=True, eq=False)
class Character:
    """An avatar's look.

    words: its name for people. colours: of the features. poses: (7,fields of Pose) in the order of `EMOTIONS`. blends:
    pairs of emotions by index, and the pose (fields,) of a face that shows both equally. skin: colours of the head.
    pupil_width: of the pupil, as a share of its height. behind, front: parts behind the head, and on it below the eyes.
    """

    words: str
    colours: Colours
    poses: np.ndarray
    blends: list[tuple[int, int, np.ndarray]]
    skin: Skin
    pupil_width: float
    behind: list[Part]
    front: list[Part]

    def pose(self, weights: np.ndarray) -> Pose:
        """The pose of a face with the weights (7,) of the emotions, sum 1: poses between poses."""
        vector = weights @ self.poses
        for a, b, between in self.blends:
            share = min(4 * float(weights[a] * weights[b]), 1.0)
            vector = vector + share * (between - vector)
        return Pose(*vector.tolist())


def names() -> tuple[str, ...]:
    """The package's own characters, the emoji first."""
    return "emoji", *sorted(path.parent.name for path in FOLDER.glob(f"*/{FILE}") if path.parent.name != "emoji")


@lru_cache(maxsize=8)
def character(name: str | Path) -> Character:
    """The character of that name, or in that folder. Raises InputError that says what is wrong with its file."""
    path = (FOLDER / name if name in names() else Path(name).expanduser()) / FILE
    if not path.is_file():
        raise InputError(f"Expected a character among {', '.join(names())} or a folder with {FILE}, got {str(name)!r}.")
    try:
        return _read(json.loads(path.read_text("utf-8")))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(
            f"Expected a character as docs/characters.md describes it in {path}, got {error!r}."
        ) from error


def _read(given: dict[str, Any]) -> Character:
    squareness = float(given.get("head", {}).get("squareness", 2.0))
    if squareness < 2:
        raise ValueError(f"squareness {squareness} below 2, which would uncover the face")
    spots = given.get("spots", {})
    return Character(
        words=str(given["words"]),
        colours=Colours(**{name: bgr(value) for name, value in given.get("colours", {}).items()}),
        poses=np.array([_pose(given["poses"][name]) for name in EMOTIONS]),
        blends=[_blend(one) for one in given.get("blends", [])],
        skin=Skin(
            [[bgr(tone) for tone in given["tones"][name]] for name in EMOTIONS],
            [[Spot(bgr(colour), *map(float, rest)) for colour, *rest in spots.get(name, [])] for name in EMOTIONS],
            squareness,
        ),
        pupil_width=float(given.get("pupil_width", 1.0)),
        behind=[part for one in given.get("behind", []) for part in _parts(one)],
        front=[part for one in given.get("front", []) for part in _parts(one)],
    )


def _pose(fields: dict[str, float]) -> np.ndarray:
    return np.array(Pose(**{name: float(value) for name, value in fields.items()}))


def _blend(given: dict[str, Any]) -> tuple[int, int, np.ndarray]:
    first, second = (EMOTIONS.index(name) for name in given["of"])
    return first, second, _pose(given["pose"])


def _parts(given: dict[str, Any]) -> list[Part]:
    """The part, and its mirror image if it asks for one."""
    points = np.array(given["points"], float).reshape(-1, 2)
    closed = bool(given.get("closed", True))
    if given.get("smooth", len(points) > 4 or not closed):
        points = _smooth(points, closed)
    fill, line = given.get("fill"), given.get("line")
    part = Part(
        points,
        "skin" if fill == "skin" else None if fill is None else bgr(fill),
        None if line is None else bgr(line),
        float(given.get("width", 0.03)),
        closed,
    )
    return [part, part._replace(points=points * (-1, 1))] if given.get("mirror") else [part]


def _smooth(points: np.ndarray, closed: bool, steps: int = 6) -> np.ndarray:
    """A curve through the points: a Catmull-Rom spline."""
    around = points[np.arange(-1, len(points) + 2) % len(points)] if closed else points[_ends(len(points))]
    a, b, c, d = around[:-3, None], around[1:-2, None], around[2:-1, None], around[3:, None]
    t = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return np.asarray(curve.reshape(-1, 2) if closed else np.vstack([curve.reshape(-1, 2), points[-1:]]))


def _ends(count: int) -> np.ndarray:
    return np.clip(np.arange(-1, count + 1), 0, count - 1)
