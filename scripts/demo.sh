#!/usr/bin/env bash
# The main job, from nothing to a report.
set -euo pipefail
cd "$(dirname "$0")/.."

python=.venv/bin/python
example=manifests/examples/quick.yaml
name=quick

"$python" -m testbed up >&2
scripts/deploy.sh
KUBECONFIG=$("$python" -m testbed kubeconfig)
export KUBECONFIG
kubectl=$("$python" -m testbed tool kubectl)

echo "==> running $example (about 100 seconds; kubectl get krobenchmarks --watch shows the same)" >&2
"$kubectl" delete --ignore-not-found --filename "$example" >&2
"$kubectl" apply --filename "$example" >&2
until finished=$("$kubectl" get krobenchmark "$name" --output 'jsonpath={.status.conditions[?(@.type=="Finished")].status}') &&
  [ "$finished" = True ]; do
  "$kubectl" get krobenchmark "$name" --no-headers >&2
  "$kubectl" wait krobenchmark "$name" --for=condition=Finished --timeout=10s >/dev/null 2>&1 || true
done

echo
.venv/bin/krobench report "$name"
echo
"$kubectl" get krobenchmarks
echo
"$kubectl" wait krobenchmark "$name" --for=condition=Complete --timeout=1s >/dev/null || {
  echo "The benchmark did not complete: kubectl describe krobenchmark $name says why." >&2
  exit 1
}
echo "Done. 'make kubeconfig' prints the cluster's kubeconfig, 'make down' removes everything." >&2
