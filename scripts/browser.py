"""Install the browser that tests of the page need, if that is possible; else they are skipped."""

import sys

from testbed import packages
from testbed.errors import SetupError


def main() -> None:
    """Install Debian's Chromium and its driver."""
    try:
        packages.install(packages.BROWSER_PACKAGES)
    except SetupError as error:
        print(f"{error}\n==> no Chromium: the tests of the page are skipped", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    main()
