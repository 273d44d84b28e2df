"""Fine-tuning on your own folder of images, one subfolder per class; implied by `--from`.

Command: emojimation train --data my_images --from default --out runs/mine
A low learning rate, small batches and 30 epochs: 300 images took 70 seconds on two cores shared with other work. The
accuracy to expect depends on the images; it is measured on the validation images, which are set aside.
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
