"""A residual network with pre-activation, channel attention and stochastic depth: 2.4 M parameters, for an accelerator.

Command: bash scripts/train_on_accelerator.sh DATA OUT 12 resnet:201, or
         KERAS_BACKEND=jax emojimation train --data DATA --recipe resnet --seed 201 --minutes 12 --out OUT
With seed 201 it reached 72.7 % on PublicTest with one view after 238 epochs and 73.4 % with the mirror image, the most
of six networks that learned at the same time from labels and FER+ votes; see docs/experiments.md. On two processor
cores an epoch takes about twice as long as one of `default`.
"""

from emojimation.recipes.wide import RECIPE as WIDE

RECIPE = WIDE.changed(
    model="resnet", options={"widths": (32, 64, 128, 224), "depths": (1, 2, 2, 2), "dropout": 0.4, "drop_path": 0.1}
)
