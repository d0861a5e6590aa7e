import pytest

from krobench.analysis.profiling.packagegroups import (
    CEL,
    CONTROLLER_RUNTIME,
    ENCODING,
    GC,
    GRAPH,
    HTTP,
    OTHER,
    RUNTIME,
    SCHEDULER,
    TELEMETRY,
    group_of,
    package_of,
)

MANAGER = "sigs.k8s.io/controller-runtime/pkg/internal/controller.(*Controller).Start"
KRO = "github.com/kubernetes-sigs/kro/pkg"


@pytest.mark.parametrize(
    ("function", "package"),
    [
        ("runtime.mallocgc", "runtime"),
        ("k8s.io/client-go/rest.(*Request).Do", "k8s.io/client-go/rest"),
        ("net/http.(*persistConn).readLoop.func2", "net/http"),
        ("gopkg.in/yaml%2ev3.(*Decoder).Decode", "gopkg.in/yaml.v3"),
        ("slices.SortFunc[go.shape.[]k8s.io/client-go/rest.X,go.shape.int]", "slices"),
        ("sync/atomic.(*Pointer[go.shape.struct { a/b.c int }]).Load", "sync/atomic"),
        ("main.main", "main"),
        ("_cgo_wait", "_cgo_wait"),
    ],
)
def test_the_package_of_a_function(function: str, package: str) -> None:
    assert package_of(function) == package


@pytest.mark.parametrize(
    ("stack", "group"),
    [
        # The runtime and plain libraries work for their callers.
        ("runtime.mallocgc < strings.Clone < github.com/google/cel-go/interpreter.Eval", CEL),
        (f"runtime.memmove < {KRO}/cel.(*Expression).Eval < {KRO}/runtime.(*Node).Resolve", CEL),
        (f"reflect.Value.Field < {KRO}/runtime.(*Node).Resolve", RUNTIME),
        # The nearest to the leaf counts, not the root, where a controller always is.
        (
            f"github.com/google/cel-go/checker.Check < {KRO}/graph.(*Builder).Build < {MANAGER}",
            CEL,
        ),
        (f"{KRO}/graph/dag.Sort < {KRO}/controller/resourcegraphdefinition.Reconcile", GRAPH),
        ("encoding/json.Unmarshal < k8s.io/client-go/rest.Result.Into", ENCODING),
        ("internal/runtime/syscall.Syscall6 < internal/poll.(*FD).Write < net.(*conn).Write", HTTP),
        ("crypto/tls.(*Conn).Write < net/http.(*persistConn).writeLoop", HTTP),
        ("sigs.k8s.io/controller-runtime/pkg/cache.Get < runtime.goexit", CONTROLLER_RUNTIME),
        (f"{KRO}/metrics.Observe < {KRO}/cel.Eval", TELEMETRY),
        (f"{KRO}/dynamiccontroller.(*C).run < runtime.goexit", RUNTIME),
        # The collector's work is its own, whoever's allocation made it work.
        ("runtime.scanobject < runtime.gcDrain < runtime.gcBgMarkWorker", GC),
        ("runtime.gcAssistAlloc < runtime.mallocgc < github.com/google/cel-go/x.F", GC),
        ("runtime.futex < runtime.findRunnable < runtime.schedule < runtime.mcall", SCHEDULER),
        ("internal/runtime/maps.Iter < runtime.goexit", SCHEDULER),
        ("memeqbody < runtime.findRunnable < runtime.mcall", SCHEDULER),
        ("netherlands.F < main.main", OTHER),
        ("k8s.io/apimachinery/pkg/runtime.DeepCopyJSON < main.main", OTHER),
        ("github.com/google/cel-gone/x.F < main.main", OTHER),
    ],
)
def test_a_stack_is_booked_on_one_group(stack: str, group: str) -> None:
    assert group_of(tuple(stack.split(" < "))) == group
