"""Make the page's classifier anew: the default model in eight bits, calibrated on FER2013's Training rows.

    python scripts/quantize_page.py DATA

Run it after each new default model; `tests/test_page.py` tells when. Prints the row for assets/LICENSES.md.
"""

import sys
from pathlib import Path

import onnx

from emojimation.apps.page.build import MODEL
from emojimation.training.data.load import load
from emojimation.training.export.quantize import to_int8
from emojimation.weights import resolve, sha256


def main(data: Path) -> None:
    source = resolve("default")
    print(to_int8(source, MODEL, load(data), "default-int8"))
    model = onnx.load(MODEL)
    model.metadata_props.add(key="source_sha256", value=sha256(source))
    onnx.save(model, MODEL)
    print(
        "| page/classifier.onnx | models/default.onnx in eight bits, by `scripts/quantize_page.py` | MIT, "
        "this project's own weights; FER2013's pictures (Goodfellow et al. 2013) are not included "
        f"| `{sha256(MODEL)}` |"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
