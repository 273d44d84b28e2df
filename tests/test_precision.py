"""A bundled model runs in eight bits where the processor multiplies bytes quickly, and as it is elsewhere."""

import json

import numpy as np
import pytest

from emojimation import precision, weights
from emojimation.classify.classifier import EmotionClassifier

X86 = "processor\t: 0\nmodel name\t: x\nflags\t\t: fpu sse4_2 {}\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd {}\n"
TWINNED = [name for name in weights.USUAL if f"{name}{weights.EIGHT_BITS}" in weights.manifest()]


def test_default_and_max_have_twins_in_eight_bits():
    assert TWINNED == ["default", "max"]


@pytest.fixture
def processor(monkeypatch, tmp_path):
    def pretend(text):
        path = tmp_path / f"cpuinfo-{len(list(tmp_path.iterdir()))}"
        path.write_text(text)
        monkeypatch.setattr(precision, "CPU_FLAGS", path)
        return path

    return pretend


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (X86.format("avx2 avx512_vnni"), "avx512_vnni"),
        (X86.format("avx_vnni avx2"), "avx_vnni"),
        (X86.format("avx avx2"), "avx2"),
        (X86.format("avx"), None),
        (ARM.format("asimddp"), "asimddp"),
        (ARM.format(""), None),
        ("model name : avx2 in a name only\n", None),
    ],
)
def test_the_processors_flags_decide(processor, text, found):
    assert precision.byte_products(processor(text)) == found
    assert precision.suited("default") == ("default_int8" if found else "default")


def test_without_a_list_of_flags_nothing_changes(monkeypatch, tmp_path):
    monkeypatch.setattr(precision, "CPU_FLAGS", tmp_path / "none")
    assert precision.suited("default") == "default"


def test_a_file_of_ones_own_and_a_model_without_a_twin_run_as_they_are(processor, tmp_path):
    processor(X86.format("avx2"))
    path = weights.resolve("default")
    assert precision.suited(path) == path and precision.suited(str(path)) == str(path)
    assert precision.suited("lite") == "lite"


@pytest.mark.parametrize("name", TWINNED)
def test_both_precisions_give_the_same_answers(processor, name):
    processor(X86.format("avx2"))
    small = EmotionClassifier(name)
    processor(X86.format("avx"))
    whole = EmotionClassifier(name)
    assert (small.card["precision"], whole.card["precision"]) == ("int8", "float32")
    assert small.card["name"] == whole.card["name"] == name and small.threshold == whole.threshold
    crops = np.random.default_rng(0).integers(0, 256, (32, 6, 6), dtype=np.uint8).repeat(8, 1).repeat(8, 2)
    ours, theirs = small.predict(crops), whole.predict(crops)
    assert np.abs(ours - theirs).max() < 0.12 and (ours.argmax(1) == theirs.argmax(1)).mean() > 0.8


@pytest.mark.parametrize("name", TWINNED)
def test_a_twin_is_made_from_todays_model_and_no_name_to_choose(name):
    import onnxruntime as ort

    twin = f"{name}{weights.EIGHT_BITS}"
    papers = ort.InferenceSession(str(weights.resolve(twin))).get_modelmeta().custom_metadata_map
    made_from, today = papers["source_sha256"], weights.sha256(weights.resolve(name))
    assert made_from == today, f"run scripts/quantize_model.py DATA {name} for the new model"
    assert twin not in weights.emotion_models()
    assert weights.resolve(twin).stat().st_size < 0.6 * weights.resolve(name).stat().st_size  # of float16


def test_info_says_it(command, processor):
    processor(X86.format("avx512_vnni"))
    code, out, _ = command("info", "--json")
    found = json.loads(out)
    assert code == 0 and found["byte_products"] == "avx512_vnni" and found["model"]["precision"] == "int8"
    assert "in eight bits avx512_vnni" in command("info")[1]
