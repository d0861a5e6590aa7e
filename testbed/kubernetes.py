"""The source of Kubernetes in any version: one program with all components.

For the version that the test bed uses by itself, the checksums of all modules are in the
repository. For others, Go takes them from its checksum database as it builds.
"""

import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testbed import shell, versions
from testbed.errors import SetupError
from testbed.paths import SOURCE_DIR

SOURCE = SOURCE_DIR / "go" / "control-plane"
_MODULE = "k8s.io/kubernetes"
_STAGING = re.compile(r"^\s*(k8s\.io/[a-z0-9-]+) (?:=> \./staging|v0\.0\.0$)", re.MULTILINE)
_KUBELET = "kubelet.NewKubeletCommand(context.Background())"
_ANY_KUBELET = """\
package main

import (
\t"context"

\t"github.com/spf13/cobra"
)

// newKubelet calls what makes the kubelet's command, which takes a context since 1.34.
func newKubelet(make any) *cobra.Command {
\tif withoutContext, ok := make.(func() *cobra.Command); ok {
\t\treturn withoutContext()
\t}
\treturn make.(func(context.Context) *cobra.Command)(context.Background())
}
"""


@contextmanager
def source(version: str) -> Iterator[Path]:
    """Give the directory of the program's source, for as long as the context lasts.

    Raises:
        SetupError: if there is no such version, or a module that it needs is missing.
    """
    if version == versions.KUBERNETES:
        yield SOURCE
        return
    with tempfile.TemporaryDirectory(prefix="krobench-kubernetes-") as name:
        directory = Path(name)
        text = (SOURCE / "main.go").read_text()
        if text.count(_KUBELET) != 1:
            raise LookupError(f"{SOURCE / 'main.go'} has not one call {_KUBELET}")
        text = text.replace(_KUBELET, "newKubelet(kubelet.NewKubeletCommand)")
        (directory / "main.go").write_text(text.replace('\t"context"\n', ""))
        (directory / "kubelet.go").write_text(_ANY_KUBELET)
        (directory / "go.mod").write_text(go_mod(version, _go_mod_of(version)))
        shell.run(["go", "mod", "tidy"], cwd=directory, env={"GOFLAGS": "-mod=mod"})
        yield directory


def go_mod(version: str, of_kubernetes: str) -> str:
    """Return the module file of a program with this version, given that of Kubernetes.

    Kubernetes takes the modules of its staging directory from there; other modules need releases.
    """
    staging = f"v0.{version.partition('.')[2]}"
    names = sorted({each for each in _STAGING.findall(of_kubernetes) if each != _MODULE})
    go = ".".join(map(str, versions.MINIMUM_GO))
    lines = [f"replace {name} => {name} {staging}" for name in names]
    head = (f"module {SOURCE.name}", f"go {go}", f"require {_MODULE} v{version}")
    return "\n\n".join([*head, *lines]) + "\n"


def _go_mod_of(version: str) -> str:
    command = ["go", "mod", "download", "-json", f"{_MODULE}@v{version}"]
    try:
        answer = json.loads(shell.run(command, cwd=Path("/")))
    except SetupError as error:
        raise SetupError(f"Kubernetes {version} cannot be downloaded: {error}") from error
    return Path(answer["GoMod"]).read_text()
