"""Kernel settings that the cluster's components change, kept so that they can be put back."""

import json
from contextlib import suppress
from pathlib import Path

_SETTINGS = (
    "net/ipv4/ip_forward",
    "net/ipv4/conf/all/route_localnet",
    "net/bridge/bridge-nf-call-iptables",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)
_REQUIRED = {"net/ipv4/ip_forward": "1", "net/bridge/bridge-nf-call-iptables": "1"}
_SYSCTL = Path("/proc/sys")


def prepare(baseline: Path) -> None:
    """Record the present settings, then set what pods and services need."""
    values = {
        name: (_SYSCTL / name).read_text().strip()
        for name in _SETTINGS
        if (_SYSCTL / name).exists()
    }
    baseline.write_text(json.dumps(values, indent=1))
    for name, value in _REQUIRED.items():
        _write(name, value)


def restore(baseline: Path) -> None:
    """Put back what was recorded, once."""
    if not baseline.exists():
        return
    with suppress(ValueError):
        for name, value in json.loads(baseline.read_text()).items():
            _write(name, value)
    baseline.unlink()


def _write(name: str, value: str) -> None:
    # Some settings are read-only in containers; those are the outer machine's business.
    with suppress(OSError):
        (_SYSCTL / name).write_text(value)
