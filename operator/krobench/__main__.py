"""``python -m krobench``."""

from krobench.cli.main import main

main()
