"""The batch engine of a Ray cluster: Ray Data hands pieces of the listing to actors that keep the models loaded.

The rows return to the driver and go into the same journal as those of the local engine: a piece that Ray repeats
because a worker died is written once, and a run can be killed and resumed, even with the other engine.
"""

import json
import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from emojimation.batch.listing import Item, Listing, group_items
from emojimation.batch.run import MOST_S, Answerer, BatchOptions, Engine, Row, apart, timely
from emojimation.errors import InputError
from emojimation.files import usable_processors

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # before ray is loaded: no telemetry
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # errors are raised; its own log would only repeat them

import ray
import ray.data

PIECE = 32  # images per call of an actor
BLOCK = 128  # images per task, the unit that is repeated when a worker dies
MOST_BLOCKS = 4000
CONNECT_S, ANSWER_S = 4.0, 7.0
# What an HTTP/2 client (and so gRPC) sends first, and the type of the frame in the reply (RFC 9113, 3.4).
PREFACE, SETTINGS = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5), 4
CAREFUL = 16  # isolated calls of an actor that was restarted after dying: as many as may have waited for it
STORE_BYTES = 256 << 20  # of a cluster started here: pieces are small


def cluster(workers: int | None = None, address: str | None = None, most_s: float = MOST_S) -> Engine:
    """The engine of a Ray cluster. workers: actors, by default one per processor. address: of a running cluster,
    "auto" for one on this machine, None to start one here for the duration of the run. most_s: for one image."""

    def answers(settings: BatchOptions, listing: Listing, answered: set[str]) -> Iterator[list[Row]]:
        with connected(address, workers):
            try:
                yield from _rows(settings, listing, answered, workers or _cluster_processors(), most_s)
            except ray.exceptions.RayError as error:
                reason = next(line for line in [*reversed(str(error).splitlines()), "no reason"] if line.strip())
                raise InputError(
                    f"Expected the cluster to finish, but it failed ({reason.strip()[:300]}). Continue with --resume."
                ) from error

    return answers


@contextmanager
def connected(address: str | None, workers: int | None = None) -> Iterator[None]:
    """A connection to a cluster, closed by `with` unless it was open before. Raises InputError within 15 s."""
    if ray.is_initialized():
        yield
        return
    # A dead worker is replaced; Ray would tell of it in colour on standard output, which is for results.
    ray._private.worker.print_to_stdstream = lambda *_, **__: None
    options: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    if address is None:
        count = workers or usable_processors()
        with _hushed():
            ray.init(
                address="local", num_cpus=count, include_dashboard=False, object_store_memory=STORE_BYTES, **options
            )
    else:
        _knock(address)
        with _hushed():
            _connect(address, options)
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def _hushed() -> Iterator[None]:
    """Silence what Ray's libraries write to standard error past Python: each failed attempt, their settings."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _knock(address: str) -> None:
    """Check that something that may be Ray answers there: Ray itself would retry for a minute."""
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or "/" in host:
        raise InputError(f"Expected a cluster's address as HOST:PORT or `auto`, got {address!r}.")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), CONNECT_S) as peer:
            peer.sendall(PREFACE)
            answer = peer.recv(9, socket.MSG_WAITALL)
    except TimeoutError as error:
        raise _unreachable(address, f"no answer within {CONNECT_S:g} s") from error
    except (OSError, OverflowError) as error:
        raise _unreachable(address, str(error)) from error
    if len(answer) < 9 or answer[3] != SETTINGS:
        raise _unreachable(address, "what answers there is something else")


def _connect(address: str, options: dict[str, Any]) -> None:
    """`ray.init` with a timeout: what listens there may not be a cluster."""
    failed: list[BaseException] = []

    def attempt() -> None:
        try:
            ray.init(address=address, **options)
        except BaseException as error:  # raised in the caller
            failed.append(error)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(ANSWER_S)
    if thread.is_alive():
        raise _unreachable(address, f"no answer from Ray within {ANSWER_S:g} s")
    if failed:
        raise _unreachable(address, str(failed[0])) from failed[0]


def _unreachable(address: str, reason: str) -> InputError:
    return InputError(
        f"Expected a Ray cluster at {address}, got none ({' '.join(reason.split())[:200]}). "
        "Is it running, with the same version of ray?"
    )


def _cluster_processors() -> int:
    return max(1, int(ray.cluster_resources().get("CPU", 1)))


def _rows(
    settings: BatchOptions, listing: Listing, answered: set[str], workers: int, most_s: float
) -> Iterator[list[Row]]:
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    todo = [_packed(item) for item in listing.items if item.source not in answered]
    groups = [{"file": file, "group": group, "first": first} for file, group, first in listing.groups]
    for rows, size, block in ((todo, PIECE, BLOCK), (groups, 1, 1)):
        if not rows:
            continue
        data = ray.data.from_items(
            rows, override_num_blocks=min(max(len(rows) // block, 2 * workers), len(rows), MOST_BLOCKS)
        )
        answers = data.map_batches(
            RayAnswerer,
            fn_constructor_args=(settings, most_s),
            batch_size=size,
            batch_format="pyarrow",
            compute=ray.data.ActorPoolStrategy(size=workers),
            num_cpus=1,
        )
        for batch in answers.iter_batches(batch_size=None, batch_format="pyarrow"):
            yield [json.loads(row) for row in batch.column("row").to_pylist()]  # type: ignore[union-attr]


def _packed(item: Item) -> dict[str, Any]:
    """Arrow rejects text that is not UTF-8, which a path may be, so it travels as bytes."""
    path = None if item.path is None else item.path.encode("utf-8", "surrogateescape")
    return {"source": item.source, "path": path, "error": item.error}


class RayAnswerer:
    """An actor's models, loaded once: a batch of items, or of row groups of Parquet files, -> their rows as JSON.

    Ray restarts an actor that died and gives it the same pieces. If an image was the reason, that would repeat for
    ever; so the first calls after a restart process the images in a separate process, whose death costs one image.
    """

    def __init__(self, settings: BatchOptions, most_s: float):
        self._answerer, self._most_s = Answerer(settings), most_s
        self._careful = CAREFUL if ray.get_runtime_context().was_current_actor_reconstructed else 0

    def __call__(self, batch: pa.Table) -> pa.Table:
        """batch: with source, path, error; or with file, group, first."""
        items = [item for given in batch.to_pylist() for item in _items(given)]
        if self._careful:
            self._careful -= 1
            rows = apart(self._answerer.settings, items, self._most_s)
        else:
            rows = [timely(self._answerer, item, self._most_s) for item in items]
        return pa.table({"row": pa.array(map(json.dumps, rows), pa.string())})


def _items(given: dict[str, Any]) -> Iterator[Item]:
    if "file" in given:
        yield from group_items(given["file"], given["group"], given["first"])
        return
    path = given["path"]
    yield Item(given["source"], None if path is None else path.decode("utf-8", "surrogateescape"), error=given["error"])
