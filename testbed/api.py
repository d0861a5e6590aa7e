"""A client of the API server, just large enough for the test bed's own questions."""

import base64
import binascii
import http.client
import json
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from testbed.errors import SetupError

_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True)
class Answer:
    """What the API server said. Status 0 stands for no answer at all."""

    status: int
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the request succeeded."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class ApiClient:
    """Talks to one API server with the client certificate of a test bed's kubeconfig."""

    def __init__(self, kubeconfig: Path) -> None:
        try:
            config = json.loads(kubeconfig.read_text())
            cluster = config["clusters"][0]["cluster"]
            user = config["users"][0]["user"]
            self._address = urlsplit(cluster["server"]).netloc
            self._tls = _tls_context(
                base64.b64decode(cluster["certificate-authority-data"]),
                base64.b64decode(user["client-certificate-data"]),
                base64.b64decode(user["client-key-data"]),
            )
        except (OSError, ValueError, KeyError, binascii.Error) as error:
            raise SetupError(f"{kubeconfig} is not from the test bed: {error}") from error

    def get(self, path: str) -> Answer:
        """GET; a server that can't be reached is an answer too."""
        return self._request("GET", path, None)

    def post(self, path: str, body: Mapping[str, Any]) -> Answer:
        """POST a JSON object."""
        return self._request("POST", path, json.dumps(body))

    def delete(self, path: str) -> Answer:
        """DELETE an object."""
        return self._request("DELETE", path, None)

    def is_ready(self) -> bool:
        """Whether the API server calls itself ready."""
        return self.get("/readyz").ok

    def _request(self, method: str, path: str, body: str | None) -> Answer:
        connection = http.client.HTTPSConnection(
            self._address, timeout=_TIMEOUT_SECONDS, context=self._tls
        )
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return Answer(response.status, response.read())
        except (OSError, http.client.HTTPException) as error:
            return Answer(0, str(error).encode())
        finally:
            connection.close()


def _tls_context(authority: bytes, certificate: bytes, key: bytes) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=authority.decode())
    # The ssl module loads a client's key from files only.
    with tempfile.NamedTemporaryFile(suffix=".pem") as pair:
        pair.write(certificate + b"\n" + key)
        pair.flush()
        context.load_cert_chain(pair.name)
    return context
