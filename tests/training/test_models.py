"""One kit for every network: build, shapes, save and load, the fused batch norm, ONNX parity."""

from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason='training packages are absent: pip install "emojimation[train]"')

from emojimation.errors import InputError  # noqa: E402
from emojimation.training import export, models  # noqa: E402
from emojimation.training.network import plain  # noqa: E402

SMALL = {
    "vgg": {"widths": (4, 8, 8, 8), "dense": (16, 8, 8)},
    "vgg_se": {"widths": (4, 8, 8), "depths": (2, 2, 3)},
}
IMAGES = np.random.default_rng(0).integers(0, 256, (12, 48, 48), dtype=np.uint8)


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


@pytest.mark.parametrize("name", SMALL)
def test_saved_file_loads_without_our_classes_and_answers_alike(name: str, tmp_path: Path) -> None:
    model = small(name)
    expected = np.asarray(model(IMAGES[..., None].astype(np.float32)))
    plain(model).save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert not any(isinstance(layer, models.BatchNorm) for layer in loaded.layers)
    np.testing.assert_allclose(loaded(IMAGES[..., None].astype(np.float32)), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", SMALL)
def test_onnx_and_tflite_answer_like_keras(name: str, tmp_path: Path) -> None:
    model = plain(small(name))
    papers = export.metadata(name, model, temperature=1.5, threshold=0.4, data_sha256="0", commit="0", metrics={})
    difference = export.to_onnx(model, tmp_path / "m.onnx", 1.5, papers, IMAGES)
    assert difference <= 1e-4
    assert export.to_tflite(model, tmp_path / "m.tflite", 1.5, IMAGES) <= 0.01


def test_export_refuses_a_file_that_answers_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = plain(small("vgg_se"))
    other = small("vgg_se")
    other.set_weights([w * 1.1 for w in other.get_weights()])
    proto = export._converted(plain(other), 1.0)
    monkeypatch.setattr(export, "_converted", lambda *_: proto)
    with pytest.raises(InputError, match=r"within 0\.0001 of Keras"):
        export.to_onnx(model, tmp_path / "m.onnx", 1.0, {}, IMAGES)
    assert not list(tmp_path.iterdir())


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


def test_unknown_network_names_the_known_ones() -> None:
    with pytest.raises(InputError, match="vgg, vgg_se"):
        models.build("resnet")
