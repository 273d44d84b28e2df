"""One kit for every network: build, shapes, save and load, a step in bfloat16, parity of ONNX, .keras and TFLite."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason='training packages are absent: pip install "emojimation[train]"')

from emojimation.classify.classifier import EmotionClassifier  # noqa: E402
from emojimation.errors import InputError  # noqa: E402
from emojimation.training.export import export  # noqa: E402
from emojimation.training.fit import models  # noqa: E402
from emojimation.training.fit.network import compiled, plain  # noqa: E402
from emojimation.training.fit.recipe import Recipe  # noqa: E402

SMALL = {
    "vgg": {"widths": (4, 8, 8, 8), "dense": (16, 8, 8)},
    "vgg_se": {"widths": (4, 8), "depths": (2, 3)},
    "resnet": {"widths": (4, 8), "depths": (1, 2), "drop_path": 0.5},
}
IMAGES = np.random.default_rng(0).integers(0, 256, (500, 48, 48), dtype=np.uint8)


def small(name: str) -> keras.Model:
    keras.utils.set_random_seed(1)
    model = models.build(name, **SMALL[name])
    rng = np.random.default_rng(2)  # batch norms as after training, so that parity says something
    model.set_weights([w + rng.uniform(0.05, 0.2, w.shape) * (w.ndim == 1) for w in model.get_weights()])
    return model


def test_every_network_has_its_small_twin() -> None:
    assert set(SMALL) == set(models.BUILDERS)


def test_the_seed_network_is_the_one_described() -> None:
    layers = models.build("vgg").layers
    convolutions = [layer.filters for layer in layers if isinstance(layer, keras.layers.Conv2D)]
    assert convolutions == [64, 64, 128, 128, 256, 256, 512, 512]
    assert all(layer.kernel_size == (3, 3) for layer in layers if isinstance(layer, keras.layers.Conv2D))
    assert [layer.units for layer in layers if isinstance(layer, keras.layers.Dense)] == [512, 256, 64, 7]
    pools = [layer for layer in layers if isinstance(layer, keras.layers.MaxPooling2D)]
    assert [layer.strides for layer in pools] == [(2, 2)] * 4
    assert {layer.rate for layer in layers if isinstance(layer, keras.layers.Dropout)} == {0.3}


@pytest.mark.parametrize("name", SMALL)
def test_shapes_for_other_sizes_channels_and_classes(name: str) -> None:
    model = models.build(name, classes=5, size=64, channels=3, **SMALL[name])
    assert model.output_shape == (None, 5)
    assert model(np.zeros((2, 64, 64, 3), np.float32)).shape == (2, 5)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_saved_file_loads_without_our_classes_and_answers_alike(name: str, tmp_path: Path) -> None:
    model = small(name)
    expected = np.asarray(model(IMAGES[..., None].astype(np.float32)))
    plain(model).save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert not any(isinstance(layer, models.BatchNorm | models.Conv) for layer in loaded.layers)
    np.testing.assert_allclose(loaded(IMAGES[..., None].astype(np.float32)), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_every_format_answers_like_keras_and_names_its_classes(name: str, tmp_path: Path) -> None:
    """On 500 images; each function has compared its file itself, and the files are there."""
    h5py = pytest.importorskip("h5py", reason='training packages are absent: pip install "emojimation[train]"')
    model, names = plain(small(name)), ("bored", "engaged, deeply", "other", *"abcd")
    papers = export.metadata(name, model, temperature=1.5, threshold=0.4, data_sha256="0", commit="0", metrics={})
    assert export.to_onnx(model, tmp_path / "m.onnx", 1.5, papers, IMAGES) <= 1e-4
    assert export.to_keras(model, tmp_path / "m.keras", 1.5, IMAGES, names) <= 1e-4
    assert export.to_h5(model, tmp_path / "m.h5", 1.5, IMAGES, names) <= 1e-4
    answers = [
        np.asarray(
            keras.models.load_model(tmp_path / f"m.{kind}", compile=False).predict_on_batch(
                IMAGES[..., None].astype(np.float32)
            )
        )
        for kind in ("keras", "h5")
    ]
    np.testing.assert_allclose(*answers, atol=1e-5)
    assert export.to_tflite(model, tmp_path / "m.tflite", 1.5, IMAGES, names) <= 0.01
    assert export.to_tflite(model, tmp_path / "m8.tflite", 1.5, IMAGES, names, weights="int8") <= 0.1
    expected = EmotionClassifier(tmp_path / "m.onnx").predict(IMAGES[:20])
    got = keras.models.load_model(tmp_path / "m.keras")(IMAGES[:20, ..., None].astype(np.float32))
    np.testing.assert_allclose(got, expected, atol=1e-4)
    for file in ("m.keras", "m.tflite", "m8.tflite"):
        with zipfile.ZipFile(tmp_path / file) as archive:
            assert archive.read("labels.txt").decode().splitlines() == list(names)
    with h5py.File(tmp_path / "m.h5") as file:
        assert json.loads(file.attrs["labels"]) == list(names)


@pytest.mark.slow
def test_export_refuses_a_file_that_answers_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, convert = plain(small("vgg_se")), export._converted
    monkeypatch.setattr(export, "_converted", lambda model, _: convert(model, 1.3))
    with pytest.raises(InputError, match=r"within 0\.0001 of Keras"):
        export.to_onnx(model, tmp_path / "m.onnx", 1.0, {}, IMAGES)
    monkeypatch.setattr(
        export, "whole_model", lambda model, _: keras.Model(model.input, keras.layers.Softmax()(model.output))
    )
    with pytest.raises(InputError, match=r"not written"):
        export.to_keras(model, tmp_path / "m.keras", 1.3, IMAGES)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_a_step_in_bfloat16_changes_every_weight_and_stays_finite(name: str) -> None:
    recipe = Recipe(model=name, options=SMALL[name], precision="bfloat16", learning_rate=0.01)
    model = compiled(recipe, 7, 48, with_votes=False)
    before = [np.array(w) for w in model.trainable_variables]
    goals = {"logits": np.eye(7, dtype=np.float32)[np.arange(16) % 7]}
    model.train_on_batch(IMAGES[:16, ..., None].astype(np.float32), goals)
    after = [np.array(w) for w in model.trainable_variables]
    assert all(np.isfinite(w).all() for w in after)
    assert np.mean([(a != b).any() for a, b in zip(after, before, strict=True)]) > 0.9


def test_a_dropped_branch_leaves_the_skip_alone() -> None:
    """Stochastic depth: in training a block answers x or x + branch / (1 - drop) for each image, never between."""
    inputs = keras.layers.Input((6, 6, 4))
    block = keras.Model(inputs, models.residual(inputs, 4, 1, 0.5))
    x = np.random.default_rng(0).normal(0, 1, (64, 6, 6, 4)).astype(np.float32)
    given = np.abs(np.asarray(block(x, training=True)) - x).max((1, 2, 3))
    assert 0.25 < (given == 0).mean() < 0.75
    assert (np.abs(np.asarray(block(x, training=False)) - x).max((1, 2, 3)) > 0).all()


def test_files_of_the_small_networks_stay_under_12_mb() -> None:
    sizes = {name: 4 * models.build(name).count_params() / 1e6 for name in ("vgg_se", "resnet")}
    assert all(megabytes < 12 for megabytes in sizes.values()), sizes


def test_fused_batch_norm_is_keras_batch_norm() -> None:
    x = np.random.default_rng(0).normal(1, 2, (8, 6, 6, 5)).astype(np.float32)
    own, fused = keras.layers.BatchNormalization(momentum=0.9), models.BatchNorm(momentum=0.9, dtype="mixed_bfloat16")
    for layer in (own, fused):
        layer.build(x.shape)
    for training in (True, False):
        expected, got = (np.asarray(layer(x, training=training)).astype(np.float32) for layer in (own, fused))
        np.testing.assert_allclose(got, expected, atol=0.06)
    for a, b in zip(own.get_weights(), fused.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=0.02, atol=0.02)


@pytest.mark.parametrize("shape", [(5, 6, 6, 8), (1, 3, 3, 8), (4, 6, 5, 8), (3, 9, 12, 8)])
def test_convolution_in_bfloat16_has_the_gradients_of_keras_convolution(shape: tuple[int, ...]) -> None:
    import tensorflow as tf

    rng = np.random.default_rng(3)
    x, weight = tf.constant(rng.normal(size=shape), tf.float32), rng.normal(size=(3, 3, 8, 4)).astype(np.float32)
    towards = tf.constant(rng.normal(size=(*shape[:3], 4)), tf.float32)
    found = []
    for kind, dtype in ((keras.layers.Conv2D, "float32"), (models.Conv, "mixed_bfloat16")):
        layer = kind(4, 3, padding="same", use_bias=False, dtype=dtype)
        layer.build(x.shape)
        layer.set_weights([weight])
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.cast(layer(x), tf.float32)
            loss = tf.reduce_sum(y * towards)
        found.append([np.asarray(v) for v in (y, *tape.gradient(loss, [x, layer.kernel.value]))])
    for expected, got in zip(*found, strict=True):
        np.testing.assert_allclose(got, expected, atol=0.02 * np.abs(expected).max())


def test_unknown_network_names_the_known_ones() -> None:
    with pytest.raises(InputError, match="vgg, vgg_se, resnet"):
        models.build("alexnet")
    with pytest.raises(InputError, match="did you mean 'widths'"):
        models.build("resnet", width=(4, 8))
