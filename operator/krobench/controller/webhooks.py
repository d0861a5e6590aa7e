"""Sends an event to the webhook of a run that has ended.

Deliveries run beside the work queue, which never waits for them, and their outcome is an Event. An
event is sent when the run's last status is written: an operator that is killed before it is
delivered does not send it again.
"""

import asyncio
import hashlib
import hmac
import logging
from base64 import b64decode
from collections.abc import Awaitable, Callable, Sequence

import aiohttp
import orjson

from krobench import __version__
from krobench.api.access import Access
from krobench.api.kinds import RunRef
from krobench.api.specs.collect import KeyRef
from krobench.api.specs.webhook import Webhook
from krobench.api.status import RunStatus
from krobench.kube import paths
from krobench.kube.client import KubeClient
from krobench.kube.errors import ApiError, KubeError
from krobench.report.cloudevents import CONTENT_TYPE, finished
from krobench.report.events import RunEvent

logger = logging.getLogger(__name__)

Emit = Callable[[RunRef, RunEvent], Awaitable[None]]

PAUSES_SECONDS = (1.0, 5.0, 25.0)
"""Before each repetition of a request that may succeed later."""
SIGNATURE = "X-Krobench-Signature-256"
_MAX_PENDING = 100
_MAX_AT_ONCE = 4
_HEADERS = {"Content-Type": CONTENT_TYPE, "User-Agent": f"krobench/{__version__}"}
_TIMEOUT = aiohttp.ClientTimeout(total=10)


class UndeliverableError(Exception):
    """Why an event cannot be delivered, however often it is tried."""


class Webhooks:
    """Deliveries that have not ended."""

    def __init__(
        self,
        client: KubeClient,
        access: Access,
        emit: Emit,
        pauses: Sequence[float] = PAUSES_SECONDS,
    ) -> None:
        """``emit`` creates an Event of a run."""
        self._client = client
        self._access = access
        self._emit = emit
        self._pauses = pauses
        self._slots = asyncio.Semaphore(_MAX_AT_ONCE)
        self._pending: set[asyncio.Task[None]] = set()

    def send(self, run: RunRef, webhook: Webhook, status: RunStatus) -> None:
        """Begin to deliver the event that a run has ended, and return at once."""
        body = orjson.dumps(finished(run, status))
        crowded = len(self._pending) >= _MAX_PENDING
        task = asyncio.create_task(self._deliver(run, webhook, body, crowded=crowded))
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    def close(self) -> None:
        """Give up the deliveries that have not ended."""
        for task in self._pending:
            task.cancel()

    async def _deliver(self, run: RunRef, webhook: Webhook, body: bytes, *, crowded: bool) -> None:
        try:
            if crowded:
                raise UndeliverableError(f"{_MAX_PENDING} events wait to be delivered already")
            async with self._slots:
                attempts = await self._post(run, webhook, body)
            event = RunEvent("WebhookDelivered", f"delivered to {webhook.url}, attempt {attempts}")
        except UndeliverableError as error:
            event = RunEvent("WebhookFailed", f"{webhook.url}: {error}", warning=True)
        except Exception:
            logger.exception("cannot deliver the event of %s", run)
            return
        try:
            await self._emit(run, event)
        except KubeError as error:
            logger.warning("%s: %s: %s (%s)", run, event.reason, event.message, error)

    async def _post(self, run: RunRef, webhook: Webhook, body: bytes) -> int:
        """Send the event until it is accepted; return the number of attempts."""
        if not self._access.allows_webhook(webhook.url):
            raise UndeliverableError(
                "this URL is not allowed: use one of the value webhooks.allowedUrls of the chart, "
                "or ask for it to be added"
            )
        headers = _HEADERS | await self._credentials(run, webhook, body)
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
            for attempt, pause in enumerate((*self._pauses, None), start=1):
                problem = await _try(session, webhook.url, body, headers)
                if problem is None:
                    return attempt
                if pause is None:
                    raise UndeliverableError(f"{problem}; gave up after {attempt} attempts")
                await asyncio.sleep(pause)
        raise AssertionError

    async def _credentials(self, run: RunRef, webhook: Webhook, body: bytes) -> dict[str, str]:
        if (reference := webhook.bearer_token_secret_ref) is not None:
            token = (await self._secret(run, reference)).strip()
            if not token.isascii() or not token.decode("ascii").isprintable():
                raise UndeliverableError(f"Secret {reference.name}: {reference.key} is not a token")
            return {"Authorization": f"Bearer {token.decode()}"}
        if (reference := webhook.hmac_key_secret_ref) is not None:
            key = await self._secret(run, reference)
            return {SIGNATURE: f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}"}
        return {}

    async def _secret(self, run: RunRef, reference: KeyRef) -> bytes:
        what = f"Secret {reference.name}"
        try:
            secret = await self._client.get(paths.core("secrets", run.namespace, reference.name))
            return b64decode((secret.get("data") or {})[reference.key], validate=True)
        except ApiError as error:
            hint = "; name it in the chart's value webhooks.secrets" if error.forbidden else ""
            raise UndeliverableError(f"{what}: {error.message}{hint}") from error
        except KubeError as error:
            raise UndeliverableError(f"{what}: {error}") from error
        except KeyError as error:
            raise UndeliverableError(f"{what} has no key {reference.key}") from error
        except ValueError as error:
            raise UndeliverableError(f"{what}: key {reference.key} is malformed") from error


async def _try(
    session: aiohttp.ClientSession, url: str, body: bytes, headers: dict[str, str]
) -> str | None:
    """Send the event once; return why it may be accepted later, or None if it is accepted.

    Raises:
        UndeliverableError: if it is refused.
    """
    try:
        # A redirect could lead to where the administrator allows nothing.
        async with session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
            code = answer.status
    except (aiohttp.ClientError, TimeoutError) as error:
        return f"no answer ({type(error).__name__})"
    if code < 300:
        return None
    if code == 429 or code >= 500:
        return f"HTTP {code}"
    if code < 400:
        raise UndeliverableError(f"HTTP {code}: redirects are not followed; use the final URL")
    raise UndeliverableError(f"HTTP {code}")
