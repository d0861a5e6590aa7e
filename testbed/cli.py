"""The command line. Results go to stdout, progress and errors to stderr."""

import argparse
import json
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path

from testbed import build, providers, shell, versions
from testbed.errors import SetupError
from testbed.image import ImageRequest
from testbed.krosource import Commit, KroSource, Release, WorkingTree
from testbed.paths import Cache, State, default_cache_dir, default_state_dir
from testbed.providers.base import Provider, UpRequest
from testbed.providers.existing import ExistingProvider
from testbed.providers.kind import KindProvider
from testbed.providers.testbed import TestbedProvider
from testbed.settings import ClusterSettings, KroSettings, Ports
from testbed.steps import say

_DEFAULT_IMAGE = "registry.local/krobench:dev"
_TOOLS = {"helm": build.HELM, "kubectl": build.KUBERNETES, "ctr": build.CONTAINERD}


def main(arguments: Sequence[str]) -> int:
    """Run one command; the exit code is 0 for success."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except SetupError as error:
        say(f"testbed: {error}")
        return 1
    except KeyboardInterrupt:
        say("testbed: interrupted")
        return 130


def _answer(text: object) -> None:
    sys.stdout.write(f"{text}\n")


def _up(options: argparse.Namespace) -> int:
    provider = _provider(options)
    provider.up(_up_request(options))
    say("export KUBECONFIG to use the cluster:")
    _answer(f"KUBECONFIG={provider.kubeconfig()}")
    return 0


def _down(options: argparse.Namespace) -> int:
    _provider(options).down()
    return 0


def _status(options: argparse.Namespace) -> int:
    report = _provider(options).status()
    _answer(json.dumps(report.data, indent=1) if options.json else report.text)
    return 0 if report.healthy else 1


def _kubeconfig(options: argparse.Namespace) -> int:
    _answer(_provider(options).kubeconfig())
    return 0


def _image(options: argparse.Namespace) -> int:
    _answer(_provider(options).image(_image_request(options)))
    return 0


def _kro_image(options: argparse.Namespace) -> int:
    """Make the image of another kro available, as for a variant with that image."""
    provider = _provider(options)
    if not isinstance(provider, TestbedProvider):
        raise SetupError("only the provider testbed builds kro: other clusters pull its image")
    if options.kro_version is options.kro_source is options.kro_commit is None:
        raise SetupError("which kro? Give a version, or the directory of its source")
    _answer(provider.kro_image(_kro_source(options)))
    return 0


def _tool(options: argparse.Namespace) -> int:
    """Print a tool's path; a kubectl of the machine's own is preferred."""
    if options.tool == "kubectl" and shell.is_installed("kubectl"):
        _answer(shell.which("kubectl"))
        return 0
    _answer(_TOOLS[options.tool].ensure(Cache(default_cache_dir())) / options.tool)
    return 0


def _render(options: argparse.Namespace) -> int:
    provider = _provider(options)
    if not isinstance(provider, KindProvider | ExistingProvider):
        raise SetupError("nothing to render for the provider testbed: use kind or existing")
    stages = {
        "up": lambda: provider.up_commands(_up_request(options)),
        "image": lambda: provider.image_commands(_image_request(options)),
        "down": provider.down_commands,
    }
    for command in stages[options.stage]():
        _answer(shlex.join(command))
    return 0


def _provider(options: argparse.Namespace) -> Provider:
    name = options.provider or providers.default_name()
    if name not in providers.NAMES:
        raise SetupError(f"unknown provider {name}: use one of {', '.join(providers.NAMES)}")
    return providers.create(name, Cache(default_cache_dir()), State(options.state_dir.absolute()))


def _up_request(options: argparse.Namespace) -> UpRequest:
    ports = Ports(**{field.name: getattr(options, f"{field.name}_port") for field in fields(Ports)})
    kro = KroSettings(
        source=_kro_source(options),
        values_files=tuple(_existing_file(path) for path in options.kro_values),
        value_overrides=tuple(options.kro_set),
    )
    cluster = ClusterSettings(ports, options.audit_log, _kubernetes_version(options))
    return UpRequest(cluster, None if options.no_kro else kro, options.install_kro)


def _kubernetes_version(options: argparse.Namespace) -> str:
    version: str = options.kubernetes_version.removeprefix("v")
    if not re.fullmatch(r"1\.\d+\.\d+", version):
        raise SetupError(
            f"{options.kubernetes_version} is not a version of Kubernetes, such as "
            f"{versions.KUBERNETES}"
        )
    return version


def _kro_source(options: argparse.Namespace) -> KroSource:
    directory: Path | None = options.kro_source
    if directory is None:
        if options.kro_commit is not None:
            raise SetupError("a commit of which repository? Give its directory, too")
        return Release((options.kro_version or versions.KRO).removeprefix("v"))
    if options.kro_version is not None:
        raise SetupError("give a version of kro or the directory of its source, not both")
    if not directory.is_dir():
        raise SetupError(f"directory {directory} not found")
    if options.kro_commit is not None:
        return Commit(directory.absolute(), options.kro_commit)
    return WorkingTree(directory.absolute())


def _image_request(options: argparse.Namespace) -> ImageRequest:
    return ImageRequest(options.wheel, options.requirements, options.name)


def _existing_file(path: Path) -> Path:
    if not path.is_file():
        raise SetupError(f"values file {path} not found")
    return path.absolute()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m testbed", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(
        name: str, command: Callable[[argparse.Namespace], int], text: str
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(command=command)
        return added

    up = add("up", _up, "start the cluster and install kro; does only what is missing")
    down = add("down", _down, "stop the cluster and remove everything but caches and logs")
    status = add("status", _status, "show what is running; exit code 0 if everything is")
    status.add_argument("--json", action="store_true", help="print JSON")
    kubeconfig = add("kubeconfig", _kubeconfig, "print the path of the kubeconfig")
    image = add("image", _image, "build the operator's image and load it into the cluster")
    kro_image = add(
        "kro-image", _kro_image, "build another kro and load its image into the cluster"
    )
    kro_image.add_argument("kro_version", nargs="?", metavar="VERSION", help="such as 0.9.3")
    _add_kro_source(kro_image, prefix="")
    render = add("render", _render, "print the commands that another provider would run")
    render.add_argument("stage", choices=("up", "image", "down"), nargs="?", default="up")
    tool = add("tool", _tool, "print the path of a program that belongs to the test bed")
    tool.add_argument("tool", choices=sorted(_TOOLS))
    for command in (up, down, status, kubeconfig, image, kro_image, render):
        _add_common_options(command)
    for command in (up, render):
        _add_up_options(command)
    for command in (image, render):
        _add_image_options(command)
    return parser


def _add_common_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--provider", help="testbed, kind or existing (default: $PROVIDER)")
    parser.add_argument(
        "--state-dir",
        type=Path,
        default=default_state_dir(),
        help="where the cluster's files are (default: $KROBENCH_STATE or %(default)s)",
    )


def _add_kro_source(parser: argparse.ArgumentParser, prefix: str) -> None:
    parser.add_argument(
        f"--{prefix}source",
        dest="kro_source",
        type=Path,
        metavar="DIR",
        help="build kro from this working tree, as it is now",
    )
    parser.add_argument(
        f"--{prefix}commit",
        dest="kro_commit",
        metavar="REVISION",
        help="build what the repository in DIR holds at a commit, a branch or a tag",
    )


def _add_up_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--kubernetes-version",
        default=versions.KUBERNETES,
        metavar="VERSION",
        help="provider testbed: default: %(default)s; another one is built in about 10 minutes",
    )
    parser.add_argument("--kro-version", help=f"default: {versions.KRO}")
    _add_kro_source(parser, prefix="kro-")
    parser.add_argument(
        "--kro-values", type=Path, action="append", default=[], help="a Helm values file for kro"
    )
    parser.add_argument(
        "--kro-set", action="append", default=[], metavar="A.B=C", help="a Helm value for kro"
    )
    parser.add_argument(
        "--no-kro",
        action="store_true",
        help="do not install kro; uninstall it if we did",
    )
    parser.add_argument(
        "--install-kro", action="store_true", help="provider existing: install kro there"
    )
    parser.add_argument("--audit-log", action="store_true", help="write an audit log")
    for field in fields(Ports):
        option = f"--{field.name.replace('_', '-')}-port"
        parser.add_argument(option, type=int, default=field.default, help="default: %(default)s")


def _add_image_options(parser: argparse.ArgumentParser) -> None:
    dist = Path("dist/krobench.whl")
    parser.add_argument("--wheel", type=Path, default=dist, help="the operator's wheel")
    parser.add_argument("--requirements", type=Path, default=Path("requirements.lock"))
    parser.add_argument("--name", default=_DEFAULT_IMAGE, help="default: %(default)s")
