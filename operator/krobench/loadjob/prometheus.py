"""Querying an existing Prometheus about each run phase; its failures never fail a run."""

import asyncio
import binascii
from base64 import b64decode
from collections.abc import Callable

from krobench.api.specs.collect import KeyRef, Prometheus, PrometheusQuery
from krobench.collect.prometheus import PrometheusApi, QueryError
from krobench.figures.reasons.sources import QueryFailed, QueryReason
from krobench.kube import paths
from krobench.kube.client import KubeClient
from krobench.kube.errors import ApiError, KubeError
from krobench.load.iteration import Outcome
from krobench.load.loops import RunClock
from krobench.report.words.reasons import reason_line

Warn = Callable[[str], None]


class SettingsError(Exception):
    """The token or the certificates are missing or invalid."""


class ExistingPrometheus:
    """The Prometheus of ``spec.collect.prometheus``.

    Each reason why a query has no result is passed to ``warn`` once.
    """

    def __init__(
        self, client: KubeClient, settings: Prometheus, namespace: str, warn: Warn
    ) -> None:
        self._client = client
        self._settings = settings
        self._namespace = namespace
        self._warn = warn
        self._warned: set[str] = set()
        self._api: PrometheusApi | None = None
        self._problem = ""

    async def open(self) -> None:
        """Read the token and the certificates; a problem is the reason that all queries give."""
        try:
            self._api = await self._connect()
        except SettingsError as error:
            self._problem = str(error)

    async def close(self) -> None:
        if self._api is not None:
            await self._api.close()

    async def add_to(self, outcome: Outcome, clock: RunClock) -> None:
        """Add the metrics of an iteration's run phase to its outcome, if it reached one."""
        if outcome.run_started_seconds is None or outcome.run_ended_seconds is None:
            return
        zero = clock.zero_epoch_seconds()
        metrics, unavailable = await self.measure(
            zero + outcome.run_started_seconds, zero + outcome.run_ended_seconds
        )
        outcome.metrics |= metrics
        outcome.unavailable |= unavailable

    async def measure(
        self, start_seconds: float, end_seconds: float
    ) -> tuple[dict[str, float | None], dict[str, QueryReason]]:
        """Return metrics of that time, and why some are None; times are since the epoch."""
        metrics: dict[str, float | None] = {
            name: None for query in self._settings.queries for name in query.metrics
        }
        unavailable: dict[str, QueryReason] = {}

        async def ask(query: PrometheusQuery) -> None:
            mean, maximum = query.metrics
            try:
                if self._api is None:
                    raise QueryError(QueryFailed(detail=self._problem))
                result = await self._api.query(query.query, start_seconds, end_seconds)
            except QueryError as error:
                unavailable.update(dict.fromkeys((mean, maximum), error.reason))
                text = (
                    f"Prometheus query {query.name} is not available: {reason_line(error.reason)}"
                )
                if text not in self._warned:
                    self._warned.add(text)
                    self._warn(text)
            else:
                metrics[mean] = round(result.mean, 9)
                metrics[maximum] = round(result.maximum, 9)

        await asyncio.gather(*(ask(query) for query in self._settings.queries))
        return metrics, unavailable

    async def _connect(self) -> PrometheusApi:
        settings = self._settings
        token = ca = None
        if (secret := settings.bearer_token_secret_ref) is not None:
            what = f"key {secret.key} of Secret {secret.name}"
            try:
                token = b64decode(await self._get("Secret", secret)).decode().strip()
            except (binascii.Error, UnicodeDecodeError) as error:
                raise SettingsError(f"{what} is not text") from error
            if not token.isascii() or not token.isprintable():
                raise SettingsError(f"{what} is not a token")
        reference = settings.tls.ca_config_map_ref if settings.tls is not None else None
        if reference is not None:
            ca = await self._get("ConfigMap", reference)
        try:
            return PrometheusApi(settings, token, ca)
        except ValueError as error:
            assert reference is not None
            raise SettingsError(
                f"key {reference.key} of ConfigMap {reference.name} {error}"
            ) from error

    async def _get(self, kind: str, reference: KeyRef) -> str:
        """Return the value of a key of a Secret or a ConfigMap."""
        path = paths.core(f"{kind.lower()}s", self._namespace, reference.name)
        try:
            data = (await self._client.get(path)).get("data") or {}
        except ApiError as error:
            hint = ""
            if error.forbidden and kind == "Secret":
                hint = "; name it in the chart's value load.prometheusSecrets"
            raise SettingsError(f"{kind} {reference.name}: {error.message}{hint}") from error
        except KubeError as error:
            raise SettingsError(f"{kind} {reference.name}: {error}") from error
        if reference.key not in data:
            raise SettingsError(f"{kind} {reference.name} has no key {reference.key}")
        return str(data[reference.key])
