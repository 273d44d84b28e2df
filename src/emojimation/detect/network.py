"""A detector's ONNX file -> its session; another network is rejected in one line."""

from pathlib import Path

import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from emojimation.errors import InputError

_UNREADABLE = (ort_errors.InvalidProtobuf, ort_errors.Fail, ort_errors.InvalidGraph, ort_errors.InvalidArgument)

# Name of a tensor -> its axes; a text is an axis of any length.
Layout = dict[str, list[int | str]]


def open_network(path: Path, threads: int, tensors: Layout, what: str, advice: str) -> ort.InferenceSession:
    """The session of a network whose inputs and outputs, batch axis left out, are exactly `tensors`."""
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except _UNREADABLE as error:
        raise InputError(f"Expected {what} in {path}, got a file that onnxruntime cannot read; {advice}.") from error
    got = {t.name: t.shape[1:] for t in (*session.get_inputs(), *session.get_outputs())}
    if got != tensors:
        raise InputError(f"Expected {what} {tensors} in {path}, got {got}; {advice}.")
    return session
