"""Who sees which channel: two agents, two channels, every way in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from contracts.inbox import ConversationChanged, MessageReceived
from kit.ids import new_id

from .hearing import added, changed, removed
from .house import House
from .test_assignment import policy
from .test_teams import created, deleted, joined

OTHER = "100000000000002"
SECRET_WORD = "xylophone"


@dataclass
class Desks:
    """Two agents; one number for everyone and one that only the first of them sees."""

    house: House
    insider: UUID
    outsider: UUID
    shared: dict[str, Any]
    own: dict[str, Any]
    said: dict[str, Any]
    """The conversation on the shared number."""
    secret: dict[str, Any]
    """The one on the other."""

    def ask_as(self, who: UUID, role: str = "agent") -> dict[str, str]:
        token = self.house.issuer.token(
            self.house.database.clock.now(), self.house.organization_id, role, sub=str(who)
        )
        return {"authorization": f"Bearer {token}"}

    async def status(self, who: UUID, method: str, path: str, **more: Any) -> int:
        headers = self.ask_as(who) | more.pop("headers", {})
        return (await self.house.client.request(method, path, headers=headers, **more)).status_code

    async def get(self, who: UUID, path: str, role: str = "agent") -> Any:
        answer = await self.house.client.get(path, headers=self.ask_as(who, role))
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def show(self, channel_id: str, expect: int = 200, **wanted: Any) -> Any:
        return await show(self.house, channel_id, expect, **wanted)


async def show(house: House, channel_id: str, expect: int = 200, **wanted: Any) -> Any:
    """Let these see a channel."""
    path = f"/v1/channels/{channel_id}/visibility"
    version = (await house.get(path))["version"]
    answer = await house.ask("PUT", path, json=wanted, headers={"if-match": f'"v{version}"'})
    assert answer.status_code == expect, answer.text
    return answer.json()


@pytest.fixture
async def desks(house: House) -> Desks:
    insider, outsider = await house.member(), await house.member()
    await house.number(OTHER)
    shared, own = await house.connected(), await house.connected(OTHER)
    await house.say("Hello there")
    await house.say(f"It is about the {SECRET_WORD}", person="16505559999", number=OTHER, name="Otto")
    await house.reduce()
    found = {each["channel_id"]: each for each in (await house.get("/v1/conversations"))["items"]}
    await show(house, own["id"], visible_to="chosen", user_ids=[str(insider)])
    return Desks(house, insider, outsider, shared, own, found[shared["id"]], found[own["id"]])


def ids(page: Mapping[str, Any], name: str = "id") -> set[str]:
    return {each[name] for each in page["items"]}


async def test_a_channel_and_its_conversations_are_listed_for_those_who_see_it(desks: Desks) -> None:
    both = {desks.said["id"], desks.secret["id"]}
    for query in ("", "?state=open", "?assignee=none", "?unread=true", "?order=waiting"):
        assert ids(await desks.get(desks.insider, f"/v1/conversations{query}")) == both, query
        assert ids(await desks.get(desks.outsider, f"/v1/conversations{query}")) == {desks.said["id"]}, query
        assert ids(await desks.get(new_id(), f"/v1/conversations{query}", "admin")) == both, query
    assert ids(await desks.get(desks.outsider, f"/v1/conversations?channel_id={desks.own['id']}")) == set()
    assert ids(await desks.get(desks.insider, "/v1/channels")) == {desks.shared["id"], desks.own["id"]}
    assert ids(await desks.get(desks.outsider, "/v1/channels")) == {desks.shared["id"]}


async def test_nothing_of_a_hidden_channel_can_be_read_or_changed_by_its_id(desks: Desks) -> None:
    house, secret = desks.house, desks.secret["id"]
    (message,) = await house.messages(secret)
    note = (await house.ask("POST", f"/v1/conversations/{secret}/notes", json={"text": "Only for us"})).json()
    text = {"type": "text", "text": "Hi"}
    ways: list[tuple[str, str, Any]] = [
        ("GET", f"/v1/conversations/{secret}", None),
        ("GET", f"/v1/conversations/{secret}/messages", None),
        ("GET", f"/v1/conversations/{secret}/notes", None),
        ("GET", f"/v1/conversations/{secret}/labels", None),
        ("GET", f"/v1/conversations/{secret}/attributes", None),
        ("GET", f"/v1/conversations/{secret}/participants", None),
        ("GET", f"/v1/messages/{message['id']}", None),
        ("GET", f"/v1/notes/{note['id']}/revisions", None),
        ("GET", f"/v1/channels/{desks.own['id']}", None),
        ("GET", f"/v1/channels/{desks.own['id']}/visibility", None),
        ("POST", f"/v1/conversations/{secret}/messages", text),
        ("POST", f"/v1/conversations/{secret}/notes", {"text": "x"}),
        ("POST", f"/v1/conversations/{secret}/read", {}),
        ("POST", f"/v1/conversations/{secret}/typing", None),
        ("PATCH", f"/v1/conversations/{secret}", {"state": "resolved"}),
        ("PUT", f"/v1/notes/{note['id']}", {"text": "x"}),
        ("DELETE", f"/v1/notes/{note['id']}", None),
        ("PUT", f"/v1/conversations/{secret}/participants/{desks.outsider}", None),
        ("PUT", f"/v1/conversations/{secret}/draft", {"text": "x"}),
    ]
    for method, path, body in ways:
        headers = {"if-match": "*"}
        assert await desks.status(desks.outsider, method, path, json=body, headers=headers) == 404, (method, path)
    for method, path, _ in ways:
        if method == "GET":
            assert await desks.status(desks.insider, method, path) == 200, path
    assert await desks.status(desks.insider, "POST", f"/v1/conversations/{secret}/messages", json=text) == 202


async def test_search_and_counts_tell_nothing_of_a_hidden_channel(desks: Desks) -> None:
    house = desks.house
    await house.ask("POST", f"/v1/conversations/{desks.secret['id']}/notes", json={"text": f"a {SECRET_WORD}"})
    while await house.parts.indexing.run():
        pass
    await house.parts.indexing.run()
    for kind in ("messages", "notes"):
        body = {"text": SECRET_WORD}
        headers = desks.ask_as(desks.insider)
        found = (await house.client.post(f"/v1/search/{kind}", json=body, headers=headers)).json()
        assert len(found["items"]) == 1, kind
        headers = desks.ask_as(desks.outsider)
        found = (await house.client.post(f"/v1/search/{kind}", json=body, headers=headers)).json()
        assert found["items"] == [], kind
    counts = await desks.get(desks.outsider, "/v1/conversation-counts")
    assert (counts["all"]["open"], ids({"items": counts["channels"]})) == (1, {desks.shared["id"]})
    counts = await desks.get(desks.insider, "/v1/conversation-counts")
    assert counts["all"]["open"] == 2


async def test_mentions_in_hidden_conversations_are_not_shown(desks: Desks) -> None:
    note = {"text": "Look", "mention_ids": [str(desks.outsider)]}
    await desks.house.ask("POST", f"/v1/conversations/{desks.secret['id']}/notes", json=note)
    assert (await desks.get(desks.outsider, "/v1/mentions"))["items"] == []
    assert (await desks.get(desks.outsider, "/v1/mentions/unread"))["unread"] == 0


async def test_a_conversation_is_given_only_to_somebody_who_sees_its_channel(desks: Desks) -> None:
    path = f"/v1/conversations/{desks.secret['id']}"
    headers = {"if-match": "*"}
    for who, status in ((desks.outsider, 422), (desks.insider, 200)):
        answer = await desks.house.ask("PATCH", path, json={"assignee_id": str(who)}, headers=headers)
        assert answer.status_code == status, answer.text
    refused = await desks.house.ask("PATCH", path, json={"assignee_id": str(desks.outsider)}, headers=headers)
    assert refused.json()["errors"][0]["pointer"] == "#/assignee_id"


async def test_giving_out_offers_a_hidden_conversation_to_nobody_else(desks: Desks) -> None:
    house = desks.house
    await desks.show(desks.own["id"], visible_to="chosen", user_ids=[])
    await policy(house, strategy="round_robin", online_only=False)
    while await house.parts.giving.run():
        pass
    found = {each["id"]: each["assignee_id"] for each in (await house.get("/v1/conversations"))["items"]}
    assert found[desks.said["id"]] is not None
    assert found[desks.secret["id"]] is None
    await desks.show(desks.own["id"], visible_to="chosen", user_ids=[str(desks.outsider)])
    while await house.parts.giving.run():
        pass
    found = {each["id"]: each["assignee_id"] for each in (await house.get("/v1/conversations"))["items"]}
    assert found[desks.secret["id"]] == str(desks.outsider)


async def test_who_no_longer_sees_a_channel_gives_back_what_they_have_on_it(desks: Desks) -> None:
    house, path = desks.house, f"/v1/conversations/{desks.secret['id']}"
    given = await house.ask("PATCH", path, json={"assignee_id": str(desks.insider)}, headers={"if-match": "*"})
    assert given.status_code == 200
    await desks.show(desks.own["id"], visible_to="chosen", user_ids=[str(desks.outsider)])
    assert await desks.status(desks.insider, "GET", path) == 404
    while await house.parts.releasing.run():
        pass
    assert (await house.get(path))["assignee_id"] is None
    assert not await house.parts.releasing.run()


async def test_a_team_sees_a_channel_as_long_as_one_is_in_it(desks: Desks) -> None:
    house, path = desks.house, f"/v1/conversations/{desks.secret['id']}"
    team = created(house.organization_id)
    await house.hear(team, joined(team, add=[desks.outsider]))
    await desks.show(desks.own["id"], visible_to="chosen", team_ids=[str(team.team_id)])
    assert await desks.status(desks.outsider, "GET", path) == 200
    assert await desks.status(desks.insider, "GET", path) == 404
    before = len([each for each in await house.names_told() if each == "ChannelVisibilityChanged"])
    await house.hear(joined(team, 3, remove=[desks.outsider], add=[desks.insider]))
    assert await desks.status(desks.outsider, "GET", path) == 404
    assert await desks.status(desks.insider, "GET", path) == 200
    assert len([each for each in await house.names_told() if each == "ChannelVisibilityChanged"]) == before + 1
    await house.hear(deleted(team))
    assert await desks.status(desks.insider, "GET", path) == 404
    assert (await house.get(f"/v1/channels/{desks.own['id']}/visibility"))["team_ids"] == []


async def test_who_leaves_or_becomes_an_agent_sees_no_more_than_that(house: House) -> None:
    member = added(house.organization_id, "admin")
    await house.hear(member)
    conversation = await house.open_conversation()
    await show(house, conversation["channel_id"], visible_to="chosen")
    path = f"/v1/conversations/{conversation['id']}"
    given = await house.ask("PATCH", path, json={"assignee_id": str(member.user_id)}, headers={"if-match": "*"})
    assert given.status_code == 200, given.text
    await house.hear(changed(member, "agent"))
    while await house.parts.releasing.run():
        pass
    assert (await house.get(path))["assignee_id"] is None
    await show(house, conversation["channel_id"], visible_to="chosen", user_ids=[str(member.user_id)])
    await house.hear(removed(member, 3))
    assert (await house.get(f"/v1/channels/{conversation['channel_id']}/visibility"))["user_ids"] == []


async def test_facts_name_who_may_hear_of_them(desks: Desks) -> None:
    house = desks.house
    before = len(await house.told())
    await house.say("And more", person="16505559999", number=OTHER, name="Otto")
    await house.say("Still there?")
    await house.reduce()
    told = [each for each in (await house.told())[before:] if isinstance(each, MessageReceived | ConversationChanged)]
    by = {each.conversation_id: each.seen_by for each in told}
    assert by[UUID(desks.secret["id"])] == [desks.insider]
    assert by[UUID(desks.said["id"])] is None


async def test_only_who_manages_channels_says_who_sees_them(desks: Desks) -> None:
    path, headers = f"/v1/channels/{desks.own['id']}/visibility", {"if-match": "*"}
    body = {"visible_to": "everyone"}
    assert await desks.status(desks.insider, "PUT", path, json=body, headers=headers) == 403
    for wrong in (
        {"visible_to": "chosen", "user_ids": [str(new_id())]},
        {"visible_to": "chosen", "team_ids": [str(new_id())]},
        {"visible_to": "everyone", "user_ids": [str(desks.insider)]},
    ):
        await desks.show(desks.own["id"], 422, **wrong)
    other = await desks.house.ask("PUT", path, by=new_id(), json=body, headers=headers)
    assert other.status_code == 404
    stale = await desks.house.ask("PUT", path, json=body, headers={"if-match": '"v1"'})
    assert stale.status_code == 412
    await desks.show(desks.own["id"], visible_to="everyone")
    told = [each for each in await desks.house.audited() if each.action == "inbox.channel.shown"]
    assert [each.details["to"] for each in told] == ["chosen", "everyone"]
    assert {each.target_id for each in told} == {desks.own["id"]}
    assert await desks.status(desks.outsider, "GET", f"/v1/conversations/{desks.secret['id']}") == 200


async def test_whoever_joins_contacts_joins_what_they_do_not_see_too(desks: Desks) -> None:
    """Half of a merge would be worse than none; what was hidden stays so."""
    house = desks.house
    path = f"/v1/contacts/{desks.said['contact_id']}/merge"
    status = await desks.status(desks.outsider, "POST", path, json={"contact_id": desks.secret["contact_id"]})
    assert status == 200
    found = {each["id"]: each["contact_id"] for each in (await house.get("/v1/conversations"))["items"]}
    assert set(found.values()) == {desks.said["contact_id"]}
    assert ids(await desks.get(desks.outsider, "/v1/conversations")) == {desks.said["id"]}
