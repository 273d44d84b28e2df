#!/usr/bin/env bash
# Train candidates for the flagship at the same time on one machine with a GPU and JAX that reaches no network.
# Usage: bash scripts/train_on_accelerator.sh DATA OUT [MINUTES] [RECIPE:SEED ...]
#   DATA     a file of scripts/pack_pixels.py, or any data set that the package reads
#   OUT      folder for the results: per run weights, Keras model, recipe, history (a few MB each)
# Wheels that the machine lacks are taken from ./wheels, filled beforehand on a machine with a network:
#   pip download -d wheels --no-deps --only-binary :all: --python-version 3.12 keras namex optree
# Afterwards, where TensorFlow is: emojimation export OUT/wide-0 --data DATA
set -uo pipefail
data=$1 out=$2 minutes=${3:-20}
shift $(($# < 3 ? $# : 3))
runs=("${@:-wide:0}")
[ $# -eq 0 ] && runs=(wide:0 wide:1 wide:2)
export KERAS_BACKEND=jax XLA_PYTHON_CLIENT_PREALLOCATE=false PYTHONPATH=$PWD/src

[ -d wheels ] && python3 -m pip install --quiet --no-index --no-deps --find-links wheels wheels/*.whl
work=$(mktemp -d)
if [ "$(head -c 6 "$data" | od -An -tx1 | tr -d ' ')" = fd377a585a00 ]; then
  python3 scripts/pack_pixels.py "$data" "$work/data.parquet"
  data=$work/data.parquet
fi

mkdir -p "$out"
for run in "${runs[@]}"; do
  recipe=${run%%:*} seed=${run##*:}
  python3 -m emojimation train --data "$data" --recipe "$recipe" --seed "$seed" --minutes "$minutes" \
    --out "$work/$recipe-$seed" >"$out/$recipe-$seed.log" 2>&1 &
done
wait
for run in "${runs[@]}"; do
  name=${run%%:*}-${run##*:}
  mkdir -p "$out/$name"
  cp "$work/$name"/{model.keras,weights.npz,recipe.json,history.json} "$out/$name/"
  tail -n 2 "$out/$name.log"
done
