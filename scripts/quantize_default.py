"""Make the twin of a bundled model in eight bits, which suited processors run: seven-bit weights, no saturation.

    python scripts/quantize_default.py DATA [--model default]

Run it after each new default model; `tests/test_precision.py` tells when. Calibrated on FER2013's Training rows and
compared on its validation split; the twin's card carries its own figures. Writes NAME_int8.onnx, its row in the
manifest, and its line in assets/LICENSES.md.
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
from emojimation.weights import EIGHT_BITS, resolve, sha256


def main() -> None:
    """Quantise, compare, ship."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="default")
    args = parser.parse_args()
    source, dataset = resolve(args.model), load(args.data)
    with TemporaryDirectory() as folder:
        twin = Path(folder) / f"{args.model}{EIGHT_BITS}.onnx"
        print(json.dumps(to_int8(source, twin, dataset, args.model, seven_bits=True), indent=1))
        note(twin, source, dataset)
        ship(twin.stem, twin, f"models/{source.name} in eight bits, by `scripts/quantize_default.py`")


def note(twin: Path, source: Path, dataset: Dataset) -> None:
    """Write the twin's own figures into its card, without those not measured here, and which file it was made from."""
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
