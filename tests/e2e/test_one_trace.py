"""One request is one trace: gateway, service, outbox, broker and the consumer in another service."""

import secrets
from typing import Any

import httpx
import pytest

from local.trial import Trial
from local.visitor import newcomer, seen

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


async def test_a_request_can_be_followed_from_the_browser_into_another_service(
    platform: Trial, http: httpx.AsyncClient
) -> None:
    visitor = await newcomer(platform.addresses, http, f"trace.{secrets.token_hex(4)}@example.com")
    trace_id = secrets.token_hex(16)
    headers = {"traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01", "idempotency-key": secrets.token_hex(8)}
    await visitor.call("POST", "/v1/organizations", expect=201, headers=headers, json={"name": "Traced"})

    wanted = {("gateway", "server"), ("auth", "server"), ("auth", "producer"), ("billing", "consumer")}

    async def look() -> bool | None:
        answer = await http.get(
            f"{platform.addresses.sandbox}/otlp/spans", params={"trace_id": trace_id, "limit": 100}
        )
        spans: list[dict[str, Any]] = answer.json()["items"]
        kinds = {(span["service"], span["kind"]) for span in spans}
        ids = {span["span_id"] for span in spans}
        roots = {span["service"] for span in spans if span["parent_span_id"] not in ids}
        return True if wanted <= kinds and roots == {"gateway"} else None

    await seen("one trace from gateway over auth to billing in which no span hangs in the air", look)
