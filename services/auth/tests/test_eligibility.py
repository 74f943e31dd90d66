"""Who may have a subscription, and claiming one that was bought before signing up."""

import asyncio
import hashlib
from typing import Any
from uuid import UUID

import httpx
import pytest

from auth.eligibility.errors import CodeMalformed
from auth.eligibility.model import Eligibility, Owned, Reason, hash_of
from contracts.auth import AuthAuditRecorded, SubscriptionClaimed, SubscriptionClaimWithdrawn
from kit.ids import new_id

from .conftest import Forward
from .story import Person, Story, problem

CODE = "0123456789ABCDEFGHJKMNPQRS"
OTHER = "ZYXWVTSRQPNMKJHGFEDCBA9876"


def owned(plan: str | None = "free", *, pending: bool = False) -> Owned:
    return Owned(new_id(), plan, pending)


@pytest.mark.parametrize(
    ("verified", "suspended", "several", "reasons", "eligible"),
    [
        (True, False, [owned()], (), True),
        (True, False, [owned(None)], (), True),
        (True, False, [owned("pro")], (), False),
        (True, False, [owned("pro"), owned()], (), True),
        (True, False, [owned(pending=True)], (), False),
        (True, False, [], (Reason.NO_ORGANIZATION,), False),
        (False, False, [owned()], (Reason.ADDRESS_NOT_VERIFIED,), False),
        (True, True, [owned()], (Reason.ACCOUNT_SUSPENDED,), False),
    ],
)
def test_why_somebody_may_not(
    verified: bool, suspended: bool, several: list[Owned], reasons: tuple[Reason, ...], eligible: bool
) -> None:
    found = Eligibility(verified, suspended, several)
    assert (found.reasons, found.eligible) == (reasons, eligible)


def test_a_code_is_the_same_however_it_is_typed() -> None:
    expected = hashlib.sha256(CODE.encode()).digest()
    assert hash_of("0123-4567 89ab-cdef-ghjk-mnpq-rs") == expected
    assert hash_of("O1Z3456789ABCDEFGHJKMNPQRS".replace("Z", "2")) == expected, "a letter O is a nought"
    for wrong in ("", CODE[:-1], CODE + "0", "U" + CODE[1:], "ß" * 26):
        with pytest.raises(CodeMalformed):
            hash_of(wrong)


class Buyer:
    """An owner and their organization."""

    def __init__(self, person: Person, organization_id: str) -> None:
        self.person, self.id = person, organization_id
        self.path = f"/v1/organizations/{organization_id}/subscription-claims"

    async def claim(self, code: str = CODE) -> httpx.Response:
        return await self.person.call("POST", self.path, json={"code": code})

    async def eligible(self) -> dict[str, Any]:
        answer = await self.person.call("GET", "/v1/me/subscription-eligibility")
        assert answer.status_code == 200, answer.text
        me = (await self.person.call("GET", "/v1/me")).json()
        found: dict[str, Any] = answer.json()
        assert me["subscription_eligible"] is found["eligible"]
        return found


@pytest.fixture
async def buyer(story: Story) -> Buyer:
    ada = await story.person("ada@buyer.test")
    return Buyer(ada, await ada.create())


async def test_who_owns_an_organization_without_a_plan_may_start_one(story: Story, buyer: Buyer) -> None:
    stranger = Buyer(await story.member(buyer.person, buyer.id, "bob@buyer.test", "admin"), buyer.id)
    found = await stranger.eligible()
    assert (found["eligible"], [each["code"] for each in found["reasons"]]) == (False, ["no-organization"])
    found = await buyer.eligible()
    assert (found["eligible"], found["reasons"]) == (True, [])
    assert [(each["organization_id"], each["eligible"]) for each in found["organizations"]] == [(buyer.id, True)]
    await story.grant(buyer.id, plan="pro", seats=10)
    found = await buyer.eligible()
    assert found["eligible"] is False
    (only,) = found["organizations"]
    assert (only["plan"], [each["code"] for each in only["reasons"]]) == ("pro", ["subscribed-already"])
    assert (await buyer.person.call("GET", "/v1/me/subscription-eligibility")).json()["organizations"] != []


async def test_a_claim_is_told_by_hash_and_the_same_code_is_the_same_claim(story: Story, buyer: Buyer) -> None:
    answers = await asyncio.gather(*(buyer.claim() for _ in range(6)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    (claimed,) = await story.told(SubscriptionClaimed)
    assert isinstance(claimed, SubscriptionClaimed)
    assert (str(claimed.organization_id), claimed.code_hash) == (buyer.id, hashlib.sha256(CODE.encode()).hexdigest())
    assert CODE not in "".join(
        row["b"] for row in await story.admin("SELECT encode(body, 'escape') AS b FROM outbox")
    )
    assert problem(await buyer.claim(OTHER)) == (409, "claim-pending")
    assert [each["code"] for each in (await buyer.eligible())["organizations"][0]["reasons"]] == ["claim-pending"]
    assert problem(await buyer.claim("nonsense")) == (422, "code-malformed")


async def test_a_code_is_one_organizations(story: Story, buyer: Buyer) -> None:
    eve = await story.person("eve@buyer.test")
    other = Buyer(eve, await eve.create())
    answers = await asyncio.gather(buyer.claim(), other.claim())
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    loser = other if answers[0].status_code == 201 else buyer
    assert problem(await loser.claim()) == (409, "code-taken")
    assert (await loser.person.call("GET", loser.path)).json()["items"] == []
    assert await story.count("subscription_claims", UUID(loser.id)) == 0


async def test_a_plan_that_is_paid_for_settles_the_claim(story: Story, buyer: Buyer) -> None:
    claim = (await buyer.claim()).json()["id"]
    await story.grant(buyer.id, version=1)
    (shown,) = (await buyer.person.call("GET", buyer.path)).json()["items"]
    assert shown["state"] == "pending", "the free plan is nothing that was bought"
    await story.grant(buyer.id, version=2, plan="pro", seats=10)
    (shown,) = (await buyer.person.call("GET", buyer.path)).json()["items"]
    assert (shown["id"], shown["state"]) == (claim, "linked")
    assert problem(await buyer.person.call("DELETE", f"{buyer.path}/{claim}")) == (409, "claim-settled")
    assert (await buyer.claim()).json()["id"] == claim, "the same code is the same claim"
    assert problem(await buyer.claim(OTHER)) == (409, "subscribed-already")


async def test_a_claim_is_taken_back_and_lapses(story: Story, buyer: Buyer, forward: Forward) -> None:
    mistyped = (await buyer.claim(OTHER)).json()["id"]
    for _ in range(2):
        assert (await buyer.person.call("DELETE", f"{buyer.path}/{mistyped}")).status_code == 204
    (withdrawn,) = await story.told(SubscriptionClaimWithdrawn)
    assert (str(withdrawn.organization_id), withdrawn.version) == (buyer.id, 2)
    assert (await buyer.claim()).status_code == 201
    await forward(15 * 86_400)
    buyer.person.tokens = (await story.sign_in("ada@buyer.test")).json()
    assert (await buyer.eligible())["eligible"] is True, "what nobody has found in two weeks is in nobody's way"
    eve = await story.person("eve@buyer.test")
    other = Buyer(eve, await eve.create())
    assert (await other.claim()).status_code == 201, "nor in that of whom it belongs to"
    lines = [each.action for each in await story.told(AuthAuditRecorded) if isinstance(each, AuthAuditRecorded)]
    assert lines.count("auth.subscription.claimed") == 3
    assert lines.count("auth.subscription.claim_withdrawn") == 1


async def test_only_a_verified_owner_who_has_just_proven_themselves_claims(
    story: Story, buyer: Buyer, forward: Forward
) -> None:
    admin = Buyer(await story.member(buyer.person, buyer.id, "bob@buyer.test", "admin"), buyer.id)
    assert problem(await admin.claim()) == (403, "role-missing")
    await story.admin("UPDATE users SET verified_at = NULL WHERE id = $1", UUID(buyer.person.user_id))
    assert problem(await buyer.claim()) == (403, "address-not-verified")
    found = await buyer.eligible()
    assert [each["code"] for each in found["reasons"]] == ["address-not-verified"]
    await story.admin("UPDATE users SET verified_at = now() WHERE id = $1", UUID(buyer.person.user_id))
    await forward(3600)
    await buyer.person.refresh(buyer.id)
    assert problem(await buyer.claim()) == (403, "step-up-needed")
