"""Eight classes, contempt included: learned from FER+'s votes (Barsoum et al. 2016), scored by its published rule.

Command: emojimation train --data fer2013_train_val.parquet --ferplus fer2013new.csv --recipe ferplus --out runs/ferplus
(--ferplus is for data without votes; the Parquet file of `emojimation data convert` has them). The targets are the
votes alone, and rows on which the voters disagree weigh less. Not run to its end yet: no accuracy is claimed.
"""

from emojimation.recipes.strided import RECIPE as STRIDED

RECIPE = STRIDED.changed(labels="ferplus", ferplus_mix=1.0, label_smoothing=0.0, vote_weight=0.3, seed=31)
