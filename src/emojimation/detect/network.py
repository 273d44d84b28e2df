"""A detector's ONNX file -> its session; another network is rejected in one line."""

from pathlib import Path
from weakref import WeakSet

import numpy as np
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from emojimation.errors import InputError
from emojimation.files import checked_threads

_UNREADABLE = (ort_errors.InvalidProtobuf, ort_errors.Fail, ort_errors.InvalidGraph, ort_errors.InvalidArgument)

# The sessions in use: each keeps the memory of its largest input for the next one.
_OPEN: WeakSet[ort.InferenceSession] = WeakSet()
_KINDS = {"tensor(float)": np.float32, "tensor(uint8)": np.uint8}
LEAST_PX = 32  # a side that every network of any input size accepts

# Name of a tensor -> its axes; a text is an axis of any length.
Layout = dict[str, list[int | str]]


def open_network(path: Path, threads: int, tensors: Layout, what: str, advice: str) -> ort.InferenceSession:
    """The session of a network whose inputs and outputs, batch axis left out, are exactly `tensors`."""
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = checked_threads(threads), 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except _UNREADABLE as error:
        raise InputError(f"Expected {what} in {path}, got a file that onnxruntime cannot read; {advice}.") from error
    got = {t.name: t.shape[1:] for t in (*session.get_inputs(), *session.get_outputs())}
    if got != tensors:
        raise InputError(f"Expected {what} {tensors} in {path}, got {got}; {advice}.")
    _OPEN.add(session)
    return session


def release_memory() -> None:
    """Let all networks return the memory that their next input may need, some 100 MB after a search in two threads.

    They stay usable, in other threads meanwhile too; the next input takes the memory again.
    """
    options = ort.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")  # at the end of that run
    for session in list(_OPEN):
        first = session.get_inputs()[0]
        shape = [1, *(side if isinstance(side, int) else LEAST_PX for side in first.shape[1:])]
        session.run(None, {first.name: np.zeros(shape, _KINDS[first.type])}, options)
