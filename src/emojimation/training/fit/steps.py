"""One training step, and the averaged weights beside it: Keras' own, and one that stays on an accelerator."""

from collections.abc import Sequence
from typing import Any, Protocol

import keras
import numpy as np

from emojimation.training.fit.batches import Batch
from emojimation.training.fit.network import head_weights, variables_of
from emojimation.training.fit.recipe import Recipe


def decay_after(decay: float, step: int) -> float:
    """The decay of the averaged weights at `step`, from 1 on: the first steps count less, so that the start does not
    linger (as in TensorFlow's ExponentialMovingAverage).
    """
    return min(decay, (1 + step) / (10 + step))


class Steps(Protocol):
    """Steps of one model. `average`: exponential moving average of all weights, batch norm's statistics included, in
    float32 and in the order of `model.get_weights()`, None before the first update or where the recipe has none;
    `count`: updates so far. Both are valid after `publish`.
    """

    average: list[np.ndarray] | None
    count: int

    def __call__(self, batch: Batch, rate: float) -> Any:
        """Do one step at the learning rate `rate`; its loss, a float or a scalar that becomes one."""

    def publish(self) -> None:
        """Bring the model's variables and `average` up to date."""

    def adopt(self, average: list[np.ndarray] | None, count: int) -> None:
        """Go on from the model's variables as they are now, and from these averages."""


class KerasSteps:
    """By `train_on_batch`; the average is kept outside the model and updated every few steps."""

    EVERY = 4

    def __init__(self, model: keras.Model, recipe: Recipe) -> None:
        self.model, self.decay = model, recipe.ema
        self.average: list[np.ndarray] | None = None
        self.count = 0

    def __call__(self, batch: Batch, rate: float) -> float:
        """See `Steps`."""
        x, goals, weights = batch
        self.model.optimizer.learning_rate = rate
        logs = self.model.train_on_batch(x, goals, sample_weight=weights, return_dict=True)
        self._update()
        return float(logs["loss"])

    def _update(self) -> None:
        self.count += 1
        if not self.decay or self.count % self.EVERY:
            return
        if self.average is None:
            self.average = [np.array(w) for w in self.model.get_weights()]
            return
        decay = decay_after(self.decay, self.count) ** self.EVERY
        for mean, weight in zip(self.average, self.model.weights, strict=True):
            mean += (1 - decay) * (np.asarray(weight) - mean)

    def publish(self) -> None:
        """The model has the weights already."""

    def adopt(self, average: list[np.ndarray] | None, count: int) -> None:
        """See `Steps`."""
        self.average, self.count = average, count


class JaxSteps:
    """The same step compiled as a whole: weights, optimizer and average stay on the device between the steps, and the
    host does not wait for one to end before it sends the next.
    """

    def __init__(self, model: keras.Model, recipe: Recipe) -> None:
        import jax

        self.model, self.recipe = model, recipe
        self.average: list[np.ndarray] | None = None
        self.count = 0
        self._rate_at = [v.path.endswith("learning_rate") for v in model.optimizer.variables].index(True)
        self._compiled = jax.jit(self._step, donate_argnums=(0, 1))
        self._state: tuple[list[Any], ...] = ()
        self._means: list[Any] = []
        self.adopt(None, 0)

    def __call__(self, batch: Batch, rate: float) -> Any:
        """See `Steps`."""
        self.count += 1
        decay = decay_after(self.recipe.ema, self.count) if self.count > 1 else 0.0
        self._state, self._means, loss = self._compiled(
            self._state, self._means, np.float32(rate), np.float32(decay), batch
        )
        return loss

    def _step(self, state: tuple[list[Any], ...], means: list[Any], rate: Any, decay: Any, batch: Batch) -> Any:
        import jax

        trainable, rest, slots = state
        slots = [rate if i == self._rate_at else slot for i, slot in enumerate(slots)]
        (loss, rest), slopes = jax.value_and_grad(self._loss, has_aux=True)(trainable, rest, batch)
        trainable, slots = self.model.optimizer.stateless_apply(slots, slopes, trainable)
        means = [mean + (1 - decay) * (w - mean) for mean, w in zip(means, self._weights(trainable, rest), strict=True)]
        return (trainable, rest, slots), means, loss

    def _loss(self, trainable: list[Any], rest: list[Any], batch: Batch) -> tuple[Any, list[Any]]:
        x, goals, weights = batch
        x = keras.ops.cast(x, "float32")
        outputs, rest = self.model.stateless_call(trainable, rest, x, training=True)
        shares = head_weights(self.recipe)
        loss = 0.0
        for name, goal in goals.items():
            each = keras.losses.categorical_crossentropy(goal, outputs[name], from_logits=True)
            loss += shares[name] * keras.ops.mean(each if weights is None else each * weights[name])
        return loss, rest

    def _weights(self, trainable: Sequence[Any], rest: Sequence[Any]) -> list[Any]:
        """Those of `model.get_weights()`, in that order; the rest also holds the state of dropout."""
        variables = [*self.model.trainable_variables, *self.model.non_trainable_variables]
        by_id = {id(v): value for v, value in zip(variables, [*trainable, *rest], strict=True)}
        return [by_id[id(v)] for v in self.model.weights]

    def publish(self) -> None:
        """See `Steps`."""
        import jax.numpy as jnp

        for variables, values in zip(variables_of(self.model), self._state, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(jnp.copy(value))
        if self.recipe.ema and self.count:
            self.average = [np.array(mean, np.float32) for mean in self._means]

    def adopt(self, average: list[np.ndarray] | None, count: int) -> None:
        """See `Steps`."""
        import jax.numpy as jnp

        self._state = tuple([jnp.copy(v.value) for v in group] for group in variables_of(self.model))
        means = average if average is not None else self._weights(*self._state[:2])
        self._means = [jnp.array(mean, "float32") for mean in means]
        self.average, self.count = average, count


def steps_of(model: keras.Model, recipe: Recipe) -> Steps:
    """The fastest of the two: on one device of JAX the compiled step, elsewhere Keras' own."""
    alone = keras.backend.backend() == "jax" and len(keras.distribution.list_devices()) == 1
    return JaxSteps(model, recipe) if alone else KerasSteps(model, recipe)
