"""Which state directory this machine's cluster belongs to.

The control group, the bridges and the packet filter rules exist once on a machine. A command
with another state directory would take a running cluster's for leftovers, and remove them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testbed.errors import SetupError
from testbed.locks import exclusive
from testbed.paths import State

_OWNER = Path("/run/krobench-testbed.owner")
_LOCK = Path("/run/lock/krobench-testbed.lock")


@contextmanager
def claimed(state: State) -> Iterator[None]:
    """Be the only one to change the cluster; refuse where it is another directory's."""
    with exclusive(_LOCK):
        check(_OWNER, state)
        yield


def check(owner_file: Path, state: State) -> None:
    """Raise SetupError where a cluster with another state directory is there."""
    if not owner_file.exists():
        return
    owner = State(Path(owner_file.read_text()))
    if owner.root != state.root and owner.pki.exists():
        raise SetupError(
            f"this machine's test bed has its state in {owner.root}: "
            "use --state-dir with that directory, or stop it first"
        )


def take(state: State) -> None:
    """Note that the cluster is this directory's."""
    _OWNER.write_text(str(state.root))


def release() -> None:
    """Note that there is no cluster."""
    _OWNER.unlink(missing_ok=True)
