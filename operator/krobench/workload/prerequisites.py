"""Objects that a test needs before its RGDs and instances, as its spec gives them.

They stay until the end of the run, so tests in one namespace share those that are alike.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from krobench.api.specs.workload import Workload
from krobench.workload.blueprint import Manifest, WorkloadError
from krobench.workload.ownrgds import RGD_KIND
from krobench.workload.placeholders import Turn, filled

_NAMESPACE = "Namespace"


@dataclass(frozen=True)
class Prerequisite:
    """An object to create."""

    field: str
    """Path of its manifest in the spec."""
    manifest: Manifest

    def __str__(self) -> str:
        return f"{self.manifest['kind']} {self.manifest['metadata']['name']}"

    @property
    def group(self) -> str:
        """API group of its kind; empty for Kubernetes' core."""
        return _group(self.manifest)


def prerequisites_of(workload: Workload, instances: int, path: str) -> Iterator[Prerequisite]:
    """Yield the objects in the order of creation, one for each instance if names differ.

    ``path`` is that of the workload.
    """
    for at, manifest in enumerate(workload.prerequisites):
        field = f"{path}.prerequisites[{at}]"
        for index in _indexes(manifest, workload.seed, instances):
            turn = Turn(index, seed=workload.seed)
            yield Prerequisite(field, filled(manifest, turn, None, field))


def count_prerequisites(workload: Workload, instances: int) -> int:
    """Return how many objects there are for so many instances."""
    return sum(len(_indexes(each, workload.seed, instances)) for each in workload.prerequisites)


def _indexes(manifest: Manifest, seed: int, instances: int) -> list[int]:
    """Return the indexes that give different objects: names are what tells objects apart."""
    metadata = manifest["metadata"]
    text = f"{metadata.get('namespace', '')}/{metadata['name']}"
    if all(Turn(index, seed=seed).fill(text) == text for index in (0, 1)):
        return [0]
    names = {Turn(index, seed=seed).fill(text): index for index in reversed(range(instances))}
    return sorted(names.values())


def check_prerequisites(tests: Iterable[tuple[Workload, str | None, str]]) -> None:
    """Check the prerequisites of tests: workload, namespace, and the workload's path.

    Raises:
        WorkloadError: if one cannot be created by a run; it names the field.
    """
    known: dict[tuple[str, ...], tuple[str, Manifest]] = {}
    for workload, namespace, path in tests:
        made: set[str] = set()
        own: set[tuple[str, ...]] = set()
        for at, manifest in enumerate(workload.prerequisites):
            field = f"{path}.prerequisites[{at}]"
            metadata, kind = manifest["metadata"], manifest["kind"]
            if kind == _NAMESPACE and not _group(manifest):
                made.add(metadata["name"])
            if kind == RGD_KIND:
                raise WorkloadError(
                    f"{field}: an RGD cannot be a prerequisite: set it in {path}.rgd.requires, "
                    "or create it before the run"
                )
            named = metadata.get("namespace")
            if named is not None and named != namespace and named not in made:
                raise WorkloadError(
                    f"{field}.metadata.namespace: {named} is not the namespace of the test: leave "
                    "it out, set the test's namespace, or put that Namespace before it in the list"
                )
            key = (_group(manifest), kind, named or namespace or "", metadata["name"])
            if key in own:
                raise WorkloadError(
                    f"{field}: {kind} {metadata['name']} is listed twice: leave one of them out"
                )
            own.add(key)
            before, other = known.setdefault(key, (field, manifest))
            if other != manifest:
                raise WorkloadError(
                    f"{field}: {kind} {metadata['name']} differs from {before}, which stays until "
                    "the end of the run: give it another name, or the tests other namespaces"
                )


def _group(manifest: Manifest) -> str:
    return str(manifest["apiVersion"]).rpartition("/")[0]
