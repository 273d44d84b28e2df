"""Fine-tuning on one's own folder of pictures, one folder a class; what `--from` implies.

Command: emojimation train --data my_pictures --from default --out runs/mine
A low rate, small batches and 30 epochs: 300 pictures took 70 seconds on two cores that other work shared. What accuracy
to expect depends on the pictures; the validation pictures that are set apart tell it.
"""

from emojimation.training.fit.augment import Augmentation
from emojimation.training.fit.recipe import Recipe

RECIPE = Recipe(
    epochs=30,
    batch=32,
    learning_rate=0.01,
    warmup_epochs=3.0,
    ema=0.98,
    balance="sampling",
    augmentation=Augmentation(shift_px=3, scale=0.1, rotation_deg=10, light=0.2, camera=0.2, erase=0.2),
)
