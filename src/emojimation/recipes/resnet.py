"""A residual network with pre-activation, channel attention and stochastic depth: 2.8 M parameters, 11 MB.

Command: emojimation train --data fer2013_train_val.parquet --recipe resnet --out runs/resnet
Not yet run to its end: about twice the work of `default` per epoch, so it wants an accelerator (see docs/training.md)
or a night on two cores; docs/experiments.md has its speed and any run made since. No accuracy is claimed for it.
"""

from emojimation.recipes.default import RECIPE as DEFAULT

RECIPE = DEFAULT.changed(model="resnet", epochs=120)
