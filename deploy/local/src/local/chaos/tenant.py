"""One organization of the run, brought up in calm weather: pages, a number, people who write, a partner."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import asyncpg
import httpx

from local.chaos.books import Book
from local.chaos.client import Client
from local.chaos.outside import Sandbox
from local.plan import Plan
from local.visitor import seen

PAGES: Final = 3
PEOPLE: Final = 5


@dataclass(slots=True)
class Tenant:
    """An organization with its owner and what belongs to it at the third parties."""

    tag: str
    owner: Client
    book: Book
    organization: str
    number: str
    pages: Sequence[str]
    accounts: dict[str, str] = field(default_factory=dict)
    """Our account by LinkedIn page."""
    people: list[str] = field(default_factory=list)
    partner_queue: str = ""
    channel: str = ""

    def random(self, lane: str) -> Random:
        """What one lane of this tenant draws by."""
        return Random(f"{self.tag}/{lane}")


async def bring_up(client: Client, sandbox: Sandbox, tag: str, number: int) -> Tenant:
    """Sign up, found the organization, connect everything."""
    visitor, http = client.visitor, client.visitor.http
    await visitor.sign_up()
    await visitor.verify()
    await visitor.sign_in()
    organization = (await visitor.found(f"Tenant {tag}"))["id"]
    client.organization = organization
    book = client.book
    book.asked["organization"].add(f"Tenant {tag}")
    book.accept("organization", f"Tenant {tag}", organization)
    book.accept("person", visitor.email, visitor.user_id)
    pages = [str(7_000_000 + 10 * number + place) for place in range(PAGES)]
    tenant = Tenant(tag, client, book, organization, str(100_000_000_000_100 + number), pages)
    await _connect_pages(tenant, sandbox, http)
    await _connect_number(tenant, sandbox, number)
    await _open_partner_queue(tenant)
    return tenant


async def unlimited(plan: Plan, organizations: Sequence[UUID]) -> None:
    """Let these write as many posts as they like: a storm is more than any plan's month."""
    connection = await asyncpg.connect(plan.admin_url, timeout=10)
    try:
        await connection.execute(
            """
            INSERT INTO publisher.quota_limits AS held (organization_id, plan, limits, version)
            SELECT each, 'storm', $2::jsonb, (1::bigint << 60)
            FROM unnest($1::uuid[]) AS each
            ON CONFLICT (organization_id) DO UPDATE SET limits = excluded.limits, version = excluded.version
            """,
            list(organizations),
            '{"connected_accounts": null, "posts_per_month": null, "storage_mb": null}',
        )
    finally:
        await connection.close()


async def _connect_pages(tenant: Tenant, sandbox: Sandbox, http: httpx.AsyncClient) -> None:
    for page in tenant.pages:
        await sandbox.ask("POST", "/linkedin/control/pages", {"id": page, "name": f"Page {page}"})
    person = {"id": tenant.tag, "name": "Ann", "pages": dict.fromkeys(tenant.pages, "ADMINISTRATOR")}
    await sandbox.ask("POST", "/linkedin/control/people", person)
    visitor = tenant.owner.visitor
    body = {"platform": "linkedin", "what": "organization"}
    asked = await visitor.call("POST", "/v1/connected-accounts", expect=201, json=body)
    back = await http.get(f"{asked.json()['authorization_url']}&approve={tenant.tag}")
    came = await http.get(back.headers["location"])
    for account in parse_qs(urlsplit(came.headers["location"]).query)["connected"]:
        found = (await visitor.call("GET", f"/v1/connected-accounts/{account}", expect=200)).json()
        tenant.accounts[str(found["external_id"]).rpartition(":")[2]] = account


async def _connect_number(tenant: Tenant, sandbox: Sandbox, number: int) -> None:
    account = str(200_000_000_000_100 + number)
    at_meta = {"id": tenant.number, "waba_id": account, "pair_seconds": None}
    await sandbox.ask("POST", "/whatsapp/control/numbers", at_meta)
    for place in range(PEOPLE):
        person = {
            "id": f"{tenant.tag}-{place}",
            "wa_id": f"49151{number:04d}{place:04d}",
            "name": f"Person {place}",
            "delivered_after": 0.2,
            "read_after": 0.2,
        }
        await sandbox.ask("POST", "/whatsapp/control/people", person)
        tenant.people.append(str(person["id"]))
    body = {
        "kind": "whatsapp",
        "phone_number_id": tenant.number,
        "waba_id": account,
        "access_token": "sandbox-whatsapp-token",
    }
    answer = await tenant.owner.ask("POST", "/v1/channels", {201}, key=f"channel-{tenant.tag}", json=body)
    tenant.channel = answer.json()["id"] if answer else ""


async def _open_partner_queue(tenant: Tenant) -> None:
    visitor = tenant.owner.visitor
    await visitor.call("PUT", "/v1/partner-queue", expect=202)

    async def look() -> str | None:
        found = (await visitor.call("GET", "/v1/partner-queue", expect=200)).json()
        return str(found["queue"]) if found["state"] == "open" else None

    tenant.partner_queue = await seen("an open partner queue", look, within=40)
