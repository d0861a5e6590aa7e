#!/usr/bin/env bash
# From nothing to a report: create a cluster, run a benchmark, print a summary, write its page.
set -euo pipefail
cd "$(dirname "$0")/.."

python=.venv/bin/python
example=manifests/examples/quick.yaml

"$python" -m testbed up >&2
scripts/deploy.sh
KUBECONFIG=$("$python" -m testbed kubeconfig)
export KUBECONFIG

echo "==> running $example (two to three minutes)" >&2
code=0
.venv/bin/krobench run --file "$example" --replace --timeout 15m || code=$?
page=quick-report.html
.venv/bin/krobench report quick --output "$page" && echo "Page:         $PWD/$page"
echo
if [ "$code" -ne 0 ]; then
  echo "The benchmark did not pass. Run kubectl describe krobenchmark quick to see why." >&2
  exit "$code"
fi
echo "Done. 'make kubeconfig' prints the path of the cluster's kubeconfig; 'make down' removes everything." >&2
