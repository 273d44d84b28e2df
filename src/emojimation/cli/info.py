"""The command `info`: versions, processors, extras, models, and the card of one of them."""

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import emojimation
from emojimation import weights
from emojimation.cli.options import Json, Model
from emojimation.cli.printing import print_json
from emojimation.extras import EXTRAS, command, missing
from emojimation.files import usable_processors

# Wheels that all write the folder `cv2`: of two, the one installed last is in use.
OPENCV = (
    "opencv-python-headless",
    "opencv-python",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)
RUN_TIME = ("numpy", "opencv-python-headless", "onnxruntime", "pillow", "typer", "rich")


def info(as_json: Json = False, model: Model = "default") -> None:
    """Show versions, the model's card, processors, and which extras are installed."""
    found = facts(model)
    if as_json:
        print_json(found)
    else:
        print_facts(found)


def facts(model: str = "default") -> dict[str, Any]:
    """Everything shown, as plain values for JSON. Raises InputError if the model cannot be loaded."""
    import onnxruntime

    from emojimation import precision
    from emojimation.classify.classifier import EmotionClassifier

    return {
        "emojimation": emojimation.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processors": usable_processors(),
        "onnxruntime_providers": onnxruntime.get_available_providers(),
        "versions": {name: _version(name) for name in RUN_TIME},
        "opencv_wheels": [name for name in OPENCV if _version(name)],
        "extras": {name: missing(name) for name in EXTRAS},
        "models": {name: row | {"intact": _intact(name)} for name, row in weights.manifest().items()},
        "byte_products": precision.byte_products(precision.CPU_FLAGS),
        "model": EmotionClassifier(model).card,
    }


def print_facts(found: dict[str, Any]) -> None:
    """The facts as short tables for people."""
    print(f"emojimation {found['emojimation']} on Python {found['python']}, {found['platform']}")
    print(f"processors    {found['processors']} ({', '.join(found['onnxruntime_providers'])})")
    print(f"in eight bits {found['byte_products'] or 'no: byte products are slow here, or unknown'}")
    print("versions      " + ", ".join(f"{name} {number}" for name, number in found["versions"].items()))
    if len(found["opencv_wheels"]) > 1:
        print(f"opencv        {' and '.join(found['opencv_wheels'])} are both installed; the later one is in use")
    for name, absent in found["extras"].items():
        state = f"missing {', '.join(absent)}: {command(name)}" if absent else "installed"
        print(f"extra {name:<8} {state}")
    for name, row in found["models"].items():
        state = "intact" if row["intact"] else "DAMAGED"
        print(f"model {name:<14} {row['file']}  sha256 {row['sha256'][:16]}...  {state}")
    _print_card(found["model"])


def _print_card(card: dict[str, Any]) -> None:
    print(f"\ncard of {card['name']} ({card['path']})")
    print(f"  input        {card['size']} x {card['size']}, {'grey' if card['channels'] == 1 else 'BGR'}")
    print(f"  precision    {card['precision']}")
    print(f"  emotions     {', '.join(card['labels'])}")
    print(f"  calibration  temperature {card['temperature']:.3f}, not sure below {card['threshold']:.0%}")
    for name, value in card["metrics"].items():
        if isinstance(value, (int, float, str)):
            print(f"  {name:<12} {value}")
    print(f"  made         {card['created']}, commit {card['commit'][:12]}, data sha256 {card['data_sha256'][:16]}")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _intact(name: str) -> bool:
    try:
        weights.resolve(name)
    except weights.InputError:
        return False
    return True
