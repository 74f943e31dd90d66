"""What somebody does in the inbox stands in the audit trail: who, what, to what; never what was said."""

from typing import Any

from contracts.audit import AuditEntry

from .house import House
from .lives import SHEENA, Asking, answered, bearer, conversation_of, first_place, live


def line(entry: AuditEntry) -> tuple[Any, ...]:
    return entry.action, entry.actor_kind, entry.actor_id, entry.target_kind, entry.target_id


async def test_what_members_do_leaves_a_line_each_with_the_row_it_tells_of(house: House) -> None:
    place = await first_place(house)
    await house.say("words of Sheena", person=SHEENA, name="Sheena")
    await house.reduce()
    conversation = await conversation_of(house, place, "Sheena")
    message_id = await answered(house, place, conversation, "a secret answer")
    path = f"/v1/conversations/{conversation['id']}"
    tag = {"if-match": f'"v{(await house.get(path))["version"]}"'}
    body = {"state": "resolved", "assignee_id": None}
    assert (await house.client.patch(path, json=body, headers=bearer(house, place) | tag)).status_code == 200
    again = {"if-match": f'"v{(await house.get(path))["version"]}"'}
    assert (await house.client.patch(path, json=body, headers=bearer(house, place) | again)).status_code == 200
    channel = conversation["channel_id"]
    assert (await house.ask("DELETE", f"/v1/channels/{channel}")).status_code == 200
    lines = await house.audited()
    agent, conversation_id = place.agent_id, conversation["id"]
    connected, *by_agent, disconnected = map(line, lines)
    assert (connected[0], connected[3:]) == ("inbox.channel.connected", ("channel", channel))
    assert (disconnected[0], disconnected[3:]) == ("inbox.channel.disconnected", ("channel", channel))
    assert connected[1] == "user"
    assert connected[2] is not None
    assert by_agent == [
        ("inbox.conversation.assigned", "user", agent, "conversation", conversation_id),
        ("inbox.message.sent", "user", agent, "message", message_id),
        ("inbox.conversation.assigned", "user", agent, "conversation", conversation_id),
        ("inbox.conversation.state_changed", "user", agent, "conversation", conversation_id),
    ]
    assert [each.details for each in lines[1:5]] == [
        {"to": str(agent)},
        {"kind": "text", "conversation": conversation_id},
        {"to": "nobody"},
        {"before": "open", "now": "resolved"},
    ]
    assert {each.organization_id for each in lines} == {house.organization_id}
    assert all(each.request_id for each in lines)
    assert "secret" not in str(lines)
    assert await house.count("SELECT count(*) FROM channel_checks WHERE asked_by IS NOT NULL") == 0


async def test_what_is_refused_leaves_no_line(house: House) -> None:
    place = await first_place(house)
    await house.say("words", person=SHEENA, name="Sheena")
    await house.reduce()
    conversation = await conversation_of(house, place, "Sheena")
    before = len(await house.audited())
    path = f"/v1/conversations/{conversation['id']}"
    stale = await house.client.patch(
        path, json={"state": "resolved"}, headers=bearer(house, place) | {"if-match": '"v999"'}
    )
    assert stale.status_code == 412
    await house.forward(2 * 86400)
    late = await house.client.post(f"{path}/messages", json={"text": "late"}, headers=bearer(house, place))
    assert late.status_code == 409
    assert len(await house.audited()) == before


async def test_that_a_contact_was_erased_is_on_record(house: House) -> None:
    life = await live(house, await first_place(house), SHEENA, "Sheena")
    asking = Asking(house)
    await asking.erasure(life.contact)
    await asking.work()
    last = (await house.audited())[-1]
    assert line(last) == ("inbox.contact.erased", "system", None, "contact", str(life.contact.id))
    assert last.details == {"way": "erase"}
