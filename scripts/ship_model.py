"""Put a trained model into the package: its file, its figures beside it, its rows in the manifest and among the
licences.

Run: python scripts/ship_model.py NAME --onnx runs/x/model.onnx --data fer2013.csv --origin "trained by the recipe x"
     [--ferplus FILE] [--run runs/x] [--tflite runs/x/model.tflite] [--sample 1000] [--half]

The file's own name has to be NAME already (`emojimation export RUN --name NAME`). It is scored on the validation split,
the corruption table included (--sample images of it; 0: all). --run also ships the run's weights to fine-tune from
and its history of epochs. What the package holds under NAME is replaced.
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from emojimation.classify.classifier import EmotionClassifier
from emojimation.weights import ASSETS, MODELS, sha256

LICENCE = "MIT, this project's own weights; FER2013's images (Goodfellow et al. 2013) are not included"


def main() -> None:
    """Copy, note, score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("--onnx", type=Path, required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--origin", required=True)
    parser.add_argument("--ferplus")
    parser.add_argument("--run", type=Path)
    parser.add_argument("--tflite", type=Path)
    parser.add_argument("--half", action="store_true", help="store the weights in float16")
    parser.add_argument("--sample", type=int, default=0)
    args = parser.parse_args()
    own = EmotionClassifier(args.onnx).card["name"]
    if own != args.name:
        raise SystemExit(f"Expected a model that calls itself {args.name!r}, got {own!r}: export it with --name.")
    with TemporaryDirectory() as folder:
        ship(args.name, half_of(args.onnx, Path(folder)) if args.half else args.onnx, args.origin)
    if args.run:
        ship(f"{args.name}.weights", args.run / "weights.npz", "the same weights in float16, to fine-tune from")
        shutil.copy(args.run / "history.json", MODELS / f"{args.name}.history.json")
    if args.tflite:
        ship(f"{args.name}.tflite", args.tflite, "the same network for phones")
    ferplus = ["--ferplus", args.ferplus] if args.ferplus else []
    subprocess.run(
        [
            sys.executable,
            "-m",
            "emojimation",
            "evaluate",
            "--data",
            args.data,
            *ferplus,
            "--model",
            args.name,
            "--corruptions",
            "--sample",
            str(args.sample),
            "--json",
            MODELS / f"{args.name}.json",
        ],
        check=True,
    )


def half_of(source: Path, folder: Path) -> Path:
    """The same model with its weights in float16, in `folder`."""
    import onnx

    from emojimation.training.export.slim import halved

    target = folder / source.name
    onnx.save(halved(onnx.load(source)), target)
    return target


def ship(name: str, source: Path, origin: str) -> None:
    """Copy one file under the manifest's `name` and write its rows."""
    file = name + source.suffix if not name.endswith(source.suffix) else name
    shutil.copy(source, MODELS / file)
    digest = sha256(MODELS / file)
    manifest = MODELS / "manifest.json"
    rows = json.loads(manifest.read_text("utf-8")) | {name: {"file": file, "sha256": digest}}
    manifest.write_text(json.dumps(rows, indent=2) + "\n", "utf-8")
    write_licence(f"| models/{file} |", f"| models/{file} | {origin} | {LICENCE} | `{digest}` |")


def write_licence(start: str, row: str) -> None:
    """Replace the line of LICENSES.md that begins with `start`, or put it behind the last model's."""
    path = ASSETS / "LICENSES.md"
    lines = path.read_text("utf-8").splitlines()
    own = [i for i, line in enumerate(lines) if line.startswith(start)]
    if own:
        lines[own[0]] = row
    else:
        lines.insert(max(i for i, line in enumerate(lines) if line.startswith("| models/")) + 1, row)
    path.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
