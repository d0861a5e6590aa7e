"""The operator in a process of its own that holds what it holds in a pod.

KROBENCH_NAMESPACE=a KROBENCH_IMAGE=b python -m bench.operating http://127.0.0.1:8001
"""

import sys

import krobench.cli.main  # noqa: F401 - the command has imported it


def operate(server: str) -> None:
    """Run against an API server that speaks plain HTTP, until stopped."""
    sys.modules["kubernetes"] = None  # type: ignore[assignment]
    # Not before: nothing that is imported from here on finds the official client.
    import kopf

    from krobench.controller.operator import serve
    from krobench.kube.client import KubeClient
    from krobench.kube.config import ClientConfig
    from krobench.kube.transport import NO_RETRIES

    client = KubeClient(ClientConfig(server, None, lambda: None), policy=NO_RETRIES)
    serve(client, lambda **_: kopf.ConnectionInfo(server=server))


if __name__ == "__main__":
    operate(sys.argv[1])
