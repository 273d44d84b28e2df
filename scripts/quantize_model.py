"""Make the eight-bit versions of bundled models, which suited processors run: seven-bit weights, no saturation.

    python scripts/quantize_model.py DATA [NAME ...]

Run it after each new model that has such a version, by default for all of those; `tests/test_precision.py` tells when.
Networks and ensembles alike, calibrated on FER2013's Training rows and compared on its validation split; the new file's
card carries its own figures. Writes NAME_int8.onnx, its row in the manifest, and its line in assets/LICENSES.md.
"""

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
from ship_model import ship

from emojimation.classify.classifier import EmotionClassifier
from emojimation.training.data.dataset import Dataset
from emojimation.training.data.load import load
from emojimation.training.export.quantize import to_int8
from emojimation.training.judge.evaluate import judge
from emojimation.weights import EIGHT_BITS, USUAL, manifest, resolve, sha256


def main() -> None:
    """Quantise, compare, ship."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("names", nargs="*", default=[name for name in USUAL if f"{name}{EIGHT_BITS}" in manifest()])
    args = parser.parse_args()
    dataset = load(args.data)
    for name in args.names:
        quantise(name, dataset)


def quantise(name: str, dataset: Dataset) -> None:
    """Make, compare and ship one model's eight-bit version."""
    source = resolve(name)
    with TemporaryDirectory() as folder:
        twin = Path(folder) / f"{name}{EIGHT_BITS}.onnx"
        print(json.dumps({name: to_int8(source, twin, dataset, name, seven_bits=True)}, indent=1))
        note(twin, source, dataset)
        ship(twin.stem, twin, f"models/{source.name} in eight bits, by `scripts/quantize_model.py`")


def note(twin: Path, source: Path, dataset: Dataset) -> None:
    """Write the new file's own figures into its card, without those not measured here, and the sha256 of its source."""
    rows = dataset.split("val")
    measured = judge(EmotionClassifier(twin).predict(rows.images), rows, dataset.split("train").images)
    model = onnx.load(twin)
    papers = {entry.key: entry.value for entry in model.metadata_props}
    metrics = {key: measured[key] for key in json.loads(papers["metrics"]) if key in measured}
    papers |= {"metrics": json.dumps(metrics), "source_sha256": sha256(source)}
    del model.metadata_props[:]
    for key, value in papers.items():
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, twin)


if __name__ == "__main__":
    main()
