"""The numbers beside the views are those that a count would give, whatever happens at once."""

import asyncio
import random
from collections import Counter
from typing import Any

import pytest

from kit.ids import new_id

from .hearing import added, removed
from .house import House
from .test_conversations import spoken
from .test_states import change
from .test_teams import created, deleted


async def recounted(house: House) -> dict[str, Any]:
    """What a count of the rows says, in the shape of the answer."""
    rows = await house.rows(
        """
        SELECT assignee_id, team_id, channel_id, state, unread_count > 0 AS unread FROM conversations
        WHERE organization_id = $1 AND state <> 'resolved'
        """,
        house.organization_id,
    )
    views: dict[tuple[str, str], Counter[str]] = {}
    for row in rows:
        names = [("all", ""), ("channels", str(row["channel_id"]))]
        names.append(("assignees", str(row["assignee_id"])) if row["assignee_id"] else ("unassigned", ""))
        names += [("teams", str(row["team_id"]))] if row["team_id"] else []
        for name in names:
            numbers = views.setdefault(name, Counter())
            numbers[row["state"]] += 1
            numbers["unread"] += row["state"] == "open" and row["unread"]
    return {
        "all": _numbers(views.get(("all", ""), Counter())),
        "unassigned": _numbers(views.get(("unassigned", ""), Counter())),
        **{
            group: {key: _numbers(each) for (kind, key), each in views.items() if kind == group}
            for group in ("assignees", "teams", "channels")
        },
    }


def _numbers(counter: Counter[str]) -> dict[str, int]:
    return {name: counter[name] for name in ("open", "pending", "snoozed", "unread")}


async def shown(house: House) -> dict[str, Any]:
    """What the door says, without the groups that have none."""
    told = await house.get("/v1/conversation-counts")
    for group in ("assignees", "teams", "channels"):
        told[group] = {
            each["id"]: {name: value for name, value in each.items() if name != "id"} for each in told[group]
        }
        told[group] = {key: each for key, each in told[group].items() if any(each.values())}
    told.pop("mine")
    found: dict[str, Any] = told
    return found


async def test_counts_follow_what_happens_to_a_conversation(house: House) -> None:
    one, two, three = await spoken(house, 3)
    assert (await shown(house))["all"] == {"open": 3, "pending": 0, "snoozed": 0, "unread": 3}
    member = await house.member()
    await change(house, one, assignee_id=str(member))
    await change(house, two, state="resolved")
    await house.ask("POST", f"/v1/conversations/{three['id']}/read", json={})
    now = await shown(house)
    assert now["all"] == {"open": 2, "pending": 0, "snoozed": 0, "unread": 1}
    assert now["assignees"] == {str(member): {"open": 1, "pending": 0, "snoozed": 0, "unread": 1}}
    assert now["unassigned"] == {"open": 1, "pending": 0, "snoozed": 0, "unread": 0}
    assert now == await recounted(house)
    other = await house.get("/v1/conversation-counts", by=new_id())
    assert (other["all"]["open"], other["assignees"], other["channels"]) == (0, [], [])


async def test_what_is_mine_is_the_callers(house: House) -> None:
    conversation, _ = await spoken(house, 2)
    caller = added(house.organization_id)
    await house.hear(caller)
    await change(house, conversation, assignee_id=str(caller.user_id))
    token = house.issuer.token(house.database.clock.now(), house.organization_id, "agent", sub=str(caller.user_id))
    answer = await house.client.get("/v1/conversation-counts", headers={"authorization": f"Bearer {token}"})
    assert answer.json()["mine"] == {"open": 1, "pending": 0, "snoozed": 0, "unread": 1}
    assert (await house.get("/v1/conversation-counts"))["mine"]["open"] == 0


async def test_counts_equal_a_recount_after_everything_at_once(house: House) -> None:
    """People write, the team reads, assigns and resolves, a member and a team go, and changes are added up."""
    chance = random.Random(11)
    conversations = await spoken(house, 6)
    members = [added(house.organization_id) for _ in range(3)]
    team = created(house.organization_id)
    await house.hear(*members, team)

    async def meddle(conversation: dict[str, Any]) -> None:
        for _ in range(6):
            wanted: dict[str, Any] = chance.choice(
                [
                    {"state": "resolved"},
                    {"state": "open"},
                    {"state": "pending"},
                    {"state": "snoozed"},
                    {"assignee_id": str(chance.choice(members).user_id)},
                    {"assignee_id": None},
                    {"team_id": str(team.team_id)},
                ]
            )
            answer = await change(house, conversation, **wanted)
            assert answer.status_code in {200, 409, 412, 422}, answer.text
            await house.ask("POST", f"/v1/conversations/{conversation['id']}/read", json={})

    async def fold() -> None:
        for _ in range(20):
            await house.parts.counts.fold()
            now = (await shown(house))["all"]
            assert 0 <= now["open"] + now["pending"] + now["snoozed"] <= 6

    async with house.working(2):
        await asyncio.gather(
            *(meddle(each) for each in conversations),
            *(house.say(str(n), person=f"1650555{n % 6:04d}") for n in range(24)),
            fold(),
            fold(),
        )
    await house.reduce()
    assert await shown(house) == await recounted(house)
    await house.hear(removed(members[0]), deleted(team))
    assert await shown(house) == await recounted(house)
    while await house.count("SELECT count(*) FROM conversation_counts WHERE NOT folded"):
        await house.parts.counts.fold()
    assert await shown(house) == await recounted(house)
    assert await house.count("SELECT count(*) FROM conversation_counts WHERE n < 0") == 0


async def test_a_fold_that_is_not_committed_changes_no_sum(house: House) -> None:
    await spoken(house, 2)
    before = await shown(house)
    with pytest.raises(_Dies):
        await _fold_and_die(house)
    assert await shown(house) == before == await recounted(house)
    await house.parts.counts.fold()
    assert await shown(house) == before


class _Dies(Exception):
    pass


async def _fold_and_die(house: House) -> None:
    async with house.database.transaction() as tx:
        assert await tx.fetchval("SELECT fold_conversation_counts(100)") > 0
        raise _Dies
