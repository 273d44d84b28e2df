#!/usr/bin/env bash
# Train several networks at the same time on one machine with a GPU and JAX that reaches no network.
# Usage: [TEACHER=VIEWS] bash scripts/train_on_accelerator.sh DATA OUT MINUTES RECIPE:SEED ...
#   DATA     a file of scripts/pack_pixels.py, or any data set that the package reads
#   OUT      folder for the results: per run weights, Keras model, recipe, history (a few MB each)
#   RECIPE   a bundled recipe or a JSON file; the runs share the processor's cores and take turns on the GPU
#   TEACHER  a folder of scripts/store_views.py, made of runs in OUT, from which all these runs distil
# Wheels that the machine lacks are taken from ./wheels, filled beforehand on a machine with a network:
#   pip download -d wheels --no-deps --only-binary :all: --python-version 3.12 keras namex optree
# (and typer, pydantic, pydantic-core, annotated-types, typing-inspection if its typer is an old one).
# Afterwards, where TensorFlow is: emojimation export OUT/wide-0 --data DATA
set -uo pipefail
[ $# -lt 4 ] && { sed -n '2,12s/^# //p' "$0" >&2; exit 2; }
data=$1 out=$2 minutes=$3
shift 3
export KERAS_BACKEND=jax XLA_PYTHON_CLIENT_PREALLOCATE=false PYTHONPATH=$PWD/src
teacher=()
[ -n "${TEACHER:-}" ] && teacher=(--teacher "$TEACHER")

[ -d wheels ] && python3 -m pip install --quiet --no-index --no-deps --find-links wheels wheels/*.whl
work=$(mktemp -d)
if [ "$(head -c 6 "$data" | od -An -tx1 | tr -d ' ')" = fd377a585a00 ]; then
  python3 scripts/pack_pixels.py "$data" "$work/data.parquet" || exit
  data=$work/data.parquet
fi

mkdir -p "$out"
names=() cores=$(nproc)
for run in "$@"; do
  recipe=${run%:*} seed=${run##*:}
  name=$(basename "$recipe" .json)-$seed
  first=$((${#names[@]} * cores / $#)) last=$(((${#names[@]} + 1) * cores / $# - 1))
  names+=("$name")
  taskset -c "$first-$((last < first ? first : last))" \
    python3 -m emojimation train --data "$data" --recipe "$recipe" --seed "$seed" --minutes "$minutes" "${teacher[@]}" \
    --out "$work/$name" >"$out/$name.log" 2>&1 &
done
wait
for name in "${names[@]}"; do
  mkdir -p "$out/$name"
  cp "$work/$name"/{model.keras,weights.npz,recipe.json,history.json} "$out/$name/"
  tail -n 2 "$out/$name.log"
done
