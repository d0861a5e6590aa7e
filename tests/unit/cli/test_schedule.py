from typing import Any

import pytest
from doubles.cluster import MemoryApi

from krobench.cli import schedule
from krobench.cli.errors import CliError

PATH = "/apis/bench.kro.run/v1alpha1/namespaces/team/krobenchmarkschedules/nightly"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> MemoryApi:
    metadata = {"name": "nightly", "namespace": "team"}
    found = MemoryApi({PATH: {"metadata": metadata, "spec": {"suspend": False}, "status": {}}})
    monkeypatch.setattr(schedule, "load_client_config", lambda: None)
    monkeypatch.setattr(schedule, "KubeClient", lambda *_, **__: found)
    return found


def spec(api: MemoryApi) -> dict[str, Any]:
    found: dict[str, Any] = api.objects[PATH]["spec"]
    return found


def test_a_run_is_asked_for_by_a_new_value(api: MemoryApi) -> None:
    schedule.run_once("team/nightly", "default", "a")
    assert spec(api)["runOnce"] == "a"
    with pytest.raises(CliError, match="--value"):
        schedule.run_once("nightly", "team", "a")


def test_suspended_and_resumed(api: MemoryApi) -> None:
    schedule.suspend("nightly", "team")
    assert spec(api)["suspend"] is True
    schedule.resume("nightly", "team")
    assert spec(api)["suspend"] is False


@pytest.mark.parametrize("name", ["other", "a/b/c", "team/"])
def test_a_name_without_a_schedule_is_an_error(api: MemoryApi, name: str) -> None:
    with pytest.raises(CliError):
        schedule.suspend(name, "team")
