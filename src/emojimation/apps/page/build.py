"""The page's folder: the built script and its runtime, the models, the art, and the numbers of this package."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import onnxruntime as ort

from emojimation.apps.page.numbers import numbers
from emojimation.classify.classifier import EmotionClassifier
from emojimation.draw.avatar import Avatar
from emojimation.draw.characters import character
from emojimation.draw.sprites import ART, bgr
from emojimation.draw.turn import Turn
from emojimation.errors import InputError
from emojimation.files import write_whole
from emojimation.labels import EMOTIONS
from emojimation.weights import ASSETS, EIGHT_BITS, resolve

PAGE = ASSETS / "page"
BUILT = PAGE / "built.json"  # which sources the scripts were built from
MODEL = f"default{EIGHT_BITS}"
FONTS = Path(__file__).parents[1] / "web" / "static"
SAMPLES = ("astronaut.jpg", "obama2.jpg", "group.jpg")
ENGINE = ("ort.wasm.gz", "ort.mjs", "engine.js", "detector.onnx", "classifier.onnx")  # what must come before a face
ICON_BACK = "#fcfaf5"


def write_page(out: Path, model: str | Path = MODEL) -> dict[str, int]:
    """Write the page into the folder `out`, by default with the default model in eight bits; bytes of each file.

    model: as for `page_files`. Raises InputError as that does, and if a file of the same name is no file of a page's or
    cannot be written.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"Expected a folder, got the file {out}: choose another name.")
    files, _ = page_files(model)
    for name, content in files.items():
        write_whole(out / name, content)
    return {name: len(content) for name, content in files.items()}


def page_files(model: str | Path = MODEL) -> tuple[dict[str, bytes], str]:
    """Name -> content of every file of the page, and its version, which changes with any of them.

    model: name or path of a model of the seven emotions. Raises InputError for another one.
    """
    classifier = EmotionClassifier(model)
    values = numbers(classifier)
    files = dict(_files(Path(classifier.card["path"])))
    version = hashlib.sha256(b"".join(hashlib.sha256(files[name]).digest() for name in sorted(files))).hexdigest()[:12]
    values |= {
        "version": version,
        "samples": list(SAMPLES),
        "engine_bytes": {name: len(files[name]) for name in ENGINE},
    }
    files["numbers.json"] = json.dumps(values, separators=(",", ":")).encode()
    files["files.json"] = json.dumps({"files": sorted(files)}).encode()
    return files, version


def _files(model: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of every file whose content does not depend on the others."""
    yield from ((path.name, path.read_bytes()) for path in PAGE.iterdir() if path != BUILT)
    yield "classifier.onnx", _optimised(model)
    yield "detector.onnx", _optimised(resolve("face_detector"))
    for font in FONTS.glob("*.woff2"):
        yield font.name, font.read_bytes()
    for name in SAMPLES:
        yield f"samples/{name}", (ASSETS / "samples" / name).read_bytes()
    for art in ART:
        for name in (*EMOTIONS, "not_sure"):
            yield f"emoji/{art}/{name}.png", (ASSETS / "emoji" / art / f"{name}.png").read_bytes()
    for text in (ASSETS / "LICENSES.md", *ASSETS.glob("LICENSE-*.txt")):
        yield f"licences/{text.name}", text.read_bytes()
    skin = character("emoji").skin
    yield "skins.png", _png(np.hstack([skin.draw(weights, Turn()) for weights in np.eye(len(EMOTIONS))]))
    for size in (192, 512):
        yield f"icon-{size}.png", _png(_icon(size))
    yield "icon-maskable.png", _png(_maskable(512))


def _optimised(model: Path) -> bytes:
    """The ONNX model as ONNX Runtime optimises it for any processor. That saves the browser most of the time of
    loading, and eight-bit layers are fused, which its runtime does not do: half the time of a run."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.log_severity_level = 3  # it warns that such a file is for this processor, but that is so one level higher
    with TemporaryDirectory() as folder:
        options.optimized_model_filepath = str(Path(folder) / "optimised.onnx")
        ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        return Path(options.optimized_model_filepath).read_bytes()


def _icon(size_px: int) -> np.ndarray:
    """The avatar's happy face, (size,size,4) BGRA uint8 with straight alpha, as PNG files have it."""
    face = Avatar().draw(np.eye(len(EMOTIONS))[EMOTIONS.index("happy")], size_px).astype(np.float32)
    alpha = np.maximum(face[..., 3:], 1)
    return np.dstack([np.clip(face[..., :3] * 255 / alpha, 0, 255), face[..., 3]]).round().astype(np.uint8)


def _maskable(size_px: int) -> np.ndarray:
    """The same on a background, within the circle that every shape of icon leaves: (size,size,3) BGR uint8."""
    inner = size_px * 3 // 4
    face = Avatar().draw(np.eye(len(EMOTIONS))[EMOTIONS.index("happy")], inner)
    icon = np.full((size_px, size_px, 3), bgr(ICON_BACK), np.uint8)
    start = (size_px - inner) // 2
    part = icon[start : start + inner, start : start + inner]
    part[:] = (part * (1 - face[..., 3:] / 255) + face[..., :3]).round().clip(0, 255).astype(np.uint8)
    return icon


def _png(image: np.ndarray) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()
