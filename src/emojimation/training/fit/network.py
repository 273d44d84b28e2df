"""A recipe's network around its weights: compile, start from shipped weights, predict, reduce to plain Keras."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np

from emojimation.errors import InputError
from emojimation.labels import FERPLUS_COLUMNS
from emojimation.training.fit import models
from emojimation.training.fit.recipe import Recipe, without_folders


def processor_has_bfloat16() -> bool:
    """Whether this machine computes bfloat16 in hardware (by Linux' processor flags; an accelerator always does)."""
    if keras.backend.backend() == "jax":
        import jax

        return jax.default_backend() != "cpu"
    flags = Path("/proc/cpuinfo")
    return flags.exists() and ("avx512_bf16" in (text := flags.read_text()) or "amx_bf16" in text)


def compiled(recipe: Recipe, classes: int, size: int, with_votes: bool) -> keras.Model:
    """The recipe's network with its optimizer and losses; outputs "logits" and, if asked, "votes"."""
    _use_all_devices()
    model = _built(recipe, classes, size, with_votes)
    kinds = {"sgd": _sgd, "adam": keras.optimizers.Adam, "adamw": keras.optimizers.AdamW}
    if recipe.optimizer not in kinds:
        raise InputError(
            f"Expected an optimizer among {', '.join(kinds)}, got {recipe.optimizer!r}: pick one of these."
        )
    optimizer = kinds[recipe.optimizer](learning_rate=recipe.learning_rate, weight_decay=recipe.weight_decay or None)
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    weights = head_weights(recipe)
    model.compile(
        optimizer,
        {name: keras.losses.CategoricalCrossentropy(from_logits=True) for name in model.output},
        loss_weights={name: weights[name] for name in model.output},
        jit_compile=keras.backend.backend() == "jax",
    )
    optimizer.build(model.trainable_variables)
    return model


def head_weights(recipe: Recipe) -> dict[str, float]:
    """The share of each head's loss."""
    return {"logits": 1.0, "votes": recipe.ferplus_head}


def variables_of(model: keras.Model) -> tuple[list[Any], list[Any], list[Any]]:
    """All that a step changes: the weights that learn, the others with dropout's random state, the optimizer's own."""
    return model.trainable_variables, model.non_trainable_variables, model.optimizer.variables


def _built(recipe: Recipe, classes: int, size: int, with_votes: bool) -> keras.Model:
    low = recipe.precision == "bfloat16" or (recipe.precision == "auto" and processor_has_bfloat16())
    keras.config.set_dtype_policy("mixed_bfloat16" if low else "float32")
    try:
        model = models.build(recipe.model, classes=classes, size=size, **recipe.options)
    finally:
        keras.config.set_dtype_policy("float32")
    outputs = {"logits": model.output}
    if with_votes:
        features = model.get_layer("features").output
        outputs["votes"] = keras.layers.Dense(len(FERPLUS_COLUMNS), dtype="float32", name="votes")(features)
    return keras.Model(model.input, outputs, name=model.name)


def _sgd(**options: Any) -> keras.optimizers.Optimizer:
    return keras.optimizers.SGD(momentum=0.9, nesterov=True, **options)


def _use_all_devices() -> None:
    """Split each batch over the accelerators where there are several (Keras' own data parallelism, JAX backend)."""
    if keras.backend.backend() == "jax" and len(keras.distribution.list_devices()) > 1:
        keras.distribution.set_distribution(keras.distribution.DataParallel())


def trained(folder: Path, classes: int, size: int, name: str) -> keras.Model:
    """The network of a run folder with its weights.npz, called `name`, in the precision that this machine trains in."""
    network, options, weights = load_start(folder / "weights.npz")
    model = _built(Recipe(model=network, options=options), classes, size, with_votes=False)
    start_from(model, weights)
    return keras.Model(model.input, model.get_layer("logits").output, name=name)


def predict_logits(model: keras.Model, images: np.ndarray, batch: int = 256) -> np.ndarray:
    """Logits (n,classes) float32 of images (n,h,w) uint8, whatever other heads the model has."""
    out = []
    for start in range(0, len(images), batch):
        y = model.predict_on_batch(images[start : start + batch, ..., None].astype(np.float32))
        out.append(np.asarray(y["logits"] if isinstance(y, dict) else y, np.float32))
    return np.concatenate(out)


def plain(model: keras.Model) -> keras.Model:
    """The same network in float32 of Keras' own layers with only the emotion head: what is saved and exported."""
    logits = keras.Model(model.input, model.get_layer("logits").output, name=model.name)

    def copy(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = {**layer.get_config(), "dtype": "float32"}
        return models.PLAIN.get(type(layer), type(layer)).from_config(config)

    clone = keras.models.clone_model(logits, clone_function=copy)
    clone.set_weights(logits.get_weights())
    return clone


def save_weights(model: keras.Model, recipe: Recipe, path: Path) -> None:
    """Write a plain model's weights in float16 with its recipe, to start from: half the size of the model.

    The file can be passed on: of the start that the recipe names it keeps the last part, not the folders.
    """
    recipe = recipe.changed(start=without_folders(recipe.start))
    arrays: dict[str, Any] = {f"w{i:04d}": w.astype(np.float16) for i, w in enumerate(model.get_weights())}
    np.savez_compressed(path, recipe=recipe.to_json(), **arrays)


def load_start(path: Path) -> tuple[str, dict[str, Any], list[np.ndarray]]:
    """Network name, builder options and weights of a file from `save_weights`; InputError for any other file."""
    try:
        with np.load(path) as saved:
            recipe = json.loads(str(saved["recipe"]))
            weights = [saved[key].astype(np.float32) for key in sorted(saved.files) if key.startswith("w")]
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"Expected weights to start from, got {path}, which holds none: give a run's weights.npz."
        ) from error
    options = {key: tuple(v) if isinstance(v, list) else v for key, v in recipe["options"].items()}
    return recipe["model"], options, weights


def start_from(model: keras.Model, weights: list[np.ndarray]) -> None:
    """Set `model`'s weights to those of a plain model of the same network; heads of another shape keep their own."""
    body = keras.Model(model.input, model.get_layer("logits").output)
    own = body.get_weights()
    if len(own) != len(weights):
        raise InputError(f"Expected {len(own)} weight arrays to start from, got {len(weights)}: use the same network.")
    body.set_weights([new if new.shape == old.shape else old for new, old in zip(weights, own, strict=True)])
