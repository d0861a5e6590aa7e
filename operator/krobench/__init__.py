"""krobench measures how kro performs and scales, inside the cluster where kro runs."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("krobench")
except PackageNotFoundError:  # running from a source tree that was never installed
    __version__ = "0.0.0+source"
