import pytest

from krobench.job.kro import rollout


@pytest.fixture(autouse=True)
def quick_rollouts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollout, "_POLL_SECONDS", 0.001)
    monkeypatch.setattr(rollout, "_FAILING_SECONDS", 0.01)
