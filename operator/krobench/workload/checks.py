"""What is wrong with a user's RGD and its instances, before anything is created."""

from collections.abc import Sequence

from krobench.api.specs.load import Mix, Operation
from krobench.api.specs.suite import Test
from krobench.workload.blueprint import Manifest, WorkloadError
from krobench.workload.instances import changed, shared_child
from krobench.workload.placeholders import Turn, filled
from krobench.workload.source import RgdSet, RgdSource, refs_of, rgds_of

_LOOKED_AT = 50
"""Instances that are made to see whether they collide."""


def check_own_rgd(test: Test, created: int, field_path: str) -> None:
    """Check a test's own RGD, unless it is still in a ConfigMap; others are ours.

    Raises:
        WorkloadError: if its instances cannot be made or claim the same child, or if updates of
            them could not be observed; it names the field.
    """
    if test.workload.rgd is None or refs_of(test.workload):
        return
    path = f"{field_path}.workload".removeprefix(".")
    rgds = rgds_of(RgdSource(test.workload, path, 0, "kb", "Kb", {}))
    made: list[Manifest] = []
    for index in range(min(created, _LOOKED_AT)):
        name = f"kb-{index}"
        spec = rgds.specs.make(name, "default", index)
        made.append({"metadata": rgds.metadata(index) | {"name": name}, "spec": spec})
    _check_children(rgds.manifests[-1], made, path)
    _check_updates(test, rgds, made[0]["spec"], created, field_path)


def _check_children(manifest: Manifest, instances: Sequence[Manifest], path: str) -> None:
    """Check that instances do not claim the same child: kro serves only the first of them."""
    shared = shared_child(manifest, instances)
    if shared is not None:
        raise WorkloadError(
            f"{path}.rgd: all instances would claim one child: the metadata.name of resource "
            f"{shared} is the same for them, and kro lets only one instance have it; use "
            f"schema.metadata.name in that name, let {path}.values differ by <index>, or set "
            f"{path}.instances to 1"
        )


def _check_updates(test: Test, rgds: RgdSet, spec: Manifest, created: int, field_path: str) -> None:
    """Check that each update changes something, and that its effect can be seen."""
    for index, phase in enumerate(test.phases):
        mix = phase.mix or Mix()
        if phase.operation is not Operation.UPDATE and not (
            phase.operation is Operation.MIX and mix.update
        ):
            continue
        path = f"{field_path}.phases[{index}]".removeprefix(".")
        if not rgds.ready.conditions:
            raise WorkloadError(
                f"{path}: instances of this RGD are ready by status.state, which kro sets before "
                "it has seen an update: leave the phase out, or declare a condition Ready in the "
                "RGD"
            )
        values = phase.values or {}
        first, second = (
            filled(values, Turn(0, number, test.workload.seed), rgds.specs.schema, f"{path}.values")
            for number in (1, 2)
        )
        if not changed(rgds.specs.schema, spec, first):
            raise WorkloadError(
                f"{path}.values: this changes nothing in the spec of instances: give a field of "
                "the RGD's schema another value than workload.values do, such as one with <round>"
            )
        again = phase.operation is Operation.MIX or (phase.count or 0) > created
        if again and first == second:
            raise WorkloadError(
                f"{path}.values: instances are updated more than once, and each update after the "
                "first would change nothing: use <round>"
            )
