"""A conversation belongs to somebody who works in the inbox, or to everybody."""

import asyncio
from itertools import permutations
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from contracts.inbox import ConversationChanged
from kit.db.database import Database
from kit.ids import new_id

from .hearing import added, changed, removed
from .house import House
from .test_conversations import spoken


async def assign(house: House, conversation: dict[str, Any], user_id: UUID | None) -> Any:
    """Give it to somebody, as it stands now."""
    path = f"/v1/conversations/{conversation['id']}"
    tag = {"if-match": f'"v{(await house.get(path))["version"]}"'}
    told = {"assignee_id": str(user_id) if user_id else None}
    return await house.ask("PATCH", path, json=told, headers=tag)


async def holder(house: House, conversation: dict[str, Any]) -> str | None:
    found: str | None = (await house.get(f"/v1/conversations/{conversation['id']}"))["assignee_id"]
    return found


async def refused(house: House, conversation: dict[str, Any], user_id: UUID) -> bool:
    answer = await assign(house, conversation, user_id)
    if answer.status_code == 200:
        return False
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:rostrum:problem:assignee-not-a-member")
    assert [each["pointer"] for each in answer.json()["errors"]] == ["#/assignee_id"]
    return True


async def test_only_those_who_answer_are_given_a_conversation(house: House) -> None:
    (conversation,) = await spoken(house, 1)
    for role in ("owner", "admin", "agent"):
        assert not await refused(house, conversation, await house.member(role)), role
    for role in ("editor", "approver", "analyst", "client", "provider", "navigator", "one_of_tomorrow"):
        assert await refused(house, conversation, await house.member(role)), role
    elsewhere = added(new_id())
    await house.hear(elsewhere)
    assert await refused(house, conversation, elsewhere.user_id)
    assert await refused(house, conversation, new_id())


async def test_what_is_wrong_with_the_version_or_the_conversation_is_said_first(house: House) -> None:
    (conversation,) = await spoken(house, 1)
    told = {"assignee_id": str(new_id())}
    stale = await house.ask(
        "PATCH", f"/v1/conversations/{conversation['id']}", json=told, headers={"if-match": '"v999"'}
    )
    assert stale.status_code == 412
    missing = await house.ask("PATCH", f"/v1/conversations/{new_id()}", json=told, headers={"if-match": '"v1"'})
    assert missing.status_code == 404


@pytest.mark.parametrize("leaves", [True, False], ids=["removed", "another role"])
async def test_who_leaves_gives_their_conversations_back(house: House, *, leaves: bool) -> None:
    one, two, other = await spoken(house, 3)
    member, colleague = added(house.organization_id), added(house.organization_id)
    await house.hear(member, colleague)
    for conversation, user_id in ((one, member.user_id), (two, member.user_id), (other, colleague.user_id)):
        assert (await assign(house, conversation, user_id)).status_code == 200
    before = {each["id"]: each["version"] for each in (await house.get("/v1/conversations"))["items"]}
    told_before = len(await house.told())
    event = removed(member) if leaves else changed(member, "editor")
    await house.hear(event, event)
    await house.hear(event)
    await house.hear(event, generation=1)
    shown = {each["id"]: each for each in (await house.get("/v1/conversations"))["items"]}
    assert [shown[each["id"]]["assignee_id"] for each in (one, two)] == [None, None]
    assert [shown[each["id"]]["version"] - before[each["id"]] for each in (one, two, other)] == [1, 1, 0]
    assert shown[other["id"]]["assignee_id"] == str(colleague.user_id)
    told = (await house.told())[told_before:]
    assert all(isinstance(each, ConversationChanged) and each.assignee_id is None for each in told)
    assert sorted((each.subject_id, each.version) for each in told) == sorted(
        (each["id"], shown[each["id"]]["version"]) for each in (one, two)
    )
    assert await refused(house, one, member.user_id)


async def test_more_conversations_than_a_batch_are_given_back(house: House) -> None:
    (conversation,) = await spoken(house, 1)
    member = added(house.organization_id)
    await house.hear(member)
    await assign(house, conversation, member.user_id)
    await house.rows(
        """
        INSERT INTO conversations (id, organization_id, channel_id, contact_id, state, assignee_id)
        SELECT gen_random_uuid(), organization_id, channel_id, contact_id, 'resolved', assignee_id
        FROM conversations, generate_series(1, 1200)
        """
    )
    told = len(await house.told())
    await house.hear(removed(member))
    assert await house.count("SELECT count(*) FROM conversations WHERE assignee_id IS NOT NULL") == 0
    assert len(await house.told()) - told == 1201


async def test_any_order_of_what_is_told_ends_the_same(house: House) -> None:
    (conversation,) = await spoken(house, 1)
    for order in permutations(range(3)):
        member = added(house.organization_id)
        story = (member, changed(member, "admin"), removed(member, 3))
        await house.hear(*(story[at] for at in order))
        await house.hear(*story, generation=1)
        assert await refused(house, conversation, member.user_id), order
    for order in permutations(range(3)):
        member = added(house.organization_id, "editor")
        story2 = (member, changed(member, "analyst"), changed(member, "agent", 3))
        await house.hear(*(story2[at] for at in order))
        assert not await refused(house, conversation, member.user_id), order


async def test_who_has_come_back_keeps_what_they_hold_when_the_old_end_is_told_late(house: House) -> None:
    (conversation,) = await spoken(house, 1)
    first = added(house.organization_id)
    back = added(house.organization_id, user_id=first.user_id)
    await house.hear(first, back)
    await assign(house, conversation, first.user_id)
    await house.hear(removed(first))
    assert await holder(house, conversation) == str(first.user_id)
    await house.hear(removed(back))
    assert await holder(house, conversation) is None


async def test_leaving_and_being_given_a_conversation_at_once_leaves_it_with_nobody(house: House) -> None:
    (conversation,) = await spoken(house, 1)
    for _ in range(5):
        member = added(house.organization_id)
        await house.hear(member)
        await asyncio.gather(assign(house, conversation, member.user_id), house.hear(removed(member)))
        assert await holder(house, conversation) is None


async def test_an_event_cannot_touch_a_member_of_another_organization(house: House, database_of: Database) -> None:
    member = added(house.organization_id)
    await house.hear(member)
    foreign = removed(member).model_copy(update={"organization_id": new_id()})
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await house.hear(foreign)
    async with database_of.transaction(new_id()) as tx:
        assert await tx.fetch("SELECT * FROM members") == []


@pytest.fixture
def database_of(house: House) -> Database:
    return house.database
