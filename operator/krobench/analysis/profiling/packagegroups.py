"""Groups of Go packages, and which of them a stack is booked on.

A sample is booked on one group, by these rules in this order:

1. *Go's garbage collector*, if any function on the stack is one of the collector's entries
   (``runtime.gcBgMarkWorker``, ``gcAssistAlloc``, ``bgsweep``, …), whichever allocation made it
   work.
2. The group of the function nearest to the leaf whose package is in the table below. Packages
   outside of it (``runtime``, ``strings``, ``reflect``, ``k8s.io/apimachinery``, …) are tools
   of their callers: an allocation in cel-go is a cost of cel-go.
3. *Go's scheduler and runtime*, if all functions are the runtime's own.
4. *other*.
"""

from collections.abc import Mapping
from functools import lru_cache

CEL = "cel-go"
HTTP = "client-go, HTTP and TLS"
ENCODING = "JSON and YAML encoding"
GRAPH = "kro's graph"
RUNTIME = "kro's runtime and controllers"
CONTROLLER_RUNTIME = "controller-runtime"
TELEMETRY = "metrics and logs"
GC = "Go's garbage collector"
SCHEDULER = "Go's scheduler and runtime"
OTHER = "other"

_KRO = "github.com/kubernetes-sigs/kro/"

# The longest prefix counts; a prefix ends at a border of the path.
_PACKAGES: Mapping[str, str] = {
    "github.com/google/cel-go": CEL,
    "github.com/antlr4-go/antlr": CEL,
    "cel.dev/expr": CEL,
    "k8s.io/apiserver/pkg/cel": CEL,
    f"{_KRO}pkg/cel": CEL,
    "k8s.io/client-go": HTTP,
    "net": HTTP,
    "crypto": HTTP,
    "internal/poll": HTTP,
    "golang.org/x/net": HTTP,
    "golang.org/x/crypto": HTTP,
    "vendor/golang.org/x/net": HTTP,
    "vendor/golang.org/x/crypto": HTTP,
    "encoding/json": ENCODING,
    "sigs.k8s.io/json": ENCODING,
    "k8s.io/apimachinery/pkg/util/json": ENCODING,
    "k8s.io/apimachinery/pkg/runtime/serializer": ENCODING,
    "sigs.k8s.io/yaml": ENCODING,
    "go.yaml.in/yaml": ENCODING,
    "gopkg.in/yaml.v2": ENCODING,
    "gopkg.in/yaml.v3": ENCODING,
    "github.com/json-iterator/go": ENCODING,
    "github.com/go-json-experiment/json": ENCODING,
    f"{_KRO}pkg/graph": GRAPH,
    f"{_KRO}pkg/simpleschema": GRAPH,
    f"{_KRO}pkg": RUNTIME,
    f"{_KRO}cmd": RUNTIME,
    f"{_KRO}pkg/metrics": TELEMETRY,
    "sigs.k8s.io/controller-runtime": CONTROLLER_RUNTIME,
    "github.com/prometheus": TELEMETRY,
    "github.com/go-logr": TELEMETRY,
    "go.uber.org/zap": TELEMETRY,
    "k8s.io/klog": TELEMETRY,
}
_COLLECTOR = frozenset(
    f"runtime.{name}"
    for name in (
        "gcBgMarkWorker",
        "gcAssistAlloc",
        "gcStart",
        "gcMarkDone",
        "gcMarkTermination",
        "GC",
        "bgsweep",
        "bgscavenge",
        "deductSweepCredit",
        "wbBufFlush",
        "gcDrain",
        "sweepone",
        "(*sweepLocked).sweep",
    )
)
_GO_RUNTIME = ("runtime", "internal/runtime", "internal/abi", "internal/cpu")


@lru_cache(maxsize=65536)
def group_of(functions: tuple[str, ...]) -> str:
    """Return the group that a stack, from leaf to root, is booked on."""
    if not _COLLECTOR.isdisjoint(functions):
        return GC
    for function in functions:
        group = _group_of_package(package_of(function))
        if group is not None:
            return group
    # Functions of the runtime in assembler have no package, for example memeqbody.
    packages = (package_of(function) for function in functions if "." in function)
    of_runtime = all(_is_below(package, _GO_RUNTIME) for package in packages)
    return SCHEDULER if of_runtime else OTHER


def is_of_a_group(function: str) -> bool:
    """Whether a function's package is in the table."""
    return _group_of_package(package_of(function)) is not None


def package_of(function: str) -> str:
    """Return the package of a function as Go names it.

    ``k8s.io/client-go/rest.(*Request).Do`` is in ``k8s.io/client-go/rest``; dots in the last
    part of a package's path are written as ``%2e``.
    """
    # Type parameters, which follow, may have paths of their own.
    name = function.partition("[")[0]
    folder, slash, last = name.rpartition("/")
    return (folder + slash + last.partition(".")[0]).replace("%2e", ".")


@lru_cache(maxsize=4096)
def _group_of_package(package: str) -> str | None:
    found = [prefix for prefix in _PACKAGES if _is_below(package, (prefix,))]
    return _PACKAGES[max(found, key=len)] if found else None


def _is_below(package: str, prefixes: tuple[str, ...]) -> bool:
    return any(package == prefix or package.startswith(f"{prefix}/") for prefix in prefixes)
