"""Eight classes, contempt included: trained on FER+'s votes (Barsoum et al. 2016), scored by its published rule.

Command: emojimation train --data fer2013_train_val.parquet --ferplus fer2013new.csv --recipe ferplus --out runs/ferplus
(--ferplus adds the votes to data without them; the Parquet file of `emojimation data convert` already has them). The
targets are the votes alone, and images on which the voters disagree weigh less. The model that ships was fine-tuned
with it (`--from default`, four epochs): 88.6 %, see docs/experiments.md. Without `--from` no accuracy is claimed.
"""

from emojimation.recipes.strided import RECIPE as STRIDED

RECIPE = STRIDED.changed(labels="ferplus", ferplus_mix=1.0, label_smoothing=0.0, vote_weight=0.3, seed=31)
