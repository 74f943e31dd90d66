import pytest

from kit.ids import new_id
from kit.testing.tokens import Issuer
from publisher.partner_queues.work import PartnerQueueWork

from .conftest import Asking
from .rows import Rows

PATH = "/v1/partner-queue"


async def test_an_organization_that_never_asked_has_a_closed_queue(asking: Asking) -> None:
    organization_id = new_id()
    answer = await asking(organization_id).get(PATH)
    assert answer.status_code == 200
    shown = answer.json()
    assert shown.pop("changed_at").endswith("Z")
    assert shown == {
        "organization_id": str(organization_id),
        "queue": f"shown/partner/{organization_id}",
        "state": "closed",
        "capacity": 10_000,
        "capacity_bytes": 64 * 1024 * 1024,
        "version": 0,
    }


async def test_a_queue_is_asked_for_opened_given_up_and_closed(asking: Asking, work: PartnerQueueWork) -> None:
    client = asking(new_id(), role="admin")
    asked = await client.put(PATH)
    assert (asked.status_code, asked.json()["state"], asked.json()["version"]) == (202, "opening", 1)
    await work.settle_next()
    opened = await client.get(PATH)
    assert (opened.json()["state"], opened.json()["version"]) == ("open", 2)
    assert (await client.get(PATH, headers={"if-none-match": opened.headers["etag"]})).status_code == 304
    given_up = await client.delete(PATH)
    assert (given_up.status_code, given_up.json()["state"]) == (202, "closing")
    await work.settle_next()
    assert (await client.get(PATH)).json()["state"] == "closed"


async def test_one_organizations_etag_is_worth_nothing_to_another(asking: Asking) -> None:
    asked = await asking(new_id()).put(PATH)
    other = asking(new_id())
    assert (await other.put(PATH)).json()["version"] == asked.json()["version"]
    assert (await other.get(PATH, headers={"if-none-match": asked.headers["etag"]})).status_code == 200


async def test_asking_twice_and_giving_up_twice_is_the_same_as_once(
    asking: Asking, work: PartnerQueueWork, rows: Rows
) -> None:
    organization_id = new_id()
    client = asking(organization_id)
    assert (await client.delete(PATH)).json()["state"] == "closed"
    assert (await client.put(PATH)).json() == (await client.put(PATH)).json()
    assert await work.settle_next()
    assert (await client.put(PATH)).json()["state"] == "open"
    assert not await work.settle_next()
    await client.delete(PATH)
    assert (await client.delete(PATH)).json()["version"] == 3
    assert await work.settle_next()
    assert not await work.settle_next()
    assert await rows.told(organization_id) == [("PartnerQueueOpened", 2), ("PartnerQueueClosed", 4)]


async def test_one_organizations_queue_says_nothing_of_anothers(asking: Asking, work: PartnerQueueWork) -> None:
    ours, theirs = asking(new_id()), asking(new_id())
    await ours.put(PATH)
    await work.settle_next()
    assert (await theirs.get(PATH)).json()["state"] == "closed"
    assert (await theirs.delete(PATH)).json()["state"] == "closed"
    assert (await ours.get(PATH)).json()["state"] == "open"


@pytest.mark.parametrize("role", ["editor", "approver", "agent", "analyst", "client", "provider", "navigator"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_only_owners_and_administrators_have_this_door(
    asking: Asking, rows: Rows, method: str, role: str
) -> None:
    organization_id = new_id()
    answer = await asking(organization_id, role=role).request(method, PATH)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:rostrum:problem:role-missing")
    assert await rows.state(organization_id) == "closed"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_without_a_good_token_or_an_organization_nothing_happens(
    asking: Asking, rows: Rows, method: str
) -> None:
    organization_id = new_id()
    forged = await asking(organization_id, by=Issuer()).request(method, PATH)
    assert forged.status_code == 401
    nowhere = await asking(None).request(method, PATH)
    assert (nowhere.status_code, nowhere.json()["type"]) == (403, "urn:rostrum:problem:no-organization")
    assert await rows.state(organization_id) == "closed"
