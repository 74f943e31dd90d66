"""The doors: one shape for organizations and for staff."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Any, Literal
from uuid import UUID

import httpx
import orjson
import pytest

from kit.clock import SystemClock
from kit.db.database import Transaction
from kit.http.app import create_app
from kit.http.caller import OrganizationCaller, TokenVerifier
from kit.ids import new_id
from kit.jobs.model import Job
from kit.jobs.report import csv_lines, defused
from kit.jobs.router import Within, jobs_router
from kit.testing.hostile import FORMULAS
from kit.testing.tokens import AUDIENCE, ISSUER, Issuer

from .conftest import Bench, Writing

TOLD: list[tuple[str, UUID]] = []


async def told(_tx: Transaction, job: Job, what: Literal["cancelled", "retried"]) -> None:
    TOLD.append((what, job.id))


async def of_organization(caller: OrganizationCaller) -> Within:
    return Within(caller.organization_id, told)


async def of_platform() -> Within:
    return Within(None, told)


@pytest.fixture
async def http(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    issuer = Issuer()
    app = create_app(
        service="sample",
        title="Sample",
        routers=[
            jobs_router("/v1/jobs", "jobs", of_organization),
            jobs_router("/v1/staff/jobs", "staff", of_platform, statistics=True),
        ],
        parts=[bench.jobs],
        verifier=TokenVerifier(issuer.jwks, ISSUER, AUDIENCE, SystemClock()),
    )
    TOLD.clear()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sample") as client:
        client.headers["x-issuer"] = "test"
        client.token = lambda organization: issuer.token(SystemClock().now(), organization)  # type: ignore[attr-defined]
        yield client


def of(http: httpx.AsyncClient, organization_id: UUID) -> dict[str, str]:
    token: Any = http.token  # type: ignore[attr-defined]
    return {"authorization": f"Bearer {token(organization_id)}"}


async def test_progress_items_and_report(http: httpx.AsyncClient, bench: Bench, kind: Writing) -> None:
    us = new_id()
    kind.subjects = [new_id() for _ in range(12)]
    kind.failing, kind.skipped = set(kind.subjects[3:6]), {kind.subjects[7]}
    job = await bench.submit(us)
    await bench.finish(job)
    shown = (await http.get(f"/v1/jobs/{job.id}", headers=of(http, us))).json()
    assert {name: shown[name] for name in ("state", "total", "done", "failed", "skipped", "left")} == {
        "state": "finished",
        "total": 12,
        "done": 8,
        "failed": 3,
        "skipped": 1,
        "left": 0,
    }
    first = (await http.get(f"/v1/jobs/{job.id}/items?state=failed&limit=2", headers=of(http, us))).json()
    rest = f"/v1/jobs/{job.id}/items?state=failed&limit=2&cursor={first['next_cursor']}"
    second = (await http.get(rest, headers=of(http, us))).json()
    assert [each["subject_id"] for each in first["items"] + second["items"]] == [
        str(each) for each in kind.subjects[3:6]
    ]
    assert second["next_cursor"] is None
    report = await http.get(f"/v1/jobs/{job.id}/report", headers=of(http, us))
    rows = list(csv.DictReader(io.StringIO(report.text)))
    assert report.headers["content-type"].startswith("text/csv")
    assert [(row["subject_id"], row["code"], row["reason"]) for row in rows] == [
        (str(each), "broken", "'=It is broken.") for each in kind.subjects[3:6]
    ]
    lines = await http.get(f"/v1/jobs/{job.id}/report?format=jsonl&state=skipped", headers=of(http, us))
    assert [orjson.loads(line)["code"] for line in lines.text.splitlines()] == ["unwanted"]


async def test_lists_are_of_one_tenant(http: httpx.AsyncClient, bench: Bench) -> None:
    us, them = new_id(), new_id()
    ours = [await bench.submit(us, 1) for _ in range(3)]
    theirs, platforms = await bench.submit(them, 1), await bench.submit(None, 1)
    page = (await http.get("/v1/jobs?limit=2", headers=of(http, us))).json()
    assert [each["id"] for each in page["items"]] == [str(ours[2].id), str(ours[1].id)]
    page = (await http.get(f"/v1/jobs?limit=2&cursor={page['next_cursor']}", headers=of(http, us))).json()
    assert [each["id"] for each in page["items"]] == [str(ours[0].id)]
    for other in (theirs, platforms):
        for method, path in (
            ("GET", ""),
            ("GET", "/items"),
            ("GET", "/report"),
            ("POST", "/cancel"),
            ("POST", "/retry"),
        ):
            answer = await http.request(method, f"/v1/jobs/{other.id}{path}", headers=of(http, us))
            assert (answer.status_code, answer.json()["type"]) == (404, "urn:rostrum:problem:job-not-found"), path
    assert [each["id"] for each in (await http.get("/v1/staff/jobs")).json()["items"]] == [str(platforms.id)]
    assert (await http.get("/v1/jobs/statistics", headers=of(http, us))).status_code == 422
    (figures,) = (await http.get("/v1/staff/jobs/statistics")).json()["kinds"]
    assert (figures["queued"], figures["left"]) == (5, 5)


async def test_cancelling_and_trying_again_are_told_once(
    http: httpx.AsyncClient, bench: Bench, kind: Writing
) -> None:
    us = new_id()
    kind.subjects = [new_id() for _ in range(5)]
    kind.failing = set(kind.subjects)
    cancelled, failed = await bench.submit(us, 5), await bench.submit(us)
    for _ in range(2):
        answer = await http.post(f"/v1/jobs/{cancelled.id}/cancel", headers=of(http, us))
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    await bench.finish(failed)
    for _ in range(2):
        answer = await http.post(f"/v1/jobs/{failed.id}/retry", headers=of(http, us))
        assert (answer.status_code, answer.json()["state"]) == (200, "reviving")
    assert [("cancelled", cancelled.id), ("retried", failed.id)] == TOLD


def test_no_cell_is_a_formula() -> None:
    for dangerous in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", *(f"{each}1" for each in FORMULAS)):
        assert defused(dangerous) == f"'{dangerous}"
    assert (defused("\0=1"), defused("a\0b")) == ("'=1", "ab"), "what stands behind a zero is not let through"
    assert csv_lines([["a,b", 'say "x"', None, 3, -3, "=cmd"]]) == b'"a,b","say ""x""",,3,-3,\'=cmd\r\n'
