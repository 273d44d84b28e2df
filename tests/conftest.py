"""Fixtures that several test files share."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import settings

from emojimation.training.data.load import Dataset, load
from tiny import write_model

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "src" / "emojimation" / "assets" / "samples"
FACELESS = ROOT / "tests" / "data" / "faceless"
# A busy machine is no failure; and where the tests run in the background, a shell may have switched Ctrl-C off.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ["LC_ALL"] = "C.UTF-8"  # the window speaks the system's language

REAL_FILE = "fer2013_train_val.parquet"
# Where processes share the tests, each takes the next file: those that take longest begin, so that all end together.
LONGEST = (
    "training/test_train.py",
    "test_ray.py",
    "training/test_fit.py",
    "training/test_models.py",
    "test_notebooks.py",
    "test_hidden_video.py",
    "test_benchmarks_service.py",
    "test_real_motion.py",
    "test_api.py",
    "test_web_video.py",
    "test_run_video.py",
    "test_mutate.py",
    "training/test_own_data.py",
    "training/test_judge.py",
    "test_api_hostile.py",
    "test_batch_hostile.py",
    "test_hiding.py",
    "test_detect.py",
    "training/test_chain.py",
    "training/test_devices.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the files, each with its tests as they are."""
    ranks = {ROOT / "tests" / name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))


def made_up(n: int = 60, seed: int = 7) -> Dataset:
    """A small FER2013: `n` rows of noise on a ramp, all seven classes, all three splits, FER+ votes."""
    rng = np.random.default_rng(seed)
    ramp = np.linspace(0, 120, 48, dtype=np.int64)
    images = (ramp[None, :, None] + rng.integers(0, 136, (n, 48, 48))).astype(np.uint8)
    labels = np.arange(n) % 7
    splits = np.repeat(["train", "val", "test"], [n - 2 * (n // 4), n // 4, n // 4])
    votes = rng.multinomial(10, np.full(10, 0.1), n).astype(np.uint8)
    names = [f"fer{i:07}.png" for i in range(n)]
    return Dataset.of(images, rng.permutation(labels), splits, names, votes, source="made up")


def real_path() -> Path | None:
    """The real FER2013 (Training and PublicTest) if it is on this machine."""
    folder = os.environ.get("EMOJIMATION_DATA")
    beside = Path(__file__).resolve().parents[2] / "shared" / "data" / "fer2013"
    path = (Path(folder) if folder else beside) / REAL_FILE
    return path if path.is_file() else None


@pytest.fixture(scope="session")
def fer_rows() -> Dataset:
    """60 made-up rows in FER2013's shape."""
    return made_up()


@pytest.fixture(scope="session")
def fer2013() -> Dataset:
    """The real FER2013, Training and PublicTest; skips where it is absent."""
    path = real_path()
    if path is None:
        pytest.skip(f"real FER2013 is absent: set EMOJIMATION_DATA to the folder that holds {REAL_FILE}")
    return load(path)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory) -> Path:
    """A model file whose answers can be told by hand."""
    return write_model(tmp_path_factory.mktemp("model") / "tiny.onnx")


@pytest.fixture(scope="session")
def toy(tmp_path_factory) -> tuple[Path, Path]:
    """Data file and run folder of a tiny network that has learned stripes; skips without the training packages."""
    pytest.importorskip("keras", reason='training packages are absent: pip install "emojimation[train]"')
    from toy import shared_run

    return shared_run(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def model() -> str:
    """The emotion model under test."""
    return "default"


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    """A frame (H,W,3) BGR uint8 with one smiling face."""
    from emojimation.media import read_image

    return read_image(SAMPLES / "astronaut.jpg").frame


@pytest.fixture(scope="session")
def small_jpeg(astronaut) -> bytes:
    """The bytes of a small image with one face."""
    return cv2.imencode(".jpg", cv2.resize(astronaut[:384], (320, 240)))[1].tobytes()


@pytest.fixture
def command(capsys) -> Callable[..., tuple[int, str, str]]:
    """Run the command line in this process: command("image", path) -> exit code, standard output, standard error."""
    from emojimation.__main__ import main

    def run(*args: object) -> tuple[int, str, str]:
        code = main([str(arg) for arg in args])
        return code, *capsys.readouterr()

    return run
