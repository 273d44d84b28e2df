"""Keras and its backend, loaded where a command needs them."""

import os
import sys

from emojimation.extras import need


def need_training() -> None:
    """Load Keras and its backend; InputError with the command that installs them where they are absent.

    TensorFlow's library writes lines about its build to standard error whatever its log level is, so that stream is
    closed to it while it loads; who sets TF_CPP_MIN_LOG_LEVEL wants to see them. Where the processor lacks AVX-512,
    TensorFlow leaves oneDNN off unless asked, and trains a third slower (docs/experiments.md).
    """
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    if "TF_CPP_MIN_LOG_LEVEL" in os.environ or "keras" in sys.modules:
        return _load()
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        _load()
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _load() -> None:
    tensorflow = ("tensorflow",) if os.environ["KERAS_BACKEND"] == "tensorflow" else ()
    need("train", "keras", *tensorflow)
    import keras  # noqa: F401
