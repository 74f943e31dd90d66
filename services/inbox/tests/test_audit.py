"""What is done in the inbox, as the audit trail tells it."""

from contracts.audit import ACTIONS
from contracts.auth import TeamCreated
from kit.ids import new_id

from .hearing import NOW
from .house import House
from .lives import SHEENA, Asking, Life, bearer, conversation_of, first_place, live

ELSEWHERE = frozenset(
    {
        "inbox.arrangement.changed",
        "inbox.macro.run",
        "inbox.macro.run_on_many",
        "inbox.job.cancelled",
        "inbox.job.retried",
        "inbox.note.changed",
        "inbox.channel.changed",
        "inbox.consent.recorded",
        "inbox.contact.blocked",
        "inbox.contact.unblocked",
        "inbox.contacts.exported",
        "inbox.contacts.imported",
        "inbox.contact.merged",
        "inbox.contact.separated",
        "inbox.channel.secret_rotated",
        "inbox.submission.released",
        "inbox.submission.discarded",
        "inbox.template.submitted",
        "inbox.template.deleted",
        "inbox.template_sample.added",
        "inbox.template_sample.deleted",
        "inbox.channel.shown",
        "inbox.channel.paced",
        "inbox.broadcast_settings.changed",
        "inbox.broadcast.written",
        "inbox.broadcast.tried",
        "inbox.broadcast.started",
        "inbox.broadcast.paused",
        "inbox.broadcast.stopped",
        "inbox.broadcast.resumed",
        "inbox.broadcast.cancelled",
    }
)
"""Actions whose lines the tests of their noun ask for."""


async def test_what_people_do_with_conversations_and_channels_is_in_the_audit_trail(house: House) -> None:
    ours = await first_place(house)
    life = await live(house, ours, SHEENA, "Sheena")
    conversation = await conversation_of(house, ours, "Sheena")
    path, tag = f"/v1/conversations/{life.conversation_id}", {"if-match": f'"v{conversation["version"]}"'}
    headers = bearer(house, ours)
    team = TeamCreated(organization_id=ours.organization_id, time=NOW, team_id=new_id())
    await house.hear(team)
    change = {"state": "resolved", "assignee_id": None, "team_id": str(team.team_id)}
    assert (await house.client.patch(path, json=change, headers=headers | tag)).status_code == 200
    asking = Asking(house)
    await asking.erasure(life.contact)
    await asking.work()
    (channel,) = (await house.get("/v1/channels"))["items"]
    policy = f"/v1/assignment-policies/channel/{channel['id']}"
    assert (await house.ask("PUT", policy, json={"strategy": "manual"})).status_code == 200
    assert (await house.ask("DELETE", policy)).status_code == 204
    limited = await house.ask("PATCH", f"/v1/agents/{ours.agent_id}", json={"capacity": 3})
    assert limited.status_code == 200
    known = await house.ask("POST", "/v1/contacts", json={"name": "Ann"})
    contact, tag = f"/v1/contacts/{known.json()['id']}", {"if-match": '"v1"'}
    assert (await house.ask("PATCH", contact, json={"name": "Anna"}, headers=tag)).status_code == 200
    assert (await house.ask("DELETE", f"/v1/channels/{channel['id']}")).status_code == 200

    lines = [line for line in await house.audited() if line.action not in ELSEWHERE]
    people = {
        action for action in ACTIONS if action.startswith("inbox.") and not action.endswith(".impersonated")
    } - ELSEWHERE
    assert {line.action for line in lines} == people
    told = [(line.action, line.actor_kind, line.target_kind, line.target_id, line.details) for line in lines]
    talk, agent = str(life.conversation_id), str(ours.agent_id)
    assert told[:-1] == [
        ("inbox.channel.connected", "user", "channel", channel["id"], {"kind": "whatsapp"}),
        ("inbox.conversation.assigned", "user", "conversation", talk, {"to": agent}),
        ("inbox.message.sent", "user", "message", str(life.message_id), {"kind": "text"}),
        ("inbox.contact.changed", "user", "contact", str(life.contact.id), {}),
        ("inbox.conversation.assigned", "user", "conversation", talk, {"to": "nobody"}),
        ("inbox.conversation.given_to_team", "user", "conversation", talk, {"to": str(team.team_id)}),
        ("inbox.conversation.state_changed", "user", "conversation", talk, {"state": "resolved", "before": "open"}),
        ("inbox.contact.erased", "system", "contact", str(life.contact.id), {"way": "erase"}),
        (
            "inbox.assignment_policy.set",
            "user",
            "assignment_policy",
            channel["id"],
            {"scope": "channel", "strategy": "manual"},
        ),
        ("inbox.assignment_policy.dropped", "user", "assignment_policy", channel["id"], {"scope": "channel"}),
        ("inbox.agent.limited", "user", "user", agent, {"to": "3"}),
        ("inbox.contact.added", "user", "contact", known.json()["id"], {}),
        ("inbox.contact.changed", "user", "contact", known.json()["id"], {}),
    ]
    assert told[-1][:4] == ("inbox.channel.disconnected", "user", "channel", channel["id"])
    assert {line.organization_id for line in lines} == {ours.organization_id}
    assert {line.actor_id for line in lines[1:7]} == {ours.agent_id}
    assert lines[0].actor_id is not None
    assert await house.count("SELECT count(*) FROM channel_checks WHERE asked_by IS NOT NULL") == 0


async def test_what_is_refused_or_changes_nothing_is_not_in_it(house: House) -> None:
    ours = await first_place(house)
    life = await live(house, ours, SHEENA, "Sheena")
    before = len(await house.audited())
    path, headers = f"/v1/conversations/{life.conversation_id}", bearer(house, ours)
    stale = await house.client.patch(path, json={"state": "resolved"}, headers=headers | {"if-match": '"v1"'})
    foreign = await house.client.patch(
        path, json={"assignee_id": str(new_id())}, headers=headers | {"if-match": await _tag(house, life)}
    )
    same = await house.client.patch(
        path, json={"state": "open"}, headers=headers | {"if-match": await _tag(house, life)}
    )
    assert (stale.status_code, same.status_code) == (412, 200)
    assert foreign.status_code >= 400
    assert len(await house.audited()) == before


async def _tag(house: House, life: Life) -> str:
    return f'"v{(await house.get(f"/v1/conversations/{life.conversation_id}"))["version"]}"'
