"""A run that ends tells its webhook, and nothing waits for that."""

import asyncio
import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from emulated.conftest import Api, Manifest, RunningOperator
from emulated.test_operator import job_of, store_results
from unit.controller.world import SPECS

from krobench.api.access import Access
from krobench.kube import paths
from krobench.record.run import RunState

SECRET = "s3cret"


@dataclass
class Receiver:
    """A server that answers with these codes, the last of them again and again."""

    codes: list[int]
    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    hangs: bool = False
    elsewhere: int = 0

    async def take(self, request: web.Request) -> web.Response:
        if request.path != "/hook":
            self.elsewhere += 1
            return web.Response()
        self.bodies.append(await request.read())
        self.headers.append(dict(request.headers))
        if self.hangs:
            await asyncio.sleep(3600)
        code = self.codes.pop(0) if len(self.codes) > 1 else self.codes[0]
        return web.Response(status=code, headers={"Location": "/elsewhere"})


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    found = Receiver([204])
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.take)
    async with TestServer(app) as server:
        found.url = str(server.make_url("/hook"))
        yield found


Start = Callable[..., Awaitable[RunningOperator]]


@pytest.fixture
async def start(server: str, receiver: Receiver) -> AsyncIterator[Start]:
    """Start an operator whose administrator allows the receiver's URL, and quick repetitions."""
    started: list[RunningOperator] = []

    async def begin(*urls: str) -> RunningOperator:
        access = Access(webhook_urls=list(urls or (receiver.url,)))
        running = RunningOperator(server, access=access)
        running.pace = replace(running.pace, webhook_pauses=(0.01, 0.01, 0.01))
        started.append(running)
        await running.start()
        return running

    yield begin
    for running in started:
        await running.stop()


async def finish(api: Api, name: str, webhook: Manifest) -> None:
    """Have a run with this webhook end."""
    await api.create(name, SPECS[api.kind] | {"webhook": webhook})
    job = await job_of(api, name)
    await store_results(api, name, RunState.COMPLETED, iterations_done=4)
    await api.end_job(job["metadata"]["name"], "Complete")
    await api.until_phase(name, "Completed")


async def outcome(api: Api, name: str) -> Manifest:
    """Return the Event of the delivery."""

    async def question() -> Manifest | None:
        items = await api.client.list(paths.core("events", "default"))
        found = [
            item
            for item in items
            if item["involvedObject"]["name"] == name and item["reason"].startswith("Webhook")
        ]
        return found[0] if found else None

    event: Manifest = await api.until(question, "an Event of the delivery")
    return event


async def keep_secret(api: Api) -> Manifest:
    data = {"key": b64encode(SECRET.encode()).decode()}
    body = {"kind": "Secret", "metadata": {"name": "hook", "namespace": "default"}, "data": data}
    await api.client.create(paths.core("secrets", "default"), body)
    return {"name": "hook", "key": "key"}


async def test_the_end_of_a_run_is_a_signed_cloud_event(
    api: Api, start: Start, receiver: Receiver
) -> None:
    reference = await keep_secret(api)
    await start()
    await finish(api, "one", {"url": receiver.url, "hmacKeySecretRef": reference})
    assert (await outcome(api, "one"))["reason"] == "WebhookDelivered"
    [body], [headers] = receiver.bodies, receiver.headers
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-Krobench-Signature-256"] == f"sha256={digest}"
    assert headers["Content-Type"].startswith("application/cloudevents+json")
    event = json.loads(body)
    assert {"specversion", "id", "source", "type"} <= event.keys()
    assert event["specversion"] == "1.0"
    assert event["subject"] == "default/one"
    status = await api.status("one")
    assert event["time"] == status["completionTime"]
    assert event["data"]["verdict"] == status["verdict"] == "Passed"
    assert event["data"]["resultsRef"] == status["resultsRef"]


async def test_a_token_is_sent_and_a_busy_receiver_asked_again(
    api: Api, start: Start, receiver: Receiver
) -> None:
    reference = await keep_secret(api)
    receiver.codes = [503, 429, 200]
    await start()
    await finish(api, "one", {"url": receiver.url, "bearerTokenSecretRef": reference})
    assert (await outcome(api, "one"))["type"] == "Normal"
    assert {each["Authorization"] for each in receiver.headers} == {f"Bearer {SECRET}"}
    assert len({json.loads(each)["id"] for each in receiver.bodies}) == 1
    assert len(receiver.bodies) == 3


@pytest.mark.parametrize(("codes", "requests"), [([500], 4), ([302], 1), ([404], 1)])
async def test_a_delivery_that_fails_is_a_warning_and_not_a_failed_run(
    api: Api, start: Start, receiver: Receiver, codes: list[int], requests: int
) -> None:
    receiver.codes = codes
    await start()
    await finish(api, "one", {"url": receiver.url})
    event = await outcome(api, "one")
    assert (event["reason"], event["type"]) == ("WebhookFailed", "Warning")
    assert str(codes[0]) in event["message"]
    assert len(receiver.bodies) == requests
    assert receiver.elsewhere == 0, "no redirect is followed"
    assert (await api.status("one"))["verdict"] == "Passed"


@pytest.mark.parametrize(
    ("allowed", "webhook"),
    [
        ("http://127.0.0.1:1/other", {}),
        ("", {"bearerTokenSecretRef": {"name": "absent", "key": "key"}}),
        ("", {"hmacKeySecretRef": {"name": "hook", "key": "absent"}}),
    ],
)
async def test_nothing_is_sent_that_is_not_allowed_or_has_no_secret(
    api: Api, start: Start, receiver: Receiver, allowed: str, webhook: Manifest
) -> None:
    await keep_secret(api)
    await start(allowed or receiver.url)
    await finish(api, "one", {"url": receiver.url} | webhook)
    assert (await outcome(api, "one"))["reason"] == "WebhookFailed"
    assert receiver.bodies == []


async def test_a_receiver_that_never_answers_holds_up_nothing(
    api: Api, start: Start, receiver: Receiver
) -> None:
    receiver.hangs = True
    operator = await start()
    await finish(api, "one", {"url": receiver.url})
    await finish(api, "two", {"url": receiver.url})
    await finish(api, "three", {"url": receiver.url})
    assert operator.queue is not None
    assert operator.queue.idle_seconds < 5

    async def all_are_told() -> bool:
        return len(receiver.bodies) == 3

    await api.until(all_are_told, "each has been sent its event")


async def test_a_run_that_never_started_sends_an_event_too(
    api: Api, start: Start, receiver: Receiver
) -> None:
    await start()
    await api.create("one", SPECS[api.kind] | {"webhook": {"url": receiver.url}, "suspend": True})
    await api.until_phase("one", "Suspended")
    assert receiver.bodies == []
    conflict = {"kind": "ConfigMap", "metadata": {"name": "one-results", "namespace": "default"}}
    await api.client.create(paths.core("configmaps", "default"), conflict)
    await api.client.patch(api.path("one"), {"spec": {"suspend": False}})
    await api.until_phase("one", "Failed")
    assert (await outcome(api, "one"))["reason"] == "WebhookDelivered"
    [body] = receiver.bodies
    assert json.loads(body)["data"]["phase"] == "Failed"
