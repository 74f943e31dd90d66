from billing.entitlements.model import Own
from billing.entitlements.service import own
from billing.grants.repository import GrantRepository
from kit.db.database import Database
from kit.ids import new_id
from kit.testing.tokens import Issuer

from .conftest import Asking
from .hearing import Ear, added, created, removed

PATH = "/v1/billing/organization"


async def test_members_see_plan_limits_and_seats_of_the_tokens_organization_only(asking: Asking, ear: Ear) -> None:
    ours, theirs = new_id(), new_id()
    await ear.hear(created(ours), created(theirs), added(ours, new_id()), added(theirs, new_id()))
    await ear.hear(added(theirs, new_id()))
    answer = await asking(ours, role="analyst").get(PATH)
    assert answer.status_code == 200
    assert answer.json() == {
        "organization_id": str(ours),
        "plan": "free",
        "status": "active",
        "seats_used": 1,
        "entitlements": {
            "seats": 3,
            "connected_accounts": 3,
            "posts_per_month": 30,
            "generations_per_month": 20,
            "messages_per_month": 500,
            "storage_mb": 500,
        },
        "version": 3,
    }
    other = (await asking(theirs).get(PATH)).json()
    assert (other["organization_id"], other["seats_used"]) == (str(theirs), 2)


async def test_who_has_the_newest_version_is_answered_304_until_something_changes(asking: Asking, ear: Ear) -> None:
    organization_id, member = new_id(), new_id()
    await ear.hear(created(organization_id), added(organization_id, member))
    client = asking(organization_id)
    first = await client.get(PATH)
    again = await client.get(PATH, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    await ear.hear(removed(organization_id, member))
    changed = await client.get(PATH, headers={"if-none-match": first.headers["etag"]})
    assert changed.status_code == 200
    assert changed.json()["seats_used"] == 0
    assert changed.headers["etag"] != first.headers["etag"]


async def test_one_organizations_etag_is_worth_nothing_to_another(asking: Asking, ear: Ear) -> None:
    ours, theirs = new_id(), new_id()
    await ear.hear(created(ours), created(theirs))
    read = await asking(ours).get(PATH)
    switched = await asking(theirs).get(PATH, headers={"if-none-match": read.headers["etag"]})
    assert switched.status_code == 200
    assert (switched.json()["organization_id"], switched.json()["version"]) == (str(theirs), read.json()["version"])


async def test_an_organization_billing_has_not_heard_of_is_a_404_that_says_when_to_ask_again(
    asking: Asking, ear: Ear
) -> None:
    await ear.hear(created(new_id()))
    organization_id = new_id()
    client = asking(organization_id)
    answer = await client.get(PATH)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:rostrum:problem:organization-not-heard-of"
    assert answer.json()["retry_after"] == 1
    await ear.hear(created(organization_id))
    assert (await client.get(PATH)).status_code == 200


async def test_without_a_good_token_nothing_is_shown(asking: Asking, ear: Ear, database: Database) -> None:
    organization_id = new_id()
    await ear.hear(created(organization_id))
    refused = [
        asking(organization_id, by=Issuer()),
        asking(organization_id, aud="another-api"),
        asking(organization_id, iss="https://elsewhere.test"),
        asking(organization_id, exp=int(database.clock.now().timestamp()) - 60),
    ]
    for client in refused:
        answer = await client.get(PATH)
        assert (answer.status_code, answer.json()["type"]) == (401, "urn:rostrum:problem:invalid-token")
    bare = await asking(organization_id).get(PATH, headers={"authorization": ""})
    assert bare.status_code == 401


async def test_a_token_without_an_organization_is_told_to_get_one(asking: Asking) -> None:
    answer = await asking(None).get(PATH)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:rostrum:problem:no-organization")


async def test_gateways_learn_every_organizations_plan_page_by_page(asking: Asking, ear: Ear) -> None:
    organizations = sorted(new_id() for _ in range(5))
    await ear.hear(*map(created, organizations))
    client = asking(None)
    told, after = [], "00000000-0000-0000-0000-000000000000"
    while after:
        page = (await client.get("/internal/plans", params={"after": after, "limit": 2})).json()
        assert len(page["plans"]) <= 2
        told += page["plans"]
        after = page["next"]
    assert told == [{"organization_id": str(each), "plan": "free", "version": 1} for each in organizations]


async def test_a_page_of_plans_has_a_bound(asking: Asking) -> None:
    client = asking(None)
    for wrong in ({"limit": 0}, {"limit": 10_001}, {"after": "x"}):
        assert (await client.get("/internal/plans", params=wrong)).status_code == 422
    assert (await client.get("/internal/plans")).json() == {"plans": [], "next": None}


async def test_seats_that_are_paid_for_stay_so_when_a_member_goes(
    asking: Asking, ear: Ear, database: Database
) -> None:
    ours, member = new_id(), new_id()
    await ear.hear(created(ours), added(ours, member), added(ours, new_id()))
    async with database.transaction(ours) as tx:
        await GrantRepository(tx).lock()
        await own(tx, Own("agency", 1, 5))
    path = "/v1/billing/seats"
    before = (await asking(ours).get(path)).json()
    assert (before["billed"], before["taken"]) == (5, 2)
    await ear.hear(removed(ours, member))
    after = (await asking(ours).get(path)).json()
    assert after == {**before, "taken": 1, "free": before["free"] + 1}
    assert after["unused_billed"] == 5
    assert (await asking(ours, role="client").get(path)).status_code == 403
    assert (await asking(new_id()).get(path)).status_code == 404
