"""A model's name or path -> its file, checked against the SHA-256 in the package's manifest."""

import hashlib
import json
from pathlib import Path

from emojimation.errors import InputError

ASSETS = Path(__file__).parent / "assets"
MODELS = ASSETS / "models"
NOT_EMOTIONS = {
    "face_detector",
    "face_detector_wide",
    "face_appearance",
    "face_mesh",
    "iris",
}  # networks that answer something else
EIGHT_BITS = "_int8"  # ends the name of a model's eight-bit version, see `precision`
USUAL = ("default", "seed", "max", "lite")  # emotion models in the order in which they are offered


def resolve(model: str | Path, folder: Path | None = None) -> Path:
    """The file of a bundled model by name ("default"), or the path of a model file, passed through.

    A bundled file is read once and compared with the manifest, so that a damaged or swapped file is never
    used in its place. Raises InputError for an unknown name, a missing file or another SHA-256.
    """
    folder = folder or MODELS
    known = manifest(folder)
    if not isinstance(model, str | Path):
        raise InputError(f"Expected a model's name or path, got {model!r}.")
    if isinstance(model, str) and model in known:
        return _checked(folder / known[model]["file"], known[model]["sha256"])
    names = ", ".join(emotion_models() if folder == MODELS else sorted(known)) or "none is bundled"
    if not str(model):
        raise InputError(f"Expected a model's name or path, got an empty string. Known names: {names}")
    path = Path(model).expanduser()
    if path.is_file():
        return path
    if path.is_dir():
        raise InputError(f"Expected a model file, got the folder {path}. Give the .onnx file inside it.")
    raise InputError(f"Expected a model's name or path, got {str(model)!r}, which is neither. Known names: {names}")


def manifest(folder: Path | None = None) -> dict[str, dict[str, str]]:
    """Name -> {"file", "sha256"} of every bundled model; empty if the folder has no manifest."""
    path = (folder or MODELS) / "manifest.json"
    if not path.is_file():
        return {}
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise InputError(f"Expected JSON in {path}, got something else ({error}). Reinstall emojimation.") from error


def emotion_models() -> list[str]:
    """Names of the bundled emotion models, the usual ones first: what `--model` takes by name. Their eight-bit
    versions are left out."""
    files = {name for name, row in manifest().items() if row["file"].endswith(".onnx")}
    known = {name for name in files if not name.endswith(EIGHT_BITS)} - NOT_EMOTIONS
    return [name for name in USUAL if name in known] + sorted(known - set(USUAL))


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checked(path: Path, expected: str) -> Path:
    if not path.is_file():
        raise InputError(f"Expected the bundled model {path}, got no such file. Reinstall emojimation.")
    got = sha256(path)
    if got != expected:
        raise InputError(f"Expected {path} with sha256 {expected}, got {got}. Reinstall emojimation.")
    return path
