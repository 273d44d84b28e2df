"""The smallest network, `lite`, for phones and browsers: distilled from `default`, and trained on the labels as well.

Commands, with D for fer2013_train_val.parquet; runs/second, runs/third and runs/scratch are `default-2`, `default-3`
and `default-scratch` of docs/experiments.md, and the name `default` stands for `default-4`:
    emojimation evaluate --data D --split train --tta --probabilities first.npy
    emojimation train --data D --recipe lite --teacher first.npy --minutes 70 --out runs/first
    emojimation evaluate --data D --split train --tta --model runs/second/model.onnx --model runs/third/model.onnx
        --model runs/scratch/model.onnx --probabilities teacher.npy
    emojimation train --data D --recipe again.json --from runs/first --teacher teacher.npy --minutes 42 --out runs/again
    emojimation train --data D --recipe lite3.json --from runs/again --teacher default --out runs/third-lite
    emojimation train --data D --recipe lite4.json --from runs/third-lite --teacher pair.onnx --minutes 55
        --out runs/lite
    emojimation export runs/lite --data D --name lite --format int8
with again.json as {"base": "lite", "epochs": 100, "learning_rate": 0.12, "distil": 0.8, "seed": 3}, lite3.json as
{"base": "lite", "epochs": 70, "learning_rate": 0.1, "distil": 0.8, "seed": 7, "augmentation": {"camera": 0.25}}, and
lite4.json as the same with 60 epochs and seed 8. pair.onnx is the mean of the third `default` and `scratch-3`, one
view each, in eight bits (docs/experiments.md).
The first run did 38 epochs in 70 minutes on two busy cores without AMX (64.8 %; its teacher was the first `default`),
the second 90 epochs in 42 minutes on the same cores, nearly idle (66.5 %), the third 70 in 129 minutes on two Zen 3
cores, with `default` answering for each augmented view (67.3 %, 67.4 % quantised to eight bits), the fourth 22 in 57
minutes on one Xeon core with AMX: 67.8 % on PublicTest, quantised as well.
"""

from emojimation.training.fit.augment import Augmentation
from emojimation.training.fit.recipe import Recipe

RECIPE = Recipe(
    options={"widths": (24, 48, 64), "depths": (3, 3, 2), "dropout": 0.1, "stem_stride": 2},
    epochs=120,
    learning_rate=0.2,
    weight_decay=0.001,
    label_smoothing=0.0,
    ferplus_mix=0.2,
    ferplus_head=0.5,
    distil=0.7,
    best_by="loss",
    augmentation=Augmentation(shift_px=3, scale=0.1, rotation_deg=10, light=0.15, camera=0.15),
)
