#!/usr/bin/env bash
# Build krobench's image, load it into the cluster and install the chart.
# Environment: PROVIDER (testbed, kind, existing), IMAGE (image to build and push, for existing),
# BUILD=no (use IMAGE as it is).
set -euo pipefail
cd "$(dirname "$0")/.."

python=.venv/bin/python
testbed=("$python" -m testbed)
namespace=krobench-system

if [ "${BUILD:-yes}" = no ]; then
  image=${IMAGE:?names the image to use, because BUILD=no}
else
  echo "==> building the wheel (a few seconds)" >&2
  rm -rf dist
  "$python" -m hatchling build --target wheel >/dev/null
  wheel=$(echo dist/*.whl)

  echo "==> building the image (about 2 minutes the first time, then seconds)" >&2
  image=$("${testbed[@]}" image --wheel "$wheel" --requirements requirements.lock ${IMAGE:+--name "$IMAGE"} | tail -n 1)
fi

echo "==> installing the chart with image $image (about 15 seconds)" >&2
KUBECONFIG=$("${testbed[@]}" kubeconfig)
export KUBECONFIG
helm=$("${testbed[@]}" tool helm)
# Variants change kro's Deployment: allow them only in clusters that were created for tests.
# URLs are those of the embedded cluster's etcd, of a server that tests start, and of the documents.
urls=http://10.87.0.1:2381,http://10.87.0.1:19090,http://prometheus.monitoring:9090,http://10.0.0.1:2381
gates=(--set variants.enabled=true --set load.ballast=true --set load.cloud=true --set "collect.allowedUrls={$urls}"
  --set "webhooks.allowedUrls={https://events.example.com}")
[ "${PROVIDER:-}" = existing ] && gates=()
"$helm" upgrade --install krobench helm/krobench \
  --namespace "$namespace" --create-namespace \
  --set "image.repository=${image%:*}" --set "image.tag=${image##*:}" --set image.pullPolicy=IfNotPresent \
  "${gates[@]}" \
  --wait --timeout 180s >/dev/null
echo "==> krobench is running in namespace $namespace" >&2
