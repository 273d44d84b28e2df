"""Very many images: every kind of source, output and mishap; a run that is killed and resumed."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import stored
from conftest import FACELESS, ROOT
from emojimation import InputError
from emojimation.batch import run as batch
from emojimation.batch import tables
from emojimation.batch.listing import Item, listing_of
from emojimation.batch.run import BatchOptions, Output, local, run_batch
from emojimation.batch.workers import Workers, within


@pytest.fixture
def folder(tmp_path, small_jpeg) -> Path:
    """A folder with five images, one of them without a face, one broken, one no image by its name."""
    folder = tmp_path / "pictures"
    (folder / "more").mkdir(parents=True)
    for name in ("a.jpg", "b.JPG", "more/c.jpg"):
        (folder / name).write_bytes(small_jpeg)
    shutil.copy(next(FACELESS.glob("*.jpg")), folder / "none.jpg")
    (folder / "broken.jpg").write_bytes(small_jpeg[:500])
    (folder / "readme.txt").write_text("no image")
    return folder


@pytest.fixture
def in_process(model):
    """An engine in this process: the same answers without starting others."""

    def answers(settings, listing, answered):
        answerer = batch.Answerer(settings)
        for piece in batch.pieces(item for item in listing if item.source not in answered):
            yield [answerer(item) for item in piece]

    return answers


def ran(source, out, engine, model, **options):
    return run_batch(BatchOptions(str(source), model), Output(Path(out), **options), engine)


def sources(out: Path) -> list[str]:
    """Names of all images in results and errors, a table's faces counted once."""
    names = [row["source"] for row in tables.format_of(out).read(out) if str(row.get("face", 0) or 0) == "0"]
    errors = out.with_name(f"{out.name}.errors.jsonl")
    return names + ([row["source"] for row in tables.read_jsonl(errors)] if errors.exists() else [])


def test_a_name_is_no_formula_in_the_table_and_the_same_when_it_is_read_again(tmp_path):
    table = tables.format_of(tmp_path / "out.csv")
    row = {"source": "=HYPERLINK(1).jpg", "width": 1, "height": 1, "faces": []}
    table.write(tmp_path / "out.csv", table.rows(row))
    assert "\n'=HYPERLINK(1).jpg," in (tmp_path / "out.csv").read_text("utf-8")
    assert [read["source"] for read in table.read(tmp_path / "out.csv")] == ["=HYPERLINK(1).jpg"]


@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl"])
def test_every_kind_of_output_has_every_image_once(kind, folder, tmp_path, in_process, model):
    out = tmp_path / f"out.{kind}"
    summary = ran(folder, out, in_process, model)
    wanted = {str(folder / name) for name in ("a.jpg", "b.JPG", "more/c.jpg", "none.jpg", "broken.jpg")}
    assert Counter(sources(out)) == dict.fromkeys(wanted, 1)
    assert (summary.pictures, summary.failed, summary.without_face, summary.faces) == (5, 1, 1, 3)
    assert not list(tmp_path.glob("*.journal")) and not list(tmp_path.glob("*.partial"))


def test_the_three_kinds_say_the_same_as_the_engine(folder, tmp_path, in_process, model):
    for kind in ("parquet", "csv", "jsonl"):
        ran(folder / "a.jpg", tmp_path / f"out.{kind}", in_process, model)
    row = json.loads((tmp_path / "out.jsonl").read_text())
    face = row["faces"][0]
    table = pq.read_table(tmp_path / "out.parquet").to_pylist()[0]
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        line = next(csv.DictReader(file))
    assert [table[k] for k in ("x0", "y0", "x1", "y1")] == face["xyxy"]
    assert table["happy"] == face["probabilities"]["happy"] == float(line["happy"])
    assert table["emotion"] == face["emotion"] == line["emotion"]
    assert (table["width"], table["height"], table["faces"], table["face"]) == (320, 240, 1, 0)
    assert list(table) == list(line) == list(tables.COLUMNS)


def test_measures_are_columns_and_unknown_for_no_face(folder, tmp_path, in_process, model):
    settings, out = BatchOptions(str(folder), model=model, measures=["pose", "mesh"]), tmp_path / "out.csv"
    run_batch(settings, Output(out), in_process)
    with out.open(newline="") as file:
        found = {Path(row["source"]).name: row for row in csv.DictReader(file)}
    assert float(found["a.jpg"]["mesh_presence"]) > 0.9 and abs(float(found["a.jpg"]["pose_yaw"])) < 30
    assert found["none.jpg"]["pose_yaw"] == found["none.jpg"]["mesh_presence"] == ""


def test_sources_of_every_kind_name_the_same_images(folder, tmp_path, small_jpeg):
    (folder / "list.txt").write_text("a.jpg\n\nb.JPG\na.jpg\nmissing.jpg\n", "utf-8")
    assert [Path(item.source).name for item in listing_of(str(folder / "list.txt"))] == [
        "a.jpg",
        "b.JPG",
        "missing.jpg",
    ]
    assert [Path(item.source).name for item in listing_of(f"{folder}/**/*.jpg")] == [
        "a.jpg",
        "broken.jpg",
        "c.jpg",
        "none.jpg",
    ]
    assert [item.source for item in listing_of(f"file://{folder}/more")] == [f"file://{folder}/more/c.jpg"]
    assert next(iter(listing_of(f"file://{folder}/*.jpg"))).source == f"file://{folder}/a.jpg"
    table = pa.table(
        {"label": [1, 2, 3], "image": [{"bytes": small_jpeg, "path": "x"}, {"bytes": None, "path": "y"}, None]}
    )
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=2)
    listing = listing_of(str(tmp_path / "t.parquet"))
    items = list(listing)
    assert listing.total == 3 and [item.source[-2:] for item in items] == ["#0", "#1", "#2"]
    assert items[0].data == small_jpeg and items[1].error and items[2].error


def test_a_store_and_a_table_are_answered_like_files(folder, tmp_path, in_process, model, small_jpeg):
    ran(folder / "a.jpg", tmp_path / "file.jsonl", in_process, model)
    ran(f"file://{folder}/a.jpg", tmp_path / "store.jsonl", in_process, model)
    pq.write_table(pa.table({"content": [small_jpeg]}), tmp_path / "t.parquet")
    ran(tmp_path / "t.parquet", tmp_path / "table.jsonl", in_process, model)
    faces = [json.loads((tmp_path / f"{n}.jsonl").read_text())["faces"] for n in ("file", "store", "table")]
    assert faces[0] == faces[1] == faces[2] and faces[0]


def test_a_name_that_is_no_text_and_a_duplicate(tmp_path, small_jpeg, in_process, model):
    name = os.fsencode(tmp_path) + b"/odd\xff.jpg"
    with open(name, "wb") as file:
        file.write(small_jpeg)
    out = tmp_path / "out.parquet"
    assert ran(tmp_path, out, in_process, model).faces == 1
    assert sources(out) == [f"{tmp_path}/odd\\udcff.jpg"]
    assert ran(tmp_path, out, in_process, model, resume=True).before == 1
    assert sources(out) == [f"{tmp_path}/odd\\udcff.jpg"]


def test_finished_results_take_up_what_is_new(folder, tmp_path, in_process, model, small_jpeg):
    for kind in ("parquet", "csv", "jsonl"):
        out = tmp_path / f"out.{kind}"
        ran(folder / "a.jpg", out, in_process, model)
        summary = ran(folder, out, in_process, model, resume=True)
        assert (summary.before, summary.pictures) == (1, 5)
        assert Counter(sources(out)).most_common(1)[0][1] == 1 and len(sources(out)) == 5


def test_a_journal_cut_in_the_middle_of_a_line_continues(folder, tmp_path, in_process, model):
    def dies(settings, listing, answered):
        for rows in in_process(settings, listing, answered):
            yield rows[:2]
            raise KeyboardInterrupt

    out = tmp_path / "out.csv"
    with pytest.raises(KeyboardInterrupt):
        ran(folder, out, dies, model)
    journal = Output(out).journal
    journal.write_bytes(journal.read_bytes() + b'{"source": "cut')
    with pytest.raises(InputError, match="--resume"):
        ran(folder, out, in_process, model)
    summary = ran(folder, out, in_process, model, resume=True)
    assert summary.before == 2 and len(sources(out)) == len(set(sources(out))) == 5


def test_stopping_keeps_what_was_answered(folder, tmp_path, in_process, model):
    settings, out = BatchOptions(str(folder), model), tmp_path / "out.csv"
    summary = run_batch(settings, Output(out), in_process, stopped=lambda: True)
    assert summary.interrupted and not out.exists() and summary.pictures == 5
    assert run_batch(settings, Output(out, resume=True), in_process).before == 5


def test_other_settings_do_not_go_on_with_a_journal(folder, tmp_path, in_process, model):
    out = Output(tmp_path / "out.csv", resume=True)
    run_batch(BatchOptions(str(folder), model), out, in_process, stopped=lambda: True)
    with pytest.raises(InputError, match="cropped"):
        run_batch(BatchOptions(str(folder), model, cropped=True), out, in_process)


@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl"])
def test_other_settings_do_not_extend_finished_results(kind, folder, tmp_path, in_process, model):
    out = Output(tmp_path / f"out.{kind}", resume=True)
    run_batch(BatchOptions(str(folder / "a.jpg"), model), out, in_process)
    before = out.path.read_bytes()
    for changed in ({"prior": "uniform"}, {"min_score": 0.3}, {"model": "lite"}):
        with pytest.raises(InputError, match=f"another .*{next(iter(changed))}"):
            run_batch(BatchOptions(**{"source": str(folder), "model": model} | changed), out, in_process)
    assert out.path.read_bytes() == before and not out.journal.exists()
    out.settings.unlink()  # as beside results of version 1.0
    assert run_batch(BatchOptions(str(folder), model, min_score=0.3), out, in_process).before == 1


def test_settings_that_are_not_some_are_reported(folder, tmp_path, in_process, model):
    out = Output(tmp_path / "out.csv", resume=True)
    run_batch(BatchOptions(str(folder / "a.jpg"), model), out, in_process)
    out.settings.write_text("[")
    with pytest.raises(InputError, match="settings of a batch"):
        run_batch(BatchOptions(str(folder), model), out, in_process)


def test_two_runs_to_one_output_are_distinguished(folder, tmp_path, in_process, model):
    out = tmp_path / "out.csv"

    def second(settings, listing, answered):
        with pytest.raises(InputError, match="another one"):
            ran(folder, out, in_process, model, resume=True)
        yield from in_process(settings, listing, answered)

    assert ran(folder, out, second, model).pictures == 5


def test_overwriting_beside_a_running_batch_is_refused_and_leaves_it_unharmed(folder, tmp_path, in_process, model):
    out = tmp_path / "out.csv"

    def second(settings, listing, answered):
        for rows in in_process(settings, listing, answered):
            yield rows
            with pytest.raises(InputError, match="another one"):
                ran(folder, out, in_process, model, overwrite=True)

    assert ran(folder, out, second, model).pictures == 5
    assert len(sources(out)) == 5


@pytest.mark.parametrize("mistake", [{"source": "nowhere"}, {"prior": "bogus"}, {"detector": "bogus"}])
def test_a_mistake_leaves_what_would_be_overwritten(mistake, folder, tmp_path, in_process, model):
    out = Output(tmp_path / "out.jsonl", overwrite=True)
    ran(folder, out.path, in_process, model)
    out.journal.write_text("of a stopped run")
    before = {path: path.read_bytes() for path in tmp_path.glob("out*")}
    with pytest.raises(InputError):
        run_batch(BatchOptions(**{"source": str(folder), "model": model} | mistake), out, in_process)
    assert {path: path.read_bytes() for path in tmp_path.glob("out*")} == before


def test_old_results_stay_until_the_new_ones_are_complete_even_if_these_are_resumed(
    folder, tmp_path, in_process, model
):
    out = tmp_path / "out.csv"
    ran(folder, out, in_process, model)
    old = out.read_bytes()
    settings = BatchOptions(str(folder), model, cropped=True)
    run_batch(settings, Output(out, overwrite=True), in_process, stopped=lambda: True)
    assert out.read_bytes() == old
    (folder / "new.jpg").write_bytes((folder / "a.jpg").read_bytes())
    assert run_batch(settings, Output(out, resume=True), in_process).before == 5
    assert out.read_bytes() != old and len(sources(out)) == len(set(sources(out))) == 6
    assert not Output(out).journal.exists()


@pytest.mark.parametrize(
    ("source", "out", "match"),
    [
        ("nowhere", "o.csv", "does not exist"),
        ("nowhere/*.jpg", "o.csv", "got none"),
        ("empty", "o.csv", "got none"),
        ("empty", "o.xlsx", "ending in"),
        ("empty", "o.txt/o.csv", "ending|place|none"),
        ("noimages.parquet", "o.csv", "column"),
        ("noparquet.parquet", "o.csv", "Parquet"),
        ("gopher://x/y", "o.csv", "address"),
        ("file:///nowhere-at-all/*.jpg", "o.csv", "listed|none"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(source, out, match, tmp_path, command, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    pq.write_table(pa.table({"a": [1]}), "noimages.parquet")
    Path("noparquet.parquet").write_text("no")
    code, _, told = command("batch", source, "--out", out)
    assert code == 2 and told.count("\n") == 1 and pytest.importorskip("re").search(match, told), told
    assert not list(tmp_path.glob("o.*"))


def test_the_command_answers_with_processes_and_draws_a_sheet(folder, tmp_path, command, model):
    out, sheet = tmp_path / "out.parquet", tmp_path / "sheet.png"
    code, printed, told = command(
        "batch", folder, "-o", out, "--contact-sheet", sheet, "--json", "--workers", 1, "--model", model
    )
    summary = json.loads(printed)
    assert code == 1 and summary["pictures"] == 5 and summary["failed"] == 1, told
    assert cv2.imread(str(sheet)).shape[1] == 3 * 328 + 8
    assert len(sources(out)) == 5


def _dies(numbers: list[int]) -> list[int]:
    if 13 in numbers:
        os.kill(os.getpid(), signal.SIGKILL)
    return [number * 2 for number in numbers]


def _nothing() -> None:
    pass


@pytest.mark.slow
def test_a_thing_at_which_a_process_dies_costs_only_itself():
    workers = Workers(2, _nothing, (), _dies, lambda number: -number)
    answers = list(workers.answers([list(range(i, i + 4)) for i in range(0, 40, 4)]))
    assert [a for piece in answers for a in piece] == [-13 if i == 13 else i * 2 for i in range(40)]


def _naps(numbers: list[int]) -> list[int]:
    for number in numbers:
        with within(0.5):
            time.sleep(600 if number == 3 else 0)
    return [number * 2 for number in numbers]


@pytest.mark.slow
def test_a_thing_that_takes_too_long_costs_only_itself():
    workers = Workers(1, _nothing, (), _naps, lambda number: -number)
    assert [a for piece in workers.answers([[0, 1], [2, 3], [4]]) for a in piece] == [0, 2, 4, -3, 8]


def test_a_named_pipe_is_no_image_and_keeps_nobody_waiting(folder, tmp_path, in_process, model):
    os.mkfifo(folder / "pipe.jpg")
    out = tmp_path / "out.jsonl"
    assert ran(folder, out, in_process, model).failed == 2
    errors = {row["source"]: row["error"] for row in tables.read_jsonl(Output(out).errors)}
    assert "pipe" in errors[str(folder / "pipe.jpg")]


def test_a_list_of_addresses_and_comments_has_each_file_once_in_any_spelling(folder, tmp_path, in_process, model):
    (folder / "a b.jpg").write_bytes((folder / "a.jpg").read_bytes())
    lines = [
        "# holiday",
        f"file://{folder}/a%20b.jpg",
        str(folder / "a b.jpg"),
        "./more/../a b.jpg",
        "a b.jpg",
        "b.JPG",
    ]
    (folder / "list.txt").write_text("\n".join(lines))
    summary = ran(folder / "list.txt", tmp_path / "out.jsonl", in_process, model)
    assert (summary.pictures, summary.failed, summary.faces) == (2, 0, 2)
    assert sources(tmp_path / "out.jsonl") == [str(folder / "a b.jpg"), str(folder / "b.JPG")]


def test_addresses_in_a_store_are_read_from_a_list(tmp_path, small_jpeg, in_process, model, monkeypatch):
    for name, value in stored.KEYS.items():
        monkeypatch.setenv(name, value)
    with stored.store({"photos/in/a b.jpg": small_jpeg}) as query:
        (tmp_path / "list.txt").write_text(f"s3://photos/in/a%20b.jpg?{query}\ns3://photos/in/none.jpg?{query}\n")
        summary = ran(tmp_path / "list.txt", tmp_path / "out.jsonl", in_process, model)
    assert (summary.pictures, summary.failed, summary.faces) == (2, 1, 1)


@pytest.mark.slow
def test_a_parquet_file_that_expands_out_of_proportion_is_refused(tmp_path):
    bomb = tmp_path / "bomb.parquet"
    pq.write_table(pa.table({"image": [bytes(70 << 20)] * 9}), bomb, compression="zstd")
    assert bomb.stat().st_size < 50_000
    with pytest.raises(InputError, match="expand"):
        listing_of(str(bomb))


@pytest.mark.slow
def test_a_large_cell_that_many_rows_share_is_in_memory_once(tmp_path, small_jpeg):
    shared = small_jpeg + np.random.default_rng(1).bytes(1 << 20)
    pq.write_table(pa.table({"image": [shared] * 500}), tmp_path / "shared.parquet")
    assert (tmp_path / "shared.parquet").stat().st_size < 3 << 20
    before = pa.total_allocated_bytes()
    most = max(pa.total_allocated_bytes() - before for _ in listing_of(str(tmp_path / "shared.parquet")))
    assert most < 8 << 20


@pytest.mark.slow
def test_a_worker_of_a_batch_killed_while_it_starts_ends_as_well(folder, tmp_path, tiny_model):
    psutil = pytest.importorskip("psutil", reason="psutil is not installed")
    run = started(folder, tmp_path / "out.csv", str(tiny_model))
    parent = psutil.Process(run.pid)
    while not (workers := parent.children()):
        assert run.poll() is None
        time.sleep(0.005)
    run.kill()
    run.communicate(timeout=60)
    assert not psutil.wait_procs(workers, 60)[1], "a worker goes on without its batch"


def test_a_model_that_is_not_one_is_reported_before_anything_runs(folder, tmp_path, model):
    (tmp_path / "bad.onnx").write_text("no model")
    with pytest.raises(InputError, match="ONNX"):
        ran(folder, tmp_path / "out.csv", local(1), str(tmp_path / "bad.onnx"))


def started(folder, out, model, *more, **options) -> subprocess.Popen:
    """`emojimation batch` in a process of its own."""
    env = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    args = [sys.executable, "-m", "emojimation", "batch", str(folder), "-o", str(out), "--workers", "2"]
    return subprocess.Popen([*args, "--model", model, *more], env=env, stderr=subprocess.PIPE, text=True, **options)


def test_pieces_are_bounded_in_number_and_bytes():
    items = [Item(str(i), data=bytes(3 << 20)) for i in range(4)] + [Item(str(i), path="x") for i in range(4, 40)]
    sizes = [len(piece) for piece in batch.pieces(items)]
    assert sizes == [2, 2, 16, 16, 4]
