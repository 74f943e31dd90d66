"""Handing an organization over, and that it is never without an owner."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from contracts.auth import MemberRoleChanged, OwnershipOffered, OwnershipTransferred, OwnershipWithdrawn
from kit.privacy.person import Person as Subject

from .conftest import Forward
from .forgetting import Asking
from .story import Person, Story, problem, text_of

WEEK = 7 * 86_400


class House:
    """An organization of Ada's, to which Bob belongs."""

    def __init__(self, story: Story, ada: Person, bob: Person, organization_id: str, bobs: str) -> None:
        self.story, self.ada, self.bob, self.id, self.bobs = story, ada, bob, organization_id, bobs
        self.path = f"/v1/organizations/{organization_id}"

    async def offer(self, by: Person | None = None, member: str = "", **more: Any) -> httpx.Response:
        body = {"member_id": member or self.bobs}
        return await (by or self.ada).call("POST", f"{self.path}/ownership-transfers", json=body, **more)

    async def offered(self) -> str:
        answer = await self.offer()
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def accept(self, transfer_id: str, by: Person | None = None) -> httpx.Response:
        path = f"{self.path}/ownership-transfers/{transfer_id}/acceptance"
        return await (by or self.bob).call("POST", path)

    async def withdraw(self, transfer_id: str, by: Person) -> httpx.Response:
        return await by.call("DELETE", f"{self.path}/ownership-transfers/{transfer_id}")

    async def change(self, member_id: str, role: str, by: Person | None = None) -> httpx.Response:
        return await (by or self.ada).call("PATCH", f"{self.path}/members/{member_id}", json={"role": role})

    async def leave(self, by: Person) -> httpx.Response:
        return await by.call("DELETE", f"{self.path}/members/me")

    async def roles(self) -> dict[str, str]:
        rows = await self.story.admin(
            "SELECT m.role, m.user_id FROM members AS m WHERE m.organization_id = $1", UUID(self.id)
        )
        names = {self.ada.user_id: "ada", self.bob.user_id: "bob"}
        return {names[str(row["user_id"])]: row["role"] for row in rows if str(row["user_id"]) in names}


@pytest.fixture
async def house(story: Story) -> House:
    ada = await story.person("ada@own.test")
    organization_id = await ada.create()
    bob = await story.member(ada, organization_id, "bob@own.test", "editor")
    member_id = (await ada.members(organization_id))["bob@own.test"]["id"]
    return House(story, ada, bob, organization_id, member_id)


async def test_who_accepts_is_the_owner_and_who_gave_an_administrator_in_one_step(story: Story, house: House) -> None:
    transfer_id = await house.offered()
    await story.deliver()
    assert any("offers it to you" in text_of(each) for each in story.postbox.to(house.bob.email))
    answer = await house.accept(transfer_id)
    assert (answer.status_code, answer.json()["state"]) == (200, "accepted"), answer.text
    assert await house.roles() == {"ada": "admin", "bob": "owner"}
    (offered,) = await story.told(OwnershipOffered)
    (transferred,) = await story.told(OwnershipTransferred)
    changed = await story.told(MemberRoleChanged)
    assert isinstance(offered, OwnershipOffered)
    assert isinstance(transferred, OwnershipTransferred)
    assert str(offered.organization_id) == str(transferred.organization_id) == house.id
    assert (str(transferred.from_user_id), str(transferred.to_user_id)) == (house.ada.user_id, house.bob.user_id)
    assert {each.role for each in changed if isinstance(each, MemberRoleChanged)} == {"owner", "admin"}
    assert (await house.ada.refresh(house.id)).json()["role"] == "admin"
    assert (await house.bob.refresh(house.id)).json()["role"] == "owner"
    assert (await house.accept(transfer_id)).status_code == 200, "the answer may have been lost"
    assert len(await story.told(OwnershipTransferred)) == 1


async def test_only_an_owner_who_has_just_proven_themselves_offers(house: House, forward: Forward) -> None:
    assert problem(await house.offer(house.bob)) == (403, "role-missing")
    mine = (await house.ada.members(house.id))[house.ada.email]["id"]
    assert problem(await house.offer(member=mine)) == (409, "owner-already")
    assert problem(await house.offer(member="019bc1a2-7f00-7000-8000-000000000001")) == (404, "member-not-found")
    await forward(3600)
    await house.ada.refresh(house.id)
    assert problem(await house.offer()) == (403, "step-up-needed")
    assert problem(await house.change(house.bobs, "owner")) == (403, "step-up-needed"), "nor is anybody made an owner"


async def test_there_is_one_offer_at_a_time_and_the_same_request_twice_makes_one(house: House) -> None:
    answers = await asyncio.gather(*(house.offer(headers={"idempotency-key": "once"}) for _ in range(5)))
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert problem(await house.offer()) == (409, "transfer-pending")
    assert (await house.withdraw(answers[0].json()["id"], house.ada)).status_code == 204
    assert (await house.offer()).status_code == 201


async def test_an_offer_is_taken_back_declined_and_expires(story: Story, house: House, forward: Forward) -> None:
    taken_back = await house.offered()
    assert (await house.withdraw(taken_back, house.ada)).status_code == 204
    assert problem(await house.accept(taken_back)) == (410, "transfer-gone")
    declined = await house.offered()
    assert (await house.withdraw(declined, house.bob)).status_code == 204
    assert (await house.withdraw(declined, house.bob)).status_code == 204
    assert len(await story.told(OwnershipWithdrawn)) == 2
    late = await house.offered()
    await forward(WEEK + 1)
    bob = await story.sign_in("bob@own.test")
    house.bob.tokens = bob.json()
    assert problem(await house.accept(late)) == (410, "transfer-gone")
    house.ada.tokens = (await story.sign_in("ada@own.test")).json()
    assert (await house.offer()).status_code == 201, "one that expired is not in the way"
    assert await house.roles() == {"ada": "owner", "bob": "editor"}


async def test_nobody_accepts_what_is_offered_to_another_or_elsewhere(story: Story, house: House) -> None:
    carol = await story.member(house.ada, house.id, "carol@own.test", "admin")
    transfer_id = await house.offered()
    assert problem(await house.accept(transfer_id, carol)) == (404, "transfer-not-found")
    assert problem(await house.withdraw(transfer_id, carol)) == (404, "transfer-not-found")
    seen = await carol.call("GET", f"{house.path}/ownership-transfers")
    assert seen.json()["items"] == []
    for person in (house.ada, house.bob):
        shown = await person.call("GET", f"{house.path}/ownership-transfers")
        assert [each["id"] for each in shown.json()["items"]] == [transfer_id]
    other = await house.bob.create("Other")
    path = f"/v1/organizations/{other}/ownership-transfers/{transfer_id}"
    assert problem(await house.bob.call("POST", f"{path}/acceptance")) == (404, "transfer-not-found")
    assert problem(await house.bob.call("DELETE", path)) == (404, "transfer-not-found")


async def test_what_is_not_the_givers_any_more_cannot_be_taken(story: Story, house: House) -> None:
    transfer_id = await house.offered()
    carol = await story.member(house.ada, house.id, "carol@own.test", "owner")
    adas = (await house.ada.members(house.id))[house.ada.email]["id"]
    assert (await house.change(adas, "editor", carol)).status_code == 200
    assert problem(await house.accept(transfer_id)) == (410, "transfer-gone")
    assert await house.roles() == {"ada": "editor", "bob": "editor"}


async def test_an_offer_ends_with_either_membership(story: Story, house: House) -> None:
    transfer_id = await house.offered()
    assert (await house.leave(house.bob)).status_code == 204
    (withdrawn,) = await story.told(OwnershipWithdrawn)
    assert isinstance(withdrawn, OwnershipWithdrawn)
    assert (str(withdrawn.transfer_id), withdrawn.version) == (transfer_id, 2)
    assert await story.count("ownership_transfers", UUID(house.id)) == 0


async def test_of_two_last_owners_who_leave_at_once_one_stays(house: House) -> None:
    assert (await house.change(house.bobs, "owner")).status_code == 200
    answers = await asyncio.gather(house.leave(house.ada), house.leave(house.bob))
    assert sorted(answer.status_code for answer in answers) == [204, 409]
    assert list((await house.roles()).values()) == ["owner"]


async def test_one_leaving_while_the_other_is_demoted_leaves_an_owner(house: House) -> None:
    assert (await house.change(house.bobs, "owner")).status_code == 200
    adas = (await house.ada.members(house.id))[house.ada.email]["id"]
    answers = await asyncio.gather(house.leave(house.bob), house.change(adas, "editor", house.ada))
    assert max(answer.status_code for answer in answers) == 409
    assert "owner" in (await house.roles()).values()


async def test_leaving_while_the_other_owner_is_erased_leaves_an_owner(story: Story, house: House) -> None:
    assert (await house.change(house.bobs, "owner")).status_code == 200
    asking = Asking(story)
    await asking.erasure(Subject("user", UUID(house.bob.user_id)))
    answer, _ = await asyncio.gather(house.leave(house.ada), asking.work())
    (said,) = await asking.answers()
    assert (answer.status_code, said.outcome) in {(204, "blocked"), (409, "done")}
    assert "owner" in (await house.roles()).values()


async def test_accepting_while_the_giver_leaves_or_takes_it_back_is_one_or_the_other(house: House) -> None:
    transfer_id = await house.offered()
    taken, withdrawn = await asyncio.gather(house.accept(transfer_id), house.withdraw(transfer_id, house.ada))
    assert (taken.status_code, withdrawn.status_code) in {(200, 410), (410, 204)}
    expected = "owner" if taken.status_code == 200 else "editor"
    assert (await house.roles())["bob"] == expected
