"""What the documents and the examples show is taken by a real API server."""

import pytest
import yaml
from cluster.kubectl import ROOT, Cluster
from unit.docs.fragments import shown_manifests

pytestmark = pytest.mark.untimed


def test_an_api_server_takes_what_the_documents_show(cluster: Cluster) -> None:
    examples = sorted((ROOT / "manifests/examples").glob("*.yaml"))
    manifests = [yaml.safe_load(path.read_text()) for path in examples]
    manifests += [part.manifest for part in shown_manifests()]
    for number, manifest in enumerate(manifests):
        # The namespaces that they name are the reader's.
        place = {"name": f"shown-{number}", "namespace": "default"}
        manifest["metadata"] = manifest["metadata"] | place
    cluster.run("apply", "--dry-run=server", "--filename=-", stdin=yaml.safe_dump_all(manifests))
