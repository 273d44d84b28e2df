"""`emojimation data` as a user types it."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from emojimation.cli.app import app as whole_app
from emojimation.cli.data import app
from emojimation.errors import InputError
from emojimation.training.data.load import Dataset, load, save

runner = CliRunner()


@pytest.fixture
def parquet(fer_rows: Dataset, tmp_path: Path) -> Path:
    save(fer_rows, tmp_path / "fer.parquet")
    return tmp_path / "fer.parquet"


def test_info_prints_a_table(parquet: Path):
    result = runner.invoke(app, ["info", str(parquet)])
    assert result.exit_code == 0
    for word in ("surprise", "train", "val", "test", "60", "with FER+ votes"):
        assert word in result.output


def test_info_json_is_all_that_is_printed(parquet: Path, fer_rows: Dataset):
    result = runner.invoke(app, ["info", str(parquet), "--json"])
    told = json.loads(result.stdout)
    assert told["n"] == 60 and told["sha256"] == fer_rows.sha256 and told["ferplus"] is True
    assert told["counts"] == fer_rows.counts()


@pytest.mark.slow
def test_info_draws_the_chart(parquet: Path, tmp_path: Path):
    cv2 = pytest.importorskip("cv2")
    pytest.importorskip("matplotlib", reason="matplotlib is absent: pip install emojimation[train]")
    result = runner.invoke(app, ["info", str(parquet), "--out", str(tmp_path / "new" / "bars.png")])
    assert result.exit_code == 0, result.output
    picture = cv2.imread(str(tmp_path / "new" / "bars.png"))
    assert picture.shape[1] >= 1200 and len(np.unique(picture.reshape(-1, 3), axis=0)) > 20


def test_convert_round_trip(parquet: Path, fer_rows: Dataset, tmp_path: Path):
    for source, target in ((parquet, "a.csv"), (tmp_path / "a.csv", "folders"), (tmp_path / "folders", "b.csv.gz")):
        result = runner.invoke(app, ["convert", str(source), str(tmp_path / target)])
        assert result.exit_code == 0, result.output
    assert load(tmp_path / "b.csv.gz").sha256 == fer_rows.sha256


def test_convert_says_that_votes_are_left_out(parquet: Path, tmp_path: Path):
    result = runner.invoke(app, ["convert", str(parquet), str(tmp_path / "x.data"), "--format", "csv"])
    assert result.exit_code == 0 and "votes were left out" in result.stderr
    assert load(tmp_path / "x.data").votes is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["info", "{d}/none.csv"], "no such file or folder"),
        (["info", "{p}", "--out", "{d}/chart.xyz"], "expected a chart file"),
        (["info", "{p}", "--ferplus", "{d}/none.csv"], "no such file; expected FER\\+"),
        (["convert", "{p}", "{d}/a.txt"], "cannot infer the format"),
        (["convert", "{p}", "{d}/a", "--format", "json"], "unknown format 'json'"),
        (["convert", "{p}", "{p}"], "source and target are the same"),
    ],
)
def test_mistakes_are_input_errors(arguments: list[str], message: str, parquet: Path, tmp_path: Path):
    filled = [argument.format(p=parquet, d=tmp_path) for argument in arguments]
    result = runner.invoke(app, filled)
    assert isinstance(result.exception, InputError), result.output
    with pytest.raises(InputError, match=message):
        raise result.exception


def test_chart_without_matplotlib_says_what_to_install(parquet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import sys

    monkeypatch.delitem(sys.modules, "emojimation.training.report.plots", raising=False)
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = runner.invoke(app, ["info", str(parquet), "--out", str(tmp_path / "a.png")])
    assert isinstance(result.exception, InputError) and "emojimation[train]" in str(result.exception)


def test_audit_writes_page_json_and_exclude(parquet: Path, tmp_path: Path):
    out = tmp_path / "found here"
    result = runner.invoke(app, ["audit", str(parquet), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "identical groups inside train" in result.output and "audit.html" in result.output
    assert {path.name for path in out.iterdir()} == {"audit.html", "audit.json", "exclude.csv"}
    printed = runner.invoke(app, ["audit", str(parquet), "--out", str(out), "--json"])
    assert json.loads(printed.stdout) == json.loads((out / "audit.json").read_text())


def test_audit_takes_probabilities(parquet: Path, fer_rows: Dataset, tmp_path: Path):
    np.save(tmp_path / "p.npy", np.eye(7)[(fer_rows.labels + 1) % 7])
    arguments = [
        "audit",
        str(parquet),
        "--out",
        str(tmp_path / "a"),
        "--probabilities",
        str(tmp_path / "p.npy"),
        "--json",
    ]
    told = json.loads(runner.invoke(app, arguments).stdout)
    assert told["doubt"]["accuracy"] == 0 and told["doubt"]["strong"] == 60
    (tmp_path / "p.npy").write_text("text")
    assert "not a .npy array" in str(runner.invoke(app, arguments).exception)
    (tmp_path / "p.npy").unlink()
    assert "no such file" in str(runner.invoke(app, arguments).exception)


def test_audit_refuses_a_file_as_folder(parquet: Path):
    result = runner.invoke(app, ["audit", str(parquet), "--out", str(parquet)])
    assert isinstance(result.exception, InputError) and "expected a folder" in str(result.exception)


@pytest.mark.parametrize("command", [["train"], ["evaluate"], ["ensemble", "default"], ["export", "runs/x"]])
def test_absent_data_are_reported_before_keras_is_loaded(command: list[str], tmp_path: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)  # importing it fails
    monkeypatch.setitem(sys.modules, "onnx", None)
    result = runner.invoke(whole_app, [*command, "--data", str(tmp_path / "none.csv")])
    assert isinstance(result.exception, InputError) and "none.csv: no such file or folder" in str(result.exception)
