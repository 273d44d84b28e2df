"""The model page, the command, and the frame around all pages."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from web_pages import html, page, sample, upload, use

from emojimation.cli import web as cli_web  # isort: skip
from emojimation import weights  # isort: skip
from emojimation.classify.classifier import EmotionClassifier

from emojimation.apps.web import pictures, server  # isort: skip
from emojimation.apps.web import model as web_model  # isort: skip
from emojimation.apps.web.settings import PageSettings, current, hand_over  # isort: skip
from emojimation.cli.app import app  # isort: skip
from emojimation.errors import InputError  # isort: skip
from emojimation.labels import EMOTIONS  # isort: skip
from emojimation.training.judge import metrics  # isort: skip
from tiny import write_model  # isort: skip

WEB = Path(__file__).parent.parent / "src" / "emojimation" / "apps" / "web" / "app.py"


def figures() -> dict:
    """What `evaluate --json` writes, for made-up answers."""
    rng = np.random.default_rng(0)
    labels = np.arange(140) % 7
    answers = rng.dirichlet(np.ones(7), 140)
    rows = [{"corruption": "blur", "severity": i, "parameter": "x", "accuracy": 0.5 - 0.1 * i} for i in (1, 2, 3)]
    table = {"n": 140, "clean_accuracy": 0.5, "means": {"blur": 0.3}, "rows": rows}
    return {**metrics.summary(answers, labels, EMOTIONS), "split": "test", "corruptions": table}


def test_the_page_tells_limits_forbidden_uses_and_versions(monkeypatch, tiny_model):
    use(monkeypatch, tiny_model)
    text = html(page("model"))
    for words in (
        *web_model.LIMITS,
        *web_model.FORBIDDEN,
        "ONNX Runtime",
        "oarriaga",
        "Not measured for this model file",
    ):
        assert words.replace("'", "&#x27;") in text


def test_figures_beside_the_model_are_shown(monkeypatch, tmp_path):
    model = write_model(tmp_path / "mine.onnx")
    (tmp_path / "mine.json").write_text(json.dumps(figures()))
    history = [{"epoch": i, "val_accuracy": i / 10, "val_loss": 1.0} for i in range(3)]
    (tmp_path / "mine.history.json").write_text(json.dumps(history))
    use(monkeypatch, model)
    test = page("model")
    text = html(test)
    assert f"{figures()['accuracy']:.1%}" in text and "PrivateTest" in text
    assert "em-matrix" in text and "Corruption" in text and "Not measured" not in text
    assert len(test.get("vega_lite_chart")) + len(test.get("arrow_vega_lite_chart")) >= 3


def test_a_damaged_report_is_as_none(tmp_path):
    (tmp_path / "m.json").write_text("{broken")
    assert web_model.report_of(tmp_path / "m.onnx") == {}


def test_the_frame_has_four_pages_and_the_first_visit_notice(monkeypatch, tiny_model):
    from streamlit.testing.v1 import AppTest

    use(monkeypatch, tiny_model)
    test = AppTest.from_file(str(WEB), default_timeout=30).run()
    assert not test.exception and "Show a face" in html(test)
    assert "cannot know what anybody feels" in html(test)
    test.button(key="understood").click().run()
    assert not test.exception and "understood" not in [button.key for button in test.button]


def test_settings_survive_the_way_through_the_environment(monkeypatch):
    monkeypatch.setenv("EMOJIMATION_WEB", "{}")
    assert current() == PageSettings()
    hand_over(PageSettings("other", turn=cli_web.ice_servers("turn:a:1", "me", "secret"), paths=False, film_s=5))
    assert current().turn == [{"urls": "turn:a:1", "username": "me", "credential": "secret"}] and not current().paths


def test_nobody_is_asked_for_the_way_without_turn():
    assert cli_web.ice_servers(None) == []
    with pytest.raises(InputError, match="turn:HOST:PORT"):
        cli_web.ice_servers("example.org")


def test_telemetry_is_off_and_fonts_are_here():
    options = server.streamlit_options("127.0.0.1", 1)
    assert options["browser.gatherUsageStats"] is False and options["server.address"] == "127.0.0.1"
    for face in options["theme.fontFaces"]:
        assert (WEB.parent / "static" / Path(face["url"]).name).read_bytes()[:4] == b"wOF2"
    assert "http" not in json.dumps(options)


def test_streamlit_knows_every_option():
    from streamlit import config

    known = set(config._config_options_template)
    assert set(server.streamlit_options("127.0.0.1", 1)) <= known


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--model", "nowhere.onnx"], "nowhere.onnx"),
        (["--turn", "nonsense"], "turn:HOST:PORT"),
        (["--port", "0"], "port"),
    ],
)
def test_mistakes_are_reported_before_the_server_starts(words, said, monkeypatch, tiny_model):
    monkeypatch.setenv("EMOJIMATION_WEB", "{}")
    given = words if "--model" in words else [*words, "--model", str(tiny_model)]
    result = CliRunner().invoke(app, ["web", *given])
    assert result.exit_code != 0 and said in f"{result.exception} {result.output}"


def test_a_port_in_use_is_reported():
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(InputError, match="Choose another one with --port"):
            server.check_free("127.0.0.1", other.getsockname()[1])


@pytest.fixture
def three(monkeypatch, tmp_path):
    """A folder of bundled models: two emotion models with figures, one broken, and what is no emotion model."""
    rows = {}
    for name, accuracy in (("tiny", 0.5), ("better", 0.9)):
        write_model(tmp_path / f"{name}.onnx")
        report = {**figures(), "accuracy": accuracy, "split": "val"}
        (tmp_path / f"{name}.json").write_text(json.dumps(report))
        rows[name] = {"file": f"{name}.onnx", "sha256": weights.sha256(tmp_path / f"{name}.onnx")}
    rows["torn"] = {"file": "tiny.onnx", "sha256": "0" * 64}
    rows["tiny.weights"] = {"file": "tiny.weights.npz", "sha256": "1"}
    for name in ("face_detector", "face_detector_wide"):
        detector = weights.MODELS / f"{name}.onnx"
        (tmp_path / detector.name).write_bytes(detector.read_bytes())
        rows[name] = {"file": detector.name, "sha256": weights.sha256(detector)}
    (tmp_path / "manifest.json").write_text(json.dumps(rows))
    monkeypatch.setattr(weights, "MODELS", tmp_path)
    use(monkeypatch, "tiny")
    return tmp_path


def test_every_bundled_model_is_in_the_table_and_can_be_taken(three):
    test = page("model")
    assert test.segmented_control(key="model-picked").options == ["tiny", "better", "torn"]
    assert "<b>50.0%</b>" in html(test) and "Emojimation “better”" in html(test)
    test.segmented_control(key="model-picked").set_value("better").run()
    assert not test.exception and "<b>90.0%</b>" in html(test) and "Emojimation “tiny”" in html(test)
    assert html(test).index("Emojimation “better”") < html(test).index("Emojimation “tiny”")
    test.segmented_control(key="model-picked").set_value("torn").run()
    assert not test.exception and "sha256" in test.error[0].value


def test_photos_are_answered_anew_by_another_model(three):
    test = upload(page("photo"), sample("obama"))
    first = test.session_state["answers"]
    test.session_state["model"] = "better"
    test.run()
    assert not test.exception and test.session_state["answers-by"] == "better"
    assert first and [id(a) for a in test.session_state["answers"].values()] != [id(a) for a in first.values()]


def test_one_model_alone_needs_no_choice(monkeypatch, tmp_path):
    (tmp_path / "manifest.json").write_text("{}")
    monkeypatch.setattr(weights, "MODELS", tmp_path)
    use(monkeypatch, tmp_path / "own.onnx")
    assert pictures.models() == [str(tmp_path / "own.onnx")]


@pytest.mark.parametrize("name", ["default", "max"])
def test_an_eight_bit_version_shows_the_charts_of_its_float_model(name):
    card = EmotionClassifier(f"{name}_int8").card
    report = web_model.report_of(web_model._place(name))
    figures = web_model.figures_of(card, name)
    assert card["precision"] == "int8"
    assert figures["accuracy"] == card["metrics"].get("accuracy", report["accuracy"])
    assert all(figures[key] == report[key] for key in ("confusion_matrix", "reliability", "per_class", "corruptions"))


def test_a_report_beside_an_eight_bit_file_is_newer_than_its_card(tmp_path):
    path = tmp_path / "own.onnx"
    path.with_suffix(".json").write_text(json.dumps({"accuracy": 0.9}), "utf-8")
    card = {"path": str(path), "precision": "int8", "metrics": {"accuracy": 0.5, "n": 7}}
    assert web_model.figures_of(card, str(path)) == {"accuracy": 0.9, "n": 7}
