"""A wider `vgg_se` (2.3 M parameters) and some two hundred epochs, for an accelerator.

Command: bash scripts/train_on_accelerator.sh DATA OUT 12 wide:101 (several networks at once), or
         KERAS_BACKEND=jax emojimation train --data DATA --recipe wide --seed 101 --minutes 12 --out OUT
With seed 101, on labels and FER+ votes alone, it reached 72.0 % on PublicTest with one view after 224 epochs, as one of
five members of the ensemble that taught `seed` and a member of `max`. Taught by that ensemble, the same network has
74.1 % (docs/experiments.md, run `wide-taught`).
"""

from emojimation.training.fit.augment import Augmentation
from emojimation.training.fit.recipe import Recipe

RECIPE = Recipe(
    options={"widths": (40, 80, 160, 256), "dropout": 0.4},
    epochs=400,
    batch=256,
    learning_rate=0.15,
    warmup_epochs=3.0,
    weight_decay=0.005,
    ferplus_mix=0.1,
    ferplus_head=0.5,
    best_by="last",
    augmentation=Augmentation(
        shift_px=4, scale=0.15, rotation_deg=15, shear_deg=5, light=0.25, camera=0.2, erase=0.4, erase_px=18
    ),
)
