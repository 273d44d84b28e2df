"""Model name or path -> file, checked against its sha256."""

import hashlib
import json
from pathlib import Path

from emojimation.errors import InputError

MODELS = Path(__file__).parent / "assets" / "models"


def resolve(model: str | Path) -> Path:
    """The file of a model: a name in assets/models/manifest.json (sha256 checked), or a path that exists."""
    manifest = json.loads((MODELS / "manifest.json").read_text())
    entry = manifest.get(str(model))
    if entry is None:
        path = Path(model)
        if path.is_file():
            return path
        raise InputError(f"expected a model's path or one of {', '.join(manifest)}, got {str(model)!r}: no such file")
    path = MODELS / entry["file"]
    if hashlib.sha256(path.read_bytes()).hexdigest() != entry["sha256"]:
        raise InputError(f"{path} is damaged: its sha256 is not the manifest's; install emojimation again")
    return path
