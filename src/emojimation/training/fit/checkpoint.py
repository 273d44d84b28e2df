"""The state of a run in one file: complete or absent; rejected in one line if damaged or of another version."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from emojimation.errors import InputError
from emojimation.files import write_whole

FORMAT = 2
NAME = "checkpoint.npz"


def save(folder: Path, state: dict[str, Any], groups: dict[str, list[np.ndarray]]) -> None:
    """Write `state` (JSON-ready) and lists of arrays by name; the old file stays until the new one is on disk."""
    arrays: dict[str, Any] = {
        f"{name}_{i:04d}": array for name, group in groups.items() for i, array in enumerate(group)
    }
    buffer = io.BytesIO()
    np.savez(buffer, state=json.dumps({"format": FORMAT, **state}), **arrays)
    write_whole(folder / NAME, buffer.getvalue())


def read(folder: Path) -> tuple[dict[str, Any], dict[str, list[np.ndarray]]]:
    """What `save` wrote; InputError where the file is damaged or of another version."""
    path = folder / NAME
    try:
        with np.load(path, allow_pickle=False) as saved:
            state = json.loads(str(saved["state"]))
            arrays = {key: saved[key] for key in sorted(saved.files) if key != "state"}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"Expected a checkpoint in {path}, got a damaged file ({error}): start the run again elsewhere."
        ) from error
    if state.get("format") != FORMAT:
        raise foreign(folder)
    groups: dict[str, list[np.ndarray]] = {}
    for key, array in arrays.items():
        groups.setdefault(key.rpartition("_")[0], []).append(array)
    return state, groups


def foreign(folder: Path) -> InputError:
    """The line for a checkpoint of another version or another network."""
    return InputError(
        f"Expected a checkpoint of this version in {folder}, got one of another version or network: resume it with the "
        "version that wrote it, or start again in another --out."
    )
