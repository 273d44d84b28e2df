"""A residual network with pre-activation, channel attention and stochastic depth: 2.8 M parameters, 11 MB.

Command: emojimation train --data fer2013_train_val.parquet --recipe resnet --out runs/resnet
Not yet run to its end: about twice the work of `default` per epoch, so it wants an accelerator (see docs/training.md) or a
night on two cores; docs/experiments.md has its speed and any run made since. No accuracy is claimed for it.
"""

from emojimation.training.augment import Augmentation
from emojimation.training.recipe import Recipe

RECIPE = Recipe(
    model="resnet",
    epochs=120,
    learning_rate=0.1,
    weight_decay=0.005,
    ferplus_mix=0.2,
    ferplus_head=0.5,
    augmentation=Augmentation(
        shift_px=4, scale=0.12, rotation_deg=12, shear_deg=4, light=0.2, camera=0.2, erase=0.3, erase_px=16
    ),
)
