"""The network that ships as `default`: 70.05 % on PublicTest, one view.

Command: emojimation train --data fer2013_train_val.parquet --recipe default --minutes 106 --out runs/default
Took 51 epochs in 101 minutes on two cores with AMX that other work shared; alone they do about an epoch a minute.
One seed; the schedule follows the clock, so a repeat differs by its number of epochs.
"""

from emojimation.training.augment import Augmentation
from emojimation.training.recipe import Recipe

RECIPE = Recipe(
    model="vgg_se",
    epochs=75,
    learning_rate=0.1,
    weight_decay=0.005,
    ferplus_mix=0.2,
    ferplus_head=0.5,
    augmentation=Augmentation(
        shift_px=4, scale=0.12, rotation_deg=12, shear_deg=4, light=0.2, camera=0.2, erase=0.3, erase_px=16
    ),
)
