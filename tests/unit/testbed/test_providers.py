"""The commands of the providers that need other tools, as they would be run."""

from pathlib import Path

import pytest

from testbed import cli, shell
from testbed.providers.existing import names_a_registry


@pytest.fixture
def inputs(tmp_path: Path) -> list[str]:
    wheel, requirements = tmp_path / "x.whl", tmp_path / "requirements.lock"
    wheel.write_bytes(b"wheel")
    requirements.write_text("kopf==1\n")
    return [f"--wheel={wheel}", f"--requirements={requirements}"]


def render(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert cli.main(["render", *arguments, "--state-dir=/state"]) == 0
    return capsys.readouterr().out.splitlines()


def failure(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main(arguments) == 1
    return capsys.readouterr().err


def test_kind_up(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("up", "--provider=kind", "--kro-version=v0.9.3", "--kro-set=a.b=c")
    create, install = render(capsys, *arguments)
    assert create == (
        "kind create cluster --name=krobench --kubeconfig=/state/kind.kubeconfig --wait=120s"
    )
    assert install == (
        "helm upgrade --install kro oci://registry.k8s.io/kro/charts/kro --version=0.9.3 "
        "--namespace=kro-system --create-namespace --kubeconfig=/state/kind.kubeconfig "
        "--set=debug.pprof.enabled=true --set=a.b=c --wait --timeout=180s"
    )


def test_kind_without_kro_is_only_the_cluster(capsys: pytest.CaptureFixture[str]) -> None:
    commands = render(capsys, "up", "--provider=kind", "--no-kro")
    assert [command.split()[0] for command in commands] == ["kind"]


def test_kind_image_has_a_tag_of_its_content(
    capsys: pytest.CaptureFixture[str], inputs: list[str]
) -> None:
    arguments = ("image", "--provider=kind", "--name=krobench:dev", *inputs)
    build, load = render(capsys, *arguments)
    reference = load.split()[-1]
    assert reference.startswith("krobench:dev-")
    assert build.startswith(f"docker build --tag={reference} ")
    assert load == f"kind load docker-image --name=krobench {reference}"
    Path(inputs[0].partition("=")[2]).write_bytes(b"another wheel")
    assert render(capsys, *arguments)[1] != load


def test_kind_down(capsys: pytest.CaptureFixture[str]) -> None:
    assert render(capsys, "down", "--provider=kind") == [
        "kind delete cluster --name=krobench --kubeconfig=/state/kind.kubeconfig"
    ]


def test_existing_changes_nothing_unasked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/my/config:/other")
    ready = "kubectl --kubeconfig=/my/config get --raw=/readyz"
    assert render(capsys, "up", "--provider=existing") == [ready]
    assert render(capsys, "down", "--provider=existing") == []
    asked = render(capsys, "up", "--provider=existing", "--install-kro")
    assert asked[0] == ready
    assert asked[1].startswith("helm upgrade --install kro oci://")


def test_existing_pushes_to_a_named_registry(
    capsys: pytest.CaptureFixture[str], inputs: list[str]
) -> None:
    name = "--name=registry.example/team/krobench:dev"
    build, push = render(capsys, "image", "--provider=existing", name, *inputs)
    reference = push.removeprefix("docker push ")
    assert reference.startswith("registry.example/team/krobench:dev-")
    assert build.startswith(f"docker build --tag={reference} ")


def test_existing_needs_a_registry(capsys: pytest.CaptureFixture[str], inputs: list[str]) -> None:
    arguments = ["render", "image", "--provider=existing", "--name=krobench:dev", *inputs]
    assert failure(capsys, *arguments).startswith("testbed: image krobench:dev has no registry")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("krobench:dev", False),
        ("team/krobench:dev", False),
        ("localhost/krobench", True),
        ("host:5000/krobench", True),
        ("registry.example/krobench", True),
    ],
)
def test_names_of_registries(name: str, expected: bool) -> None:
    assert names_a_registry(name) is expected


def test_missing_tools_are_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shell, "which", lambda _: None)
    message = failure(capsys, "up", "--provider=kind")
    assert message == "testbed: not on PATH, but needed for this provider: helm, kind\n"


def test_unknown_providers_are_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROVIDER", "minikube")
    assert "unknown provider minikube: use one of testbed" in failure(capsys, "status")


def test_the_test_bed_has_nothing_to_render(capsys: pytest.CaptureFixture[str]) -> None:
    message = failure(capsys, "render", "up", "--provider=testbed")
    assert message.startswith("testbed: nothing to render for the provider testbed")


def test_missing_values_files_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    message = failure(capsys, "render", "up", "--provider=kind", "--kro-values=/nowhere.yaml")
    assert message == "testbed: values file /nowhere.yaml not found\n"


def test_kubeconfig_follows_the_state_directory(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["kubeconfig", "--provider=testbed", "--state-dir=/state"]) == 0
    assert capsys.readouterr().out == "/state/kubeconfig\n"


def test_other_clusters_pull_another_kro_themselves(capsys: pytest.CaptureFixture[str]) -> None:
    assert "other clusters pull its image" in failure(
        capsys, "kro-image", "0.9.3", "--provider=kind"
    )
