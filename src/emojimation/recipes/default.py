"""The network that ships as `default`: 71.61 % on PublicTest, one view, in two runs of this recipe, the second from the first's weights.

Commands: emojimation train --data fer2013_train_val.parquet --recipe default --minutes 106 --out runs/first
          emojimation train --data fer2013_train_val.parquet --recipe default --from runs/first --learning-rate 0.06 \
              --seed 1 --minutes 132 --out runs/default
The first took 51 epochs in 101 minutes on two cores with AMX (70.05 %), the second 31 epochs in 132 minutes on two slower cores
without AMX that much other work shared (alone they do an epoch in 80 seconds). The schedule follows the clock, so a repeat
differs by its number of epochs; the best of them by PublicTest ships. An accelerator's recipe is `wide`.
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
