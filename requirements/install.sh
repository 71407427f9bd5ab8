#!/usr/bin/env bash
# install.sh BIN NAME: put what requirements/NAME.txt pins, and this checkout, into the environment of BIN.
# --no-deps because pip 23.2 refuses pinned extras in hash mode; `pip check` then proves the set complete.
set -euo pipefail
bin=$1 name=$2
pip=("$bin/python" -m pip --disable-pip-version-check --quiet)
echo "installing $(grep -c '^[a-z]' "requirements/$name.txt") pinned packages (a minute, once) ..." >&2
"${pip[@]}" install --no-deps --require-hashes --only-binary :all: -r "requirements/$name.txt"
"${pip[@]}" install --no-deps --no-build-isolation -e .
"${pip[@]}" check >/dev/null || "$bin/python" -m pip check
