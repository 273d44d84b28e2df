"""A residual network with pre-activation, channel attention and stochastic depth: 2.8 M parameters, 11 MB.

Command: emojimation train --data fer2013_train_val.parquet --recipe resnet --out runs/resnet
Not yet trained to the end: an epoch is about twice the work of one of `default`, so it takes an accelerator (see
docs/training.md) or a night on two cores. A smaller one (`depths` 1, 1, 2, 2) reached 67.5 % on PublicTest in 32
epochs; see docs/experiments.md.
"""

from emojimation.recipes.default import RECIPE as DEFAULT

RECIPE = DEFAULT.changed(model="resnet", epochs=120)
