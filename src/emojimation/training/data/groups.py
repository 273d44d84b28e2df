"""Images that belong together, such as all of one person: they have to stay on one side of a split."""

import re
from collections.abc import Callable, Collection, Sequence
from pathlib import PurePosixPath

import numpy as np

from emojimation.errors import InputError
from emojimation.labels import emotion_of, split_of

FRAME = re.compile(r"[-_ .]*\d+$")  # at the end of a frame's name: "clip_000123"
Key = Callable[[PurePosixPath], str | None]


def groups_by(how: str, names: Sequence[str], class_names: Collection[str]) -> np.ndarray:
    """For each image the position of the first one of its group, (n,) int64; an image without a key is its own group.

    how: "person": the first folder that is neither a class nor a split (`anna/happy/1.jpg`); "folder": the folder that
    holds the image; "video": that folder and the file name without the frame number; or a regular expression for the
    path inside the data set, whose first group is the key. Raises InputError for another word and if no image has a
    key.
    """
    key = _key(how, class_names)
    keys = [key(PurePosixPath(name)) for name in names]
    if not any(keys):
        raise InputError(
            f"Expected images that --group-by {how} can group, got names such as {names[0]!r}: use folders per person, "
            "or give a regular expression with a group."
        )
    first: dict[str, int] = {}
    return np.array([i if key is None else first.setdefault(key, i) for i, key in enumerate(keys)], np.int64)


def _key(how: str, class_names: Collection[str]) -> Key:
    kinds: dict[str, Key] = {"person": lambda path: _person(path, class_names), "folder": _folder, "video": _video}
    return kinds[how] if how in kinds else _matched(how, kinds)


def _person(path: PurePosixPath, class_names: Collection[str]) -> str | None:
    known = {name.casefold() for name in class_names}
    return next(
        (part for part in path.parts[:-1] if not (split_of(part) or emotion_of(part) or part.casefold() in known)), None
    )


def _folder(path: PurePosixPath) -> str | None:
    return path.parent.as_posix() if len(path.parts) > 1 else None


def _video(path: PurePosixPath) -> str:
    return (path.parent / FRAME.sub("", path.stem)).as_posix()


def _matched(how: str, kinds: Collection[str]) -> Key:
    try:
        pattern = re.compile(how)
    except re.error as error:
        raise InputError(f"Expected --group-by as a regular expression, got {how!r} ({error}).") from None
    if not pattern.groups:
        raise InputError(
            f"Expected --group-by {', '.join(kinds)} or a regular expression with a group, got {how!r}: "
            r"write for example '^(\w+)_'."
        )

    def key(path: PurePosixPath) -> str | None:
        found = pattern.search(path.as_posix())
        return found and found[1]

    return key
