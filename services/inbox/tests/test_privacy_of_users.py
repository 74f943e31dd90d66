"""A user of the inbox is handed over and let go of."""

from dataclasses import replace

import pytest

from contracts.inbox import (
    ConversationChanged,
    InboxErasureAnswered,
)
from kit.ids import new_id
from kit.privacy.person import Person
from kit.testing.handing_over import by_table

from .hearing import added, removed
from .house import House
from .lives import (
    BOB,
    NAMING,
    SHEENA,
    Asking,
    agent,
    bearer,
    first_place,
    live,
    photograph,
    second_place,
)
from .test_privacy import Before, _through, tables_about


@pytest.fixture
def asking(house: House) -> Asking:
    return Asking(house)


async def test_a_user_is_handed_over_and_let_go_of_in_every_organization(house: House, asking: Asking) -> None:
    ours, theirs = await first_place(house), await second_place(house)
    user_id, colleague = new_id(), ours.agent_id
    for place in (ours, theirs):
        await agent(house, place.organization_id, user_id)
    of_user = [replace(place, agent_id=user_id) for place in (ours, theirs)]
    lives = [await live(house, place, SHEENA, "Sheena") for place in of_user]
    others = await live(house, ours, BOB, "Bob")
    past = added(third := new_id(), user_id=user_id)
    await house.hear(past, removed(past))
    await house.rows("UPDATE members SET user_id = $1 WHERE role = ''", user_id)  # as it was kept in former times
    user, organizations = Person("user", user_id), [place.organization_id for place in of_user] + [third]
    export_id = await asking.export(user)
    await asking.work()
    rows = by_table(await asking.lines(user, export_id, 1))
    assert not tables_about("user") - {name for name, found in rows.items() if found}
    assert {each["organization_id"] for each in rows["members"]} == set(map(str, organizations))
    assert {each["id"] for each in rows["messages"]} == {str(each.message_id) for each in lives}
    assert not any("text" in each for each in rows["messages"])
    assert set(await asking.rows_of(user, *organizations)) == tables_about("user")
    contents = await house.rows("SELECT id, content_sealed FROM messages ORDER BY id")
    told = len(await house.told())
    await asking.erasure(user)
    await asking.work()
    assert await asking.rows_of(user, *organizations) == {}
    for name, found in (await photograph(house)).items():
        if name not in NAMING:
            assert not any(str(user_id) in row for row in found), name
    assert await house.rows("SELECT id, content_sealed FROM messages ORDER BY id") == contents
    assert (await house.get(f"/v1/conversations/{others.conversation_id}"))["assignee_id"] == str(colleague)
    changed = (await house.told())[told:]
    assert all(isinstance(each, ConversationChanged) for each in changed)
    assert {each.subject_id for each in changed} == {str(lives[0].conversation_id)}
    (_, answer) = await asking.answers(None)
    assert isinstance(answer, InboxErasureAnswered)
    assert answer.anonymised == {
        "members": 3,
        "conversations": 2,
        "messages": 2,
        "contact_labels": 2,
        "conversation_labels": 2,
        "notes": 4,
    }
    assert answer.removed["idempotency_keys"] == 2
    await house.hear(removed(added(ours.organization_id, user_id=user_id)), past)  # what is told again brings nothing
    assert (await asking.rows_of(user, third)) == {}


async def test_a_user_whom_nobody_knows_here_is_answered_for(asking: Asking) -> None:
    user = Person("user", new_id())
    await asking.export(user)
    await asking.erasure(user)
    await asking.work()
    handed_over, erased = await asking.answers(None)
    assert (handed_over.version, erased.version) == (1, 1)
    assert isinstance(erased, InboxErasureAnswered)
    assert erased.outcome == "done"


async def test_what_a_forgotten_user_writes_meanwhile_is_found_in_the_next_round(
    house: House, asking: Asking
) -> None:
    """A token outlives a membership by minutes: between two steps the user writes once more."""
    ours = await first_place(house)
    life = await live(house, ours, SHEENA, "Sheena")
    user = Person("user", life.agent_id)
    erasure_id = await asking.erasure(user)

    async def write() -> None:
        body = {"text": "one more"}
        path = f"/v1/conversations/{life.conversation_id}/messages"
        answer = await house.client.post(path, json=body, headers=bearer(house, ours))
        assert answer.status_code == 202

    holdings = house.parts.holdings
    last = len(holdings.holdings) - 1
    meddled = [Before(each, write) if at == last else each for at, each in enumerate(holdings.holdings)]
    await asking.answering(replace(holdings, holdings=meddled)).work()
    assert await asking.answers(None) == []
    await _through(house, asking, erasure_id)
    assert await asking.rows_of(user, ours.organization_id) == {}
