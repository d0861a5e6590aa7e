"""The ballast: CRDs that nobody uses, as the many that other operators install.

Few of them share a group, as those of real operators: the API server describes each version of a
group in one document, and makes that again after each CRD.
"""

from collections.abc import Mapping

from krobench.api.common import BALLAST_GROUP
from krobench.workload.blueprint import Manifest, namespaced_crd

_CRDS_PER_GROUP = 10


def ballast_names(run_id: str, crds: int, fields: int) -> list[str]:
    """Return the names of the CRDs; a CRD with other fields has another name."""
    return [
        f"b{run_id}f{fields}n{number:04d}s.g{number // _CRDS_PER_GROUP:03d}.{BALLAST_GROUP}"
        for number in range(crds)
    ]


def ballast_crd(name: str, fields: int, labels: Mapping[str, str]) -> Manifest:
    """Return the CRD with one of these names."""
    plural, _, group = name.partition(".")
    kind = plural.removesuffix("s").capitalize()
    properties = {
        f"field{at:04d}": {"type": "string", "description": f"Setting {at}."}
        for at in range(fields)
    }
    spec = {"type": "object", "properties": properties}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    return namespaced_crd(plural, group, kind, version, labels)
