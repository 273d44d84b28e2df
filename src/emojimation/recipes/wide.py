"""The next flagship: a wider `vgg_se` (2.6 M parameters, 10.6 MB in float32) and very many epochs, for an accelerator.

Command: bash scripts/train_on_accelerator.sh DATA OUT (several seeds in parallel), or
         KERAS_BACKEND=jax emojimation train --data DATA --recipe wide --minutes 22 --out OUT
Not yet trained to the end: on two processor cores an epoch takes about two minutes. The literature suggests (Khaireddin
& Chen 2021: 73.28 % on PrivateTest after 300 epochs of a VGG) 72 to 74 % on PublicTest with one view.
"""

from emojimation.training.fit.augment import Augmentation
from emojimation.training.fit.recipe import Recipe

RECIPE = Recipe(
    options={"widths": (48, 96, 192, 256), "dropout": 0.4},
    epochs=400,
    batch=256,
    learning_rate=0.2,
    weight_decay=0.005,
    ferplus_mix=0.2,
    ferplus_head=0.5,
    ema=0.999,
    precision="bfloat16",
    augmentation=Augmentation(
        shift_px=6, scale=0.2, rotation_deg=15, shear_deg=6, light=0.25, camera=0.2, erase=0.5, erase_px=20
    ),
)
