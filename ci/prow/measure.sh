#!/usr/bin/env bash
# Compare the kro in $KRO (a working tree) with the commit that it is based on, in a kind cluster inside of Docker.
# It needs Docker, kind, helm, kubectl, Go and Python 3.11; Prow's kubekins images have the first ones.
# ARTIFACTS is where Prow collects files, BUDGET how long blocks are measured at most.
set -euo pipefail
krobench=$(realpath "$(dirname "$0")/../..")
kro=$(realpath "${KRO:-.}")
artifacts=${ARTIFACTS:-artifacts}
base=${PULL_BASE_SHA:-$(git -C "$kro" merge-base HEAD origin/main)}
work=$(mktemp -d)
cluster=krobench-ab
export KUBECONFIG=$work/kubeconfig
trap 'kind delete cluster --name "$cluster" || true; rm -rf "$work"' EXIT

image_of() { # DIRECTORY TAG: build kro's controller with pprof, as its debug images have it
  mkdir -p "$work/$2"
  (cd "$1" && CGO_ENABLED=0 go build -trimpath -tags pprof -o "$work/$2/controller" ./cmd/controller)
  printf 'FROM scratch\nCOPY controller /ko-app/controller\nENTRYPOINT ["/ko-app/controller"]\n' > "$work/$2/Dockerfile"
  docker build --quiet --tag "kro.local/kro:$2" "$work/$2" >/dev/null
  kind load docker-image --name "$cluster" "kro.local/kro:$2"
}

kind create cluster --name "$cluster" --kubeconfig "$KUBECONFIG" --wait 120s
git -C "$kro" worktree add --detach "$work/base" "$base"
image_of "$work/base" old
image_of "$kro" new
helm upgrade --install kro "$work/base/helm" --namespace kro-system --create-namespace \
  --set image.repository=kro.local/kro --set image.tag=old --wait --timeout 180s
git -C "$kro" worktree remove --force "$work/base"

docker build --quiet --tag krobench.local/krobench:ab "$krobench" >/dev/null
kind load docker-image --name "$cluster" krobench.local/krobench:ab
helm upgrade --install krobench "$krobench/helm/krobench" --namespace krobench-system --create-namespace \
  --set image.repository=krobench.local/krobench --set image.tag=ab --set image.pullPolicy=IfNotPresent \
  --set variants.enabled=true --wait --timeout 180s

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "$krobench[cli]"
"$work/venv/bin/krobench" ab --old kro.local/kro:old --new kro.local/kro:new \
  --budget "${BUDGET:-15m}" --artifacts "$artifacts"
