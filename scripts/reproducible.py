"""Builds the test bed's image twice, each time from nothing, and compares the digests.

Needs root and some minutes, as the test bed does. Packages that apt and pip have downloaded before
are used again; everything made of them is made again.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from testbed.image import ImageRequest, build
from testbed.paths import Cache

ROOT = Path(__file__).parents[1]


def main() -> int:
    digests = [_digest(), _digest()]
    print("\n".join(digests))  # noqa: T201 - the answer
    return int(digests[0] != digests[1])


def _digest() -> str:
    """The digest of an image that shares nothing with another one."""
    with tempfile.TemporaryDirectory(prefix="reproducible-") as directory:
        draft = Path(directory)
        cache = Cache(draft / "cache")
        for needed in (cache.images, cache.locks):
            needed.mkdir(parents=True)
        command = [sys.executable, "-m", "hatchling", "build", "--target=wheel"]
        subprocess.run([*command, f"--directory={draft}"], cwd=ROOT, check=True, stdout=sys.stderr)
        [wheel] = draft.glob("*.whl")
        request = ImageRequest(wheel, ROOT / "requirements.lock", "krobench")
        image = build(cache, request, draft)
        for layer in image.layers:
            print(layer.archive.name, layer.digest, file=sys.stderr)  # noqa: T201 - progress
        return image.digest()


if __name__ == "__main__":
    sys.exit(main())
