"""Removal of the packet filter rules that kube-proxy, the kubelet and the CNI plugins add.

The rules of others stay. Ours are the chains ``KUBE-*`` (a second kubelet on the machine
would have been refused) and those ``CNI-*`` chains that a rule of our own pod network jumps
to.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from testbed import shell
from testbed.settings import CNI_NETWORK

_FAMILIES = (("iptables-save", "iptables-restore"), ("ip6tables-save", "ip6tables-restore"))
_JUMP = re.compile(r"(?:-j|-g) (\S+)")
_CNI_COMMENT = f'name: \\"{CNI_NETWORK}\\"'


@dataclass(frozen=True)
class _Table:
    name: str
    chains: Sequence[str]
    rules: Sequence[str]


def remove_rules() -> None:
    """Remove our rules and chains from every table of both address families."""
    for save, restore in _FAMILIES:
        script = removal_script(_saved(save))
        if script:
            shell.run([restore, "--noflush", "--wait", "5"], stdin=script)


def rules_left() -> bool:
    """Whether any of our rules or chains exist."""
    return any(removal_script(_saved(save)) for save, _ in _FAMILIES)


def _saved(save: str) -> str:
    """All rules of a family; none where the program that could have made ours is missing."""
    return shell.run([save]) if shell.is_installed(save) else ""


def removal_script(saved: str) -> str:
    """Input for ``iptables-restore --noflush`` that removes ours from what was saved."""
    return "".join(_table_script(table) for table in _tables(saved))


def _tables(saved: str) -> Iterator[_Table]:
    name, chains, rules = "", list[str](), list[str]()
    for line in saved.splitlines():
        if line.startswith("*"):
            name, chains, rules = line[1:], [], []
        elif line.startswith(":"):
            chains.append(line[1:].split()[0])
        elif line.startswith("-A "):
            rules.append(line[3:])
        elif line == "COMMIT":
            yield _Table(name, chains, rules)


def _table_script(table: _Table) -> str:
    ours = _own_chains(table)
    if not ours:
        return ""
    jumps = [
        f"-D {rule}"
        for rule in table.rules
        if rule.split()[0] not in ours and _target(rule) in ours
    ]
    flushes = [f"-F {chain}" for chain in ours]
    deletions = [f"-X {chain}" for chain in ours]
    return "\n".join([f"*{table.name}", *jumps, *flushes, *deletions, "COMMIT", ""])


def _own_chains(table: _Table) -> list[str]:
    pod_chains = {_target(rule) for rule in table.rules if _CNI_COMMENT in rule}
    return [
        chain
        for chain in table.chains
        if chain.startswith("KUBE-") or (chain.startswith("CNI-") and chain in pod_chains)
    ]


def _target(rule: str) -> str | None:
    found = _JUMP.search(rule)
    return found.group(1) if found else None
