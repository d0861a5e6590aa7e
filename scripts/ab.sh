#!/usr/bin/env bash
# Compare two kros on the embedded test bed, which must run with krobench on it.
# OLD and NEW are each a version, a directory with kro's source, DIRECTORY@REVISION, or an image that the
# cluster has. BUDGET, EFFECT and ARTIFACTS are those of krobench ab.
set -euo pipefail
cd "$(dirname "$0")/.."

testbed=(.venv/bin/python -m testbed)

image_of() {
  local directory=${1%@*}
  if [ -d "$1" ]; then
    "${testbed[@]}" kro-image --source "$1"
  elif [ "$directory" != "$1" ] && [ -d "$directory" ]; then
    "${testbed[@]}" kro-image --source "$directory" --commit "${1##*@}"
  elif [[ $1 =~ ^v?[0-9]+\.[0-9]+\.[0-9]+ ]]; then
    "${testbed[@]}" kro-image "$1"
  else
    echo "$1"
  fi
}

old=$(image_of "${OLD:?set OLD, such as OLD=0.9.4}")
new=$(image_of "${NEW:?set NEW, such as NEW=../kro}")
KUBECONFIG=$("${testbed[@]}" kubeconfig)
export KUBECONFIG
artifacts=${ARTIFACTS:-artifacts}
mkdir -p "$artifacts"
code=0
.venv/bin/krobench ab --old "$old" --new "$new" --artifacts "$artifacts" \
  --budget "${BUDGET:-20m}" --effect "${EFFECT:-10%}" || code=$?
# For callers of make, which ends with 2 whatever a command ended with.
echo "$code" > "$artifacts/exit-code"
exit "$code"
