"""A real local Ray cluster: the same rows as the local engine, workers that die, addresses that do not answer."""

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("ray", reason="the extra `ray` is not installed")

import stored
from conftest import ROOT
from emojimation import InputError
from emojimation.batch import tables
from emojimation.batch.run import Answerer, BatchOptions, Output, pieces, run_batch

pytestmark = pytest.mark.slow

JPEG_HEAD = 300  # bytes of an image that is cut short


@pytest.fixture(scope="module")
def model(tiny_model) -> str:
    return str(tiny_model)


@pytest.fixture(scope="module")
def bucket(small_jpeg):
    """The query that leads to a store with the bucket `photos`, which the cluster's workers know as well."""
    files = {f"photos/in/{number}.jpg": small_jpeg for number in range(4)} | {
        "photos/in/cut.jpg": small_jpeg[:JPEG_HEAD]
    }
    with pytest.MonkeyPatch.context() as patch, stored.store(files) as query:
        for name, value in stored.KEYS.items():
            patch.setenv(name, value)
        yield query


@pytest.fixture(scope="module")
def ray_here(bucket):
    """A cluster with two processors on this machine; its workers find the package."""
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])
    from emojimation.batch import ray as ray_batch

    with ray_batch.connected(None, 2):
        yield ray_batch


@pytest.fixture(scope="module")
def folder(tmp_path_factory, small_jpeg) -> Path:
    """200 small images, a few of them broken."""
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(200):
        (folder / f"{number:03}.jpg").write_bytes(small_jpeg if number % 50 else small_jpeg[:JPEG_HEAD])
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
    run_batch(BatchOptions(str(folder), model), Output(out), local)
    return rows_of(out)


def test_the_command_at_a_cluster_that_runs_gives_the_rows_of_the_local_engine(
    ray_here, folder, wanted, model, tmp_path
):
    """Another process joins the cluster of this one."""
    import ray

    out = tmp_path / "out.jsonl"
    address = ray.get_runtime_context().gcs_address
    command = [sys.executable, "-m", "emojimation", "batch", str(folder), "--out", str(out), "--model", model, "--json"]
    run = subprocess.run(
        [*command, "--engine", "ray", "--address", address, "--workers", "2"],
        capture_output=True,
        text=True,
        timeout=90,
    )
    # A busy machine has time to say how far it is.
    said = [line for line in run.stderr.splitlines() if "per second" not in line]
    assert run.returncode == 1 and said == [], run.stderr
    assert rows_of(out) == wanted and json.loads(run.stdout)["failed"] == 4


@pytest.mark.parametrize("kind", ["table", "bucket"])
def test_parquet_and_stores_are_read_by_the_workers(
    kind, ray_here, folder, bucket, small_jpeg, wanted, model, tmp_path
):
    source = f"s3://photos/in?{bucket}"
    if kind == "table":
        source = str(tmp_path / "t.parquet")
        pq.write_table(pa.table({"image": [small_jpeg] * 4 + [small_jpeg[:JPEG_HEAD]]}), source, row_group_size=3)
    out = tmp_path / "out.jsonl"
    summary = run_batch(BatchOptions(source, model), Output(out), ray_here.cluster(2))
    assert (summary.pictures, summary.failed) == (5, 1)
    assert [row["faces"] for row in tables.read_jsonl(out)] == [json.loads(wanted[-1])["faces"]] * 4


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


def test_a_worker_killed_in_the_middle_loses_and_doubles_nothing(ray_here, folder, wanted, model, tmp_path, capfd):
    out, killed = tmp_path / "out.jsonl", []

    def kill(done: int, total: int) -> None:
        if not killed and done < total:
            killed.extend(actor_pids()[:1])
            os.kill(killed[0], signal.SIGKILL)

    run_batch(BatchOptions(str(folder), model), Output(out), ray_here.cluster(2), kill)
    assert killed and rows_of(out) == wanted
    time.sleep(1)  # for Ray to tell of the death
    assert capfd.readouterr() == ("", "")


def test_what_one_engine_began_the_other_finishes(ray_here, folder, wanted, model, tmp_path):
    out, count = tmp_path / "out.jsonl", iter(range(100))
    first = run_batch(BatchOptions(str(folder), model), Output(out), local, stopped=lambda: next(count) == 3)
    assert first.interrupted
    run_batch(BatchOptions(str(folder), model), Output(out, resume=True), ray_here.cluster(2))
    assert rows_of(out) == wanted and Counter(rows_of(out)).most_common(1)[0][1] == 1


def test_the_first_command_of_the_page_starts_its_own_cluster(folder, model, tmp_path):
    page = (ROOT / "docs" / "scale.md").read_text("utf-8")
    words = shlex.split(next(x for x in page.splitlines() if x.startswith("emojimation batch photos/")), comments=True)
    (tmp_path / "photos").mkdir()
    for name in ("001.jpg", "002.jpg"):
        shutil.copy(folder / name, tmp_path / "photos")
    command = [sys.executable, "-m", *words, "--model", model, "--workers", "2"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=90)
    assert run.returncode == 0 and run.stderr.startswith("2 images"), run.stderr
    assert pq.read_table(tmp_path / "results.parquet").num_rows == 2


@pytest.fixture
def alone():
    """Without a cluster, and with an address at which there is none."""
    import ray

    ray.shutdown()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        yield listener


@pytest.mark.parametrize("kind", ["nobody", "silent", "another", "nonsense", "ray://127.0.0.1:1", "auto"])
def test_an_address_that_does_not_answer_is_reported_within_15_s(kind, alone, folder, model, tmp_path):
    from emojimation.batch.ray import cluster

    address = kind
    if kind in ("nobody", "silent", "another"):
        address = f"127.0.0.1:{alone.getsockname()[1]}"
    if kind in ("silent", "another"):
        alone.listen(64)
    if kind == "another":
        threading.Thread(target=answer_as_a_web_server, args=(alone,), daemon=True).start()
    began = time.monotonic()
    with pytest.raises(InputError, match="Expected a") as told:
        run_batch(BatchOptions(str(folder), model), Output(tmp_path / "out.csv"), cluster(2, address))
    assert time.monotonic() - began < 15 and "\n" not in str(told.value)
    assert not list(tmp_path.iterdir())


def answer_as_a_web_server(listener: socket.socket) -> None:
    peer = listener.accept()[0]
    peer.recv(100)
    peer.sendall(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
    peer.close()
