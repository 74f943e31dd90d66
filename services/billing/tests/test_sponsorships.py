"""An agency pays for its clients: whom, how many, and what becomes of it when something ends."""

import asyncio
import itertools
from datetime import timedelta
from uuid import UUID

import httpx

from billing.entitlements.model import Own
from billing.entitlements.service import own
from billing.grants.repository import GrantRepository
from billing.sponsorships.model import SPONSORING
from billing.sponsorships.service import SponsorshipService
from contracts.auth import DelegationGranted, DelegationRevoked
from kit.db.database import Database
from kit.ids import new_id

from .conftest import Asking
from .hearing import NOW, Ear, created

PATH = "/v1/billing/sponsorships"


def granted(client_id: UUID, agency_id: UUID, delegation_id: UUID, days: float = 365) -> DelegationGranted:
    return DelegationGranted(
        organization_id=client_id,
        time=NOW,
        version=2,
        delegation_id=delegation_id,
        agency_id=agency_id,
        roles=["editor"],
        ends_at=NOW + timedelta(days=days),
    )


def revoked(client_id: UUID, agency_id: UUID, delegation_id: UUID) -> DelegationRevoked:
    return DelegationRevoked(
        organization_id=client_id,
        time=NOW,
        version=3,
        delegation_id=delegation_id,
        agency_id=agency_id,
        because="client",
    )


async def buys(database: Database, organization_id: UUID, plan: str) -> None:
    """What a reading of its subscription comes to."""
    async with database.transaction(organization_id) as tx:
        await GrantRepository(tx).lock()
        await own(tx, Own(plan, 1))


async def begin(agency: httpx.AsyncClient, client_id: UUID) -> httpx.Response:
    return await agency.post(PATH, json={"organization_id": str(client_id)})


async def settled(database: Database) -> None:
    while await SponsorshipService(database).settle_clients():
        pass


async def test_a_client_follows_what_its_agency_pays_for(asking: Asking, ear: Ear, database: Database) -> None:
    agency_id, client_id, other_id, delegation_id = (new_id() for _ in range(4))
    await ear.hear(created(agency_id), created(client_id), created(other_id))
    await ear.hear(granted(client_id, agency_id, delegation_id))
    agency = asking(agency_id)
    assert (await begin(agency, client_id)).json()["type"].endswith("plan-sponsors-nobody")
    await buys(database, agency_id, "agency")
    assert (await begin(agency, other_id)).json()["type"].endswith("not-its-agency")
    key = {"idempotency-key": "once"}
    answers = [await agency.post(PATH, json={"organization_id": str(client_id)}, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    await settled(database)
    assert (await ear.organization(client_id)).plan == "pro"
    assert (await begin(agency, client_id)).json()["type"].endswith("sponsored-already")
    await buys(database, agency_id, "creator")
    await settled(database)
    assert (await ear.organization(client_id)).plan == "free"
    await buys(database, agency_id, "agency")
    await settled(database)
    await settled(database)
    assert (await ear.organization(client_id)).plan == "pro"
    assert [told.plan for told in await ear.told([client_id])] == ["free", "pro", "free", "pro"]
    assert (await ear.organization(other_id)).plan == "free"


async def test_either_side_ends_it_and_nobody_else_sees_it(asking: Asking, ear: Ear, database: Database) -> None:
    agency_id, client_id, other_id = (new_id() for _ in range(3))
    await ear.hear(created(agency_id), created(client_id), granted(client_id, agency_id, new_id()))
    await buys(database, agency_id, "agency")
    for side, because in ((agency_id, "agency"), (client_id, "client")):
        found = (await begin(asking(agency_id), client_id)).json()
        await settled(database)
        assert (await asking(other_id).delete(f"{PATH}/{found['id']}")).status_code == 404
        assert (await asking(other_id).get(PATH)).json()["items"] == []
        assert (await asking(side, role="admin").delete(f"{PATH}/{found['id']}")).status_code == 403
        assert (await asking(side).delete(f"{PATH}/{found['id']}")).status_code == 204
        assert (await asking(side).delete(f"{PATH}/{found['id']}")).status_code == 409
        await settled(database)
        assert (await ear.organization(client_id)).plan == "free"
        shown = (await asking(client_id).get(PATH)).json()["items"][0]
        assert (shown["ended_because"], shown["plan"]) == (because, "")
    facts = [fact for fact in await ear.facts(client_id) if fact.startswith("Sponsorship")]
    assert facts == ["SponsorshipBegun", "SponsorshipEnded"] * 2
    lines = [line.action for line in await ear.audited(agency_id) if "sponsorship" in line.action]
    assert lines == ["billing.sponsorship.begun", "billing.sponsorship.ended"] * 2


async def test_it_ends_with_the_delegation_in_whatever_order_that_is_heard_of(
    asking: Asking, ear: Ear, database: Database
) -> None:
    for order in itertools.permutations(range(2)):
        agency_id, client_id, delegation_id = (new_id() for _ in range(3))
        await ear.hear(created(agency_id), created(client_id))
        await buys(database, agency_id, "agency")
        events = (granted(client_id, agency_id, delegation_id), revoked(client_id, agency_id, delegation_id))
        began = []
        for number in order:
            await ear.hear(events[number])
            await ear.hear(events[number], generation=1)
            began.append((await begin(asking(agency_id), client_id)).status_code)
        assert began == ([201, 409] if order == (0, 1) else [409, 409])
        await settled(database)
        assert (await ear.organization(client_id)).plan == "free"


async def test_an_agency_pays_for_so_many_clients_and_no_more_however_many_are_asked_for_at_once(
    asking: Asking, ear: Ear, database: Database
) -> None:
    agency_id, most = new_id(), SPONSORING["agency"].clients
    clients = [new_id() for _ in range(most + 3)]
    await ear.hear(created(agency_id), *(granted(client, agency_id, new_id()) for client in clients))
    await buys(database, agency_id, "agency")
    agency = asking(agency_id)
    answers = await asyncio.gather(*(begin(agency, client) for client in clients))
    assert sorted(answer.status_code for answer in answers) == [201] * most + [409] * 3


async def test_a_delegation_that_has_ended_by_itself_lets_nobody_pay(
    asking: Asking, ear: Ear, database: Database
) -> None:
    agency_id, client_id = new_id(), new_id()
    await ear.hear(created(agency_id), created(client_id), granted(client_id, agency_id, new_id(), days=-1))
    await buys(database, agency_id, "agency")
    assert (await begin(asking(agency_id), client_id)).json()["type"].endswith("not-its-agency")
