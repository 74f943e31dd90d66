"""What the assistant can do: it reads at once, and whatever would change something it only puts before the person.

Arguments are a model's and may be anything: they are checked by a schema of ours, ids are ids, and paths are built of
checked parts alone. A tool that changes something has no way to do it; it makes a proposal, whose words are ours.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import orjson
from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError

from generation.assistant.door import Door, ToolRefused, part_of_path
from generation.assistant.model import Change, Proposal, Request
from generation.providers.base import Tool
from kit.http.models import Model

SHOWN: Final = 400
"""Characters of a text that a list shows."""


class FindPosts(Model):
    """Find posts, the newest first."""

    contains: str | None = Field(description="A word or phrase that their text contains; null for any.")
    status: str | None = Field(description="draft, scheduled, published, failed or cancelled; null for any.")
    since: AwareDatetime | None = Field(description="Leaving at this time or later, RFC 3339 with offset; or null.")
    until: AwareDatetime | None = Field(description="Leaving before this time, RFC 3339 with offset; or null.")


class ReadPost(Model):
    """Read one post whole."""

    post_id: UUID = Field(description="Its id.")


class ListAccounts(Model):
    """List the connected accounts that posts can go to."""


class WritePost(Model):
    """Write a new post: a draft, or scheduled."""

    text: str = Field(min_length=1, max_length=10_000)
    account_ids: list[UUID] = Field(description="Where it goes, by id; may be empty for a draft.", max_length=20)
    publish_at: AwareDatetime | None = Field(description="When it leaves, RFC 3339 with offset; null for a draft.")


class SchedulePost(Model):
    """Schedule a draft, or move a scheduled post to another time."""

    post_id: UUID
    publish_at: AwareDatetime = Field(description="When it leaves, RFC 3339 with offset.")


class RewritePost(Model):
    """Give a draft or a scheduled post another text."""

    post_id: UUID
    text: str = Field(min_length=1, max_length=10_000)


class FindConversations(Model):
    """Find conversations with people who wrote in, those that wait longest first."""

    unread: bool | None = Field(description="Only with, or without, unread messages; null for any.")


class ReadConversation(Model):
    """Read the latest messages of a conversation."""

    conversation_id: UUID


class DraftReply(Model):
    """Leave a reply as the person's own draft in a conversation; it is not sent."""

    conversation_id: UUID
    text: str = Field(min_length=1, max_length=4096)


class ListLabels(Model):
    """List the labels of contacts, with their ids."""


class BuildSegment(Model):
    """Save a segment of contacts for the person, found by a query."""

    name: str = Field(min_length=1, max_length=100)
    query: str = Field(
        max_length=10_000,
        description='JSON, one condition: {"all": [...]}, {"any": [...]}, {"not": {...}}, '
        '{"attribute": "city", "is": "Berlin"} (or in, begins, contains, at_least, at_most, known), '
        '{"label": "its id"}, {"spoken": {"within_days": 90}}, {"created": {"within_days": 30}}, '
        '{"identity": "email"}.',
    )


@dataclass(frozen=True, slots=True)
class Found:
    """What was read, for the model; `links` are addresses that the platform itself gave."""

    data: Any
    links: Sequence[str] = ()


Reads = Callable[[Door, Any], Awaitable[Found]]
Proposes = Callable[[Door, Any], Awaitable[Proposal]]


@dataclass(frozen=True, slots=True)
class Ability:
    """A tool: what it takes, and either how it reads or what it would change."""

    name: str
    takes: type[Model]
    reads: Reads | None = None
    proposes: Proposes | None = None

    @property
    def tool(self) -> Tool:
        """As a model is told of it."""
        says = (self.takes.__doc__ or "").strip()
        if self.proposes is not None:
            says += " This only asks the person; nothing is done before they have said yes."
        return Tool(self.name, says, strict_schema(self.takes))

    def understood(self, arguments: str) -> Model:
        """The arguments, checked.

        Raises:
            ToolRefused: they are not what the tool takes.
        """
        try:
            return TypeAdapter(self.takes).validate_json(arguments or "{}")
        except ValidationError as wrong:
            fields = ", ".join(".".join(map(str, each["loc"])) or "all" for each in wrong.errors()[:5])
            raise ToolRefused(f"These arguments are not what {self.name} takes: {fields}.") from None


def strict_schema(takes: type[Model]) -> Mapping[str, Any]:
    """The arguments as providers hold models to them: all are required, and there are no others."""
    whole = takes.model_json_schema()
    properties = {
        name: {key: value for key, value in each.items() if key in _UNDERSTOOD}
        for name, each in whole.get("properties", {}).items()
    }
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


_UNDERSTOOD: Final = frozenset({"type", "description", "anyOf", "items", "enum"})


async def find_posts(door: Door, asked: FindPosts) -> Found:
    """At most ten, of the latest hundred."""
    status = asked.status if asked.status in _STATUSES else None
    page = await door.get("/v1/posts", limit=100, status=status, **_span(asked.since, asked.until))
    word = (asked.contains or "").casefold()
    found = [each for each in page["items"] if word in str(each["text"]).casefold()]
    return Found({"posts": [_post(each, SHOWN) for each in found[:10]], "more": len(found) > 10})


async def read_post(door: Door, asked: ReadPost) -> Found:
    """With where it is live."""
    post = await door.get(_post_path(asked.post_id))
    links = [each["url"] for each in post["deliveries"] if each["url"]]
    return Found(_post(post, 10_000) | {"live_at": links}, links)


async def list_accounts(door: Door, asked: ListAccounts) -> Found:
    """Id, platform and name."""
    _ = asked
    page = await door.get("/v1/connected-accounts", limit=50)
    return Found({"accounts": [_only(each, "id", "platform", "name", "health") for each in page["items"]]})


async def find_conversations(door: Door, asked: FindConversations) -> Found:
    """At most twenty that are open."""
    unread = None if asked.unread is None else str(asked.unread).lower()
    page = await door.get("/v1/conversations", limit=20, state="open", order="waiting", unread=unread)
    shown = [
        _only(each, "id", "contact_name", "channel_kind", "waiting_since", "unread_count", "cannot_answer")
        | {"last": _cut(str((each.get("last_message") or {}).get("excerpt") or ""), SHOWN)}
        for each in page["items"]
    ]
    return Found({"conversations": shown})


async def read_conversation(door: Door, asked: ReadConversation) -> Found:
    """The latest twenty messages."""
    where = _conversation_path(asked.conversation_id)
    conversation = await door.get(where)
    page = await door.get(f"{where}/messages", limit=20)
    messages = [
        _only(each, "direction", "provider_time") | {"text": _cut(str(each.get("text") or ""), 2000)}
        for each in page["items"]
    ]
    return Found(_only(conversation, "id", "contact_name", "channel_kind", "cannot_answer") | {"messages": messages})


async def write_post(door: Door, asked: WritePost) -> Proposal:
    """A new post."""
    at = _instant(asked.publish_at) if asked.publish_at else None
    accounts = [str(each) for each in dict.fromkeys(asked.account_ids)]
    names = await _names(door, accounts)
    body = {"text": asked.text, "targets": accounts, "publish_at": at}
    says = "Write a new post as a draft." if at is None else "Write a new post and schedule it."
    changes = [Change("text", "", asked.text)]
    changes += [Change("accounts", "", ", ".join(names))] if names else []
    changes += [Change("publish_at", "", at)] if at else []
    return Proposal(says, changes, Request("POST", "/v1/posts", body))


async def schedule_post(door: Door, asked: SchedulePost) -> Proposal:
    """Another time."""
    post, at = await door.get(_post_path(asked.post_id)), _instant(asked.publish_at)
    before = post["publish_at"] or ""
    says = f"{'Move' if before else 'Schedule'} the post “{_cut(post['text'], 80)}”."
    request = Request("PATCH", _post_path(asked.post_id), {"publish_at": at}, _seen(post), {"publish_at": at})
    return Proposal(says, [Change("publish_at", str(before), at)], request)


async def rewrite_post(door: Door, asked: RewritePost) -> Proposal:
    """Another text."""
    post = await door.get(_post_path(asked.post_id))
    says = f"Give the post “{_cut(post['text'], 80)}” another text."
    request = Request("PATCH", _post_path(asked.post_id), {"text": asked.text}, _seen(post), {"text": asked.text})
    return Proposal(says, [Change("text", post["text"], asked.text)], request)


async def draft_reply(door: Door, asked: DraftReply) -> Proposal:
    """A draft in place of the one that there may be."""
    where = _conversation_path(asked.conversation_id)
    conversation, draft = await door.get(where), await door.get(f"{where}/draft")
    says = f"Leave a draft for you in the conversation with {conversation['contact_name'] or 'this contact'}."
    request = Request("PUT", f"{where}/draft", {"text": asked.text}, _seen(draft), {"text": asked.text})
    return Proposal(says, [Change("draft", draft["text"], asked.text)], request)


async def list_labels(door: Door, asked: ListLabels) -> Found:
    """Id and name."""
    _ = asked
    page = await door.get("/v1/labels", limit=100)
    return Found({"labels": [_only(each, "id", "name", "title") for each in page["items"]]})


async def build_segment(door: Door, asked: BuildSegment) -> Proposal:
    """A segment of the person's own, with how many it means just now."""
    try:
        query = orjson.loads(asked.query)
    except orjson.JSONDecodeError:
        raise ToolRefused("The query is not JSON.") from None
    preview = await door.preview("/v1/segments/preview", {"query": query})
    says = (
        f"Save the segment “{_cut(asked.name, 80)}” for you; it means {int(preview['contacts'])} contacts just now."
    )
    body = {"name": asked.name, "query": query, "shared": False}
    changes = [Change("name", "", asked.name), Change("query", "", orjson.dumps(query).decode())]
    return Proposal(says, changes, Request("POST", "/v1/segments", body))


ABILITIES: Final[Mapping[str, Ability]] = {
    each.name: each
    for each in (
        Ability("find_posts", FindPosts, reads=find_posts),
        Ability("read_post", ReadPost, reads=read_post),
        Ability("list_accounts", ListAccounts, reads=list_accounts),
        Ability("find_conversations", FindConversations, reads=find_conversations),
        Ability("read_conversation", ReadConversation, reads=read_conversation),
        Ability("write_post", WritePost, proposes=write_post),
        Ability("schedule_post", SchedulePost, proposes=schedule_post),
        Ability("rewrite_post", RewritePost, proposes=rewrite_post),
        Ability("draft_reply", DraftReply, proposes=draft_reply),
        Ability("list_labels", ListLabels, reads=list_labels),
        Ability("build_segment", BuildSegment, proposes=build_segment),
    )
}
"""All tools by name."""

_STATUSES: Final = frozenset({"draft", "scheduled", "published", "failed", "cancelled"})


def _post(post: Mapping[str, Any], longest: int) -> dict[str, Any]:
    platforms = sorted({each["platform"] for each in post["deliveries"]})
    shown = _only(post, "id", "status", "publish_at", "local", "zone")
    return shown | {"text": _cut(str(post["text"]), longest), "platforms": platforms}


async def _names(door: Door, accounts: Sequence[str]) -> list[str]:
    """What the accounts are called, so that the person sees where it goes."""
    if not accounts:
        return []
    known = {each["id"]: each for each in (await door.get("/v1/connected-accounts", limit=100))["items"]}
    missing = [each for each in accounts if each not in known]
    if missing:
        raise ToolRefused("There is no such connected account; list_accounts shows those that there are.")
    return [f"{known[each].get('name') or each} ({known[each]['platform']})" for each in accounts]


def _post_path(post_id: UUID) -> str:
    return f"/v1/posts/{part_of_path(str(post_id))}"


def _conversation_path(conversation_id: UUID) -> str:
    return f"/v1/conversations/{part_of_path(str(conversation_id))}"


def _seen(thing: Mapping[str, Any]) -> str:
    return f'"v{int(thing["version"])}"'


def _only(thing: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: thing.get(name) for name in names}


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _span(since: datetime | None, until: datetime | None) -> dict[str, str | None]:
    return {"from": _instant(since) if since else None, "to": _instant(until) if until else None}
