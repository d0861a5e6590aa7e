"""kros with a known slow-down: the source of a release, with a patch that is written here.

The patch is where kro's dynamic controller calls the handler of an instance, so that it concerns
each reconcile of an instance and nothing else.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from testbed.krosource import Release, WorkingTree

_PACKAGE = Path("pkg/dynamiccontroller")
_CONTROLLER = _PACKAGE / "dynamic_controller.go"
_CALL = "err = handler(ctx, ctrl.Request{NamespacedName: oi.NamespacedName})"
_PATCHED = f"planted := plant()\n\t{_CALL}\n\tplanted()"
_PLANTED = _PACKAGE / "planted.go"
_GO = """\
package dynamiccontroller

import (
\t"runtime/metrics"
\t"time"
)

// Shares of what a reconcile takes, which it takes in addition.
const (
\tsleeps    = %s
\tallocates = %s
)

const chunk = 1024

var kept []byte

// plant begins a reconcile, and returns what ends it.
func plant() func() {
\tbegan, before := time.Now(), allocated()
\treturn func() {
\t\tadditional := allocates * float64(allocated()-before)
\t\tfor ; additional > 0; additional -= chunk {
\t\t\tkept = make([]byte, chunk)
\t\t}
\t\tif sleeps > 0 {
\t\t\ttime.Sleep(time.Duration(sleeps * float64(time.Since(began))))
\t\t}
\t}
}

func allocated() uint64 {
\tsample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
\tmetrics.Read(sample)
\treturn sample[0].Value.Uint64()
}
"""


@dataclass(frozen=True)
class Planted:
    """What each reconcile of an instance does in addition, as shares of what it does anyway."""

    sleeps: float = 0.0
    """Of its time: it sleeps for it."""
    allocates: float = 0.0
    """Of the bytes that it allocates; those of what runs beside it count, too."""

    def source(self, release: Release, directory: Path) -> WorkingTree:
        """Write the patched source to a directory, which is emptied first.

        Raises:
            SetupError: if the release cannot be downloaded.
            LookupError: if it has not the line that is patched.
        """
        shutil.rmtree(directory, ignore_errors=True)
        with release.checkout() as original:
            # Go's module cache is read-only.
            shutil.copytree(original, directory, copy_function=shutil.copyfile)
        for each in (directory, *directory.rglob("*")):
            if each.is_dir():
                each.chmod(0o755)
        controller = directory / _CONTROLLER
        text = controller.read_text()
        if text.count(_CALL) != 1:
            raise LookupError(f"kro {release.version}: {_CONTROLLER} has not one line {_CALL}")
        controller.write_text(text.replace(_CALL, _PATCHED))
        (directory / _PLANTED).write_text(_GO % (float(self.sleeps), float(self.allocates)))
        return WorkingTree(directory)
