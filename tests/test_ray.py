"""A real local Ray cluster: the same rows as the local engine, workers that die, addresses that do not answer."""

import json
import os
import signal
import socket
import threading
import time
from collections import Counter
from pathlib import Path

import cv2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("ray", reason="the extra `ray` is not installed")

from conftest import ROOT
from emojimation import InputError
from emojimation.batch import tables
from emojimation.batch.run import Answerer, Output, Settings, pieces, run_batch

pytestmark = [pytest.mark.slow, pytest.mark.e2e]


@pytest.fixture(scope="module")
def ray_here():
    """A cluster with two processors on this machine; its workers find the package."""
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])
    from emojimation.apps import ray_batch

    with ray_batch.connected(None, 2):
        yield ray_batch


@pytest.fixture(scope="module")
def folder(tmp_path_factory, astronaut) -> Path:
    """200 small pictures, a few of them broken."""
    folder = tmp_path_factory.mktemp("pictures")
    jpeg = cv2.imencode(".jpg", cv2.resize(astronaut[:384], (320, 240)))[1].tobytes()
    for number in range(200):
        (folder / f"{number:03}.jpg").write_bytes(jpeg if number % 50 else jpeg[:300])
    return folder


def rows_of(out: Path) -> list[str]:
    """Every row and error as sorted text."""
    errors = Output(out).errors
    rows = [*tables.read_jsonl(out), *(tables.read_jsonl(errors) if errors.exists() else ())]
    return sorted(json.dumps(row) for row in rows)


def local(settings, listing, answered):
    answerer = Answerer(settings)
    for piece in pieces(listing):
        yield [answerer(item) for item in piece]


@pytest.fixture(scope="module")
def wanted(folder, model, tmp_path_factory) -> list[str]:
    """What the local engine says."""
    out = tmp_path_factory.mktemp("local") / "out.jsonl"
    run_batch(Settings(str(folder), model), Output(out), local)
    return rows_of(out)


def test_the_rows_are_those_of_the_local_engine(ray_here, folder, wanted, model, tmp_path):
    out = tmp_path / "out.jsonl"
    summary = run_batch(Settings(str(folder), model), Output(out), ray_here.cluster(2))
    assert rows_of(out) == wanted and summary.failed == 4


def test_parquet_and_addresses_are_read_by_the_workers(ray_here, folder, model, tmp_path):
    some = sorted(folder.glob("*.jpg"))[1:7]
    pq.write_table(pa.table({"image": [path.read_bytes() for path in some]}), tmp_path / "t.parquet", row_group_size=4)
    faces = []
    for source in (tmp_path / "t.parquet", f"file://{folder}/00[1-6].jpg"):
        out = tmp_path / f"out{len(faces)}.jsonl"
        run_batch(Settings(str(source), model), Output(out), ray_here.cluster(2))
        faces.append(sorted(json.dumps(row["faces"]) for row in tables.read_jsonl(out)))
    assert len(faces[0]) == 6 and faces[0] == faces[1]


def actor_pids() -> list[int]:
    """Processes of actors that answer, of this session's cluster."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            text = (entry / "cmdline").read_bytes().decode(errors="replace")
            status = (entry / "environ").read_bytes().decode(errors="replace")
        except (OSError, NotADirectoryError):
            continue
        if text.startswith("ray::") and "MapWorker" in text and str(ROOT / "tests") in status:
            found.append(int(entry.name))
    return found


def test_a_worker_killed_in_the_middle_loses_and_doubles_nothing(ray_here, folder, wanted, model, tmp_path):
    out, killed = tmp_path / "out.jsonl", []

    def kill(done: int, total: int) -> None:
        if not killed and done < total:
            killed.extend(actor_pids()[:1])
            os.kill(killed[0], signal.SIGKILL)

    run_batch(Settings(str(folder), model), Output(out), ray_here.cluster(2), kill)
    assert killed and rows_of(out) == wanted


def test_what_one_engine_began_the_other_finishes(ray_here, folder, wanted, model, tmp_path):
    out, count = tmp_path / "out.jsonl", iter(range(100))
    first = run_batch(Settings(str(folder), model), Output(out), local, stopped=lambda: next(count) == 3)
    assert first.interrupted
    run_batch(Settings(str(folder), model), Output(out, resume=True), ray_here.cluster(2))
    assert rows_of(out) == wanted and Counter(rows_of(out)).most_common(1)[0][1] == 1


@pytest.mark.parametrize("kind", ["nobody", "silent", "nonsense", "auto"])
def test_an_address_that_does_not_answer_is_told_within_15_s(kind):
    from emojimation.apps.ray_batch import connected

    if kind in ("nonsense", "auto"):
        import ray

        ray.shutdown()
        assert_refused(connected, kind)
        return
    import ray

    ray.shutdown()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if kind == "silent":
            listener.listen(64)
        assert_refused(connected, f"127.0.0.1:{listener.getsockname()[1]}")


def assert_refused(connected, address: str) -> None:
    began = time.monotonic()
    with pytest.raises(InputError, match="Expected a") as told, connected(address):
        pass
    assert time.monotonic() - began < 15 and "\n" not in str(told.value)
    assert threading.active_count() < 50
