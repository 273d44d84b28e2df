"""The network that ships as `default`: 73.08 % on PublicTest with one view.

Commands, with D for fer2013_train_val.parquet, on an accelerator (docs/training.md; the recipes of all these runs are
in benchmarks/results/runs) and then, from `ensemble` on, on two processor cores:
    bash scripts/train_on_accelerator.sh D OUT 12 wide:101 wide-102.json:102 wide-103.json:103 resnet:201
        resnet-202.json:202
    python scripts/store_views.py OUT/wide-101 OUT/wide-102 OUT/wide-103 OUT/resnet-201 OUT/resnet-202 --data D
        --recipe views.json --mirror --views 80 --out views
    TEACHER=views bash scripts/train_on_accelerator.sh D OUT 9.3 default-6.json:401 wide-taught.json:405
        resnet-taught.json:406
    emojimation ensemble wide-taught.onnx resnet-taught.onnx default.onnx --data D --no-mirror --out teacher.onnx
    emojimation train --data D --recipe default-8.json --from OUT/default-6 --teacher teacher.onnx --minutes 34
        --out OUT/default-8
    python scripts/mean_weights.py OUT/default-6 OUT/default-8 --share 0.45 --out OUT/default
with views.json as {"base": "default", "augmentation": {"shift_px": 4, "scale": 0.12, "rotation_deg": 12, "light": 0.25,
"shear_deg": 5, "camera": 0.3, "erase": 0.4, "erase_px": 18}}. default.onnx is the model that was `default` until then
(run `default-4`), and teacher.onnx ran in eight bits. docs/experiments.md ("On an accelerator") has the figures of
every step, and of the five runs before. This recipe by itself reached 70.05 % in 101 minutes on two cores with AMX.
"""

from emojimation.training.fit.augment import Augmentation
from emojimation.training.fit.recipe import Recipe

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
