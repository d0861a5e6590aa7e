#!/usr/bin/env bash
# Build krobench's image, hand it to the cluster, and install the chart.
# Environment: PROVIDER (testbed, kind, existing), IMAGE (name to build and push, for existing).
set -euo pipefail
cd "$(dirname "$0")/.."

python=.venv/bin/python
testbed=("$python" -m testbed)
namespace=krobench-system

echo "==> building the wheel (a few seconds)" >&2
rm -rf dist
"$python" -m hatchling build --target wheel >/dev/null
wheel=$(echo dist/*.whl)

echo "==> building the image (first time about 2 minutes, then seconds)" >&2
image=$("${testbed[@]}" image --wheel "$wheel" --requirements requirements.lock ${IMAGE:+--name "$IMAGE"} | tail -n 1)

echo "==> installing the chart with image $image (about 15 seconds)" >&2
KUBECONFIG=$("${testbed[@]}" kubeconfig)
export KUBECONFIG
helm=$("${testbed[@]}" tool helm)
# Variants of kro are measured on clusters that are made for it, and on others only when asked.
variants=true
[ "${PROVIDER:-}" = existing ] && variants=false
"$helm" upgrade --install krobench helm/krobench \
  --namespace "$namespace" --create-namespace \
  --set "image.repository=${image%:*}" --set "image.tag=${image##*:}" --set image.pullPolicy=IfNotPresent \
  --set "variants.enabled=$variants" \
  --wait --timeout 180s >/dev/null
echo "==> krobench runs in namespace $namespace" >&2
