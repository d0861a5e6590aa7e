"""A second state directory never takes a running cluster for leftovers."""

from pathlib import Path

import pytest

from testbed import ownership
from testbed.errors import SetupError
from testbed.paths import State


@pytest.fixture
def owner_file(tmp_path: Path) -> Path:
    owner = State(tmp_path / "owner")
    owner.pki.mkdir(parents=True)
    file = tmp_path / "file"
    file.write_text(str(owner.root))
    return file


def test_another_directory_is_refused(owner_file: Path, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="has its state in"):
        ownership.check(owner_file, State(tmp_path / "other"))


def test_the_owner_may_go_on(owner_file: Path, tmp_path: Path) -> None:
    ownership.check(owner_file, State(tmp_path / "owner"))


def test_a_cluster_that_is_gone_owns_nothing(owner_file: Path, tmp_path: Path) -> None:
    State(tmp_path / "owner").pki.rmdir()
    ownership.check(owner_file, State(tmp_path / "other"))


def test_without_an_owner_anyone_may_start(tmp_path: Path) -> None:
    ownership.check(tmp_path / "missing", State(tmp_path / "other"))
