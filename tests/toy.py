"""A finished toy run that the tests of the training commands share, as training and export are the slow part."""

import fcntl
import json
import os
from pathlib import Path

from typer.testing import CliRunner

from emojimation.training.data.load import save
from stripes import TINY, stripes

RECIPE = {
    "base": "default",
    "options": TINY,
    "epochs": 8,
    "batch": 14,
    "ema": 0.9,
    "precision": "float32",
    "seed": 0,
    "augmentation": {
        "flip": False,
        "shift_px": 0,
        "scale": 0,
        "rotation_deg": 0,
        "shear_deg": 0,
        "light": 0,
        "camera": 0,
        "erase": 0,
    },
}


def invoke(*arguments: object) -> str:
    """Run one of the training commands in this process; returns its standard output."""
    from emojimation.cli.app import app

    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def write_recipe(folder: Path, **changes: object) -> Path:
    """A recipe of the user's own, as a file."""
    path = folder / "tiny.json"
    path.write_text(json.dumps(RECIPE | changes))
    return path


def make_run(folder: Path) -> tuple[Path, Path]:
    """Data file and run folder of a tiny network that has learned stripes."""
    save(stripes(), folder / "fer2013.parquet")
    recipe = write_recipe(folder)
    invoke("train", "--data", folder / "fer2013.parquet", "--recipe", recipe, "--out", folder / "run", "--tensorboard")
    return folder / "fer2013.parquet", folder / "run"


def shared_run(place: Path) -> tuple[Path, Path]:
    """The same, made once for all processes of a test run. place: the temporary folder of this one."""
    folder = (place.parent if "PYTEST_XDIST_WORKER" in os.environ else place) / "toy"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            make_run(folder)
            (folder / "made").touch()
    return folder / "fer2013.parquet", folder / "run"
