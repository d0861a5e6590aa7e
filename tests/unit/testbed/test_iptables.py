import pytest

from testbed import iptables, shell


def test_a_machine_without_iptables_has_no_rules_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "is_installed", lambda program: False)
    assert not iptables.rules_left()
    iptables.remove_rules()


def test_only_our_chains_are_removed_with_the_jumps_to_them() -> None:
    saved = (
        "*nat\n:PREROUTING ACCEPT [0:0]\n:KUBE-SERVICES - [0:0]\n:MINE - [0:0]\n"
        "-A PREROUTING -j KUBE-SERVICES\n-A PREROUTING -j MINE\nCOMMIT\n"
    )
    script = iptables.removal_script(saved)
    assert "-D PREROUTING -j KUBE-SERVICES" in script
    assert "-X KUBE-SERVICES" in script
    assert "MINE" not in script
