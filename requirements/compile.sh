#!/usr/bin/env bash
# Resolve the pins of every extra; all agree with run.txt. Headers and hosts are left out so that nothing local is written.
set -euo pipefail
cd "$(dirname "$0")/.."

compile() {
  local out=requirements/$1.txt
  shift
  echo "# Pinned for Python 3.11 by requirements/compile.sh; change pyproject.toml and run it again." >"$out.new"
  uv pip compile pyproject.toml --python-version 3.11 --no-header --no-emit-index-url --no-emit-find-links \
    --annotation-style line --quiet "$@" >>"$out.new"
  mv "$out.new" "$out"
}

limits="--constraints requirements/constraints.txt"
compile run $limits
same="$limits --constraints requirements/run.txt"
compile video $same --extra video
compile train $same --extra train
compile web $same --extra web
compile desktop $same --extra desktop
compile api $same --extra api
compile ray $same --extra ray
compile docs $same --extra docs
compile test $same --extra train --extra web --extra desktop --extra api --extra ray --extra docs --extra dev
