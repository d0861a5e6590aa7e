#!/usr/bin/env bash
# Install the browser that tests of the page need, where that is possible; without it, they are skipped.
set -euo pipefail

if command -v chromium >/dev/null && command -v chromedriver >/dev/null; then
  exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "==> no Chromium: the tests of the page are skipped; install the packages chromium and chromium-driver" >&2
  exit 0
fi
echo "==> installing Chromium for the tests of the page (about a minute)" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() { DEBIAN_FRONTEND=noninteractive timeout 300 apt-get install -y --no-install-recommends chromium chromium-driver; }
{ install || { timeout 120 apt-get update && install; }; } >"$log" 2>&1 || {
  tail -n 3 "$log" >&2
  echo "==> Chromium could not be installed: the tests of the page are skipped" >&2
}
