from dataclasses import replace

import pytest
from aiohttp import web
from unit.collect.servers import api_server, closed_port, kro_pod, serve

from krobench.collect.celcounters import KroCounters
from krobench.collect.exposition import Series

LINES = {"a_seconds": "a_seconds_sum 5\n", "b_total": "b_total 2\n", "c_total": "c_total 9\n"}


@pytest.mark.parametrize("filters", [True, False], ids=["kro that filters", "kro that does not"])
async def test_only_what_is_wanted_is_asked_for_and_read(filters: bool) -> None:
    async def metrics(request: web.Request) -> web.Response:
        names = request.query.getall("name[]") if filters else list(LINES)
        return web.Response(text="".join(line for name, line in LINES.items() if name in names))

    async with serve(metrics) as port, api_server(closed_port()) as client:
        counters = KroCounters(client, replace(kro_pod(), metrics_port=port), closed_port())
        wanted = (Series("a_seconds_sum"), Series("b_total"))
        assert await counters.read(wanted) == {"a_seconds_sum": 5.0, "b_total": 2.0}
        await counters.close()
