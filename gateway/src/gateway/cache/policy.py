"""What is kept, for whom, and which facts end it: one table beside the table of routes.

A row may stand here only if every change that alters its answer commits one of its events, in the service that gives
the answer. [Decision 15](docs/decisions/0015-answers-are-kept-until-an-event.md) says which routes do not, and why.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args
from uuid import UUID

from contracts.auth import (
    DelegationChanged,
    DelegationGranted,
    DelegationRevoked,
    MemberAdded,
    MemberRemoved,
    MemberRoleChanged,
    OrganizationRenamed,
    OrganizationRestored,
    OrganizationSecurityChanged,
    OrganizationSuspended,
)
from contracts.event import Event
from contracts.inbox import (
    ArrangementChanged,
    ChannelConnected,
    ChannelDisconnected,
    ChannelHealthChanged,
    ChannelVisibilityChanged,
    ContactChanged,
    ContactErased,
    ContactsMerged,
    ContactsSeparated,
    ConversationChanged,
    ConversationErased,
    ConversationOpened,
    ConversationReopened,
    MediaFailed,
    MediaReady,
    MessageFailed,
    MessageReceived,
    MessageSent,
    MessageStatusChanged,
)
from gateway.events.facts import Fact
from gateway.routes import UpstreamName

ORGANIZATION: Final = "organization_id"
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

_DELEGATIONS = (DelegationGranted, DelegationChanged, DelegationRevoked)
"""Who is sent by an agency sees what they may see, and sees it no more."""

_SUSPENSION = (OrganizationSuspended, OrganizationRestored)
_CHANNELS = (ChannelConnected, ChannelDisconnected, ChannelHealthChanged, ChannelVisibilityChanged)
_TALK = (
    ChannelVisibilityChanged,
    ConversationOpened,
    ConversationReopened,
    ConversationChanged,
    ConversationErased,
    MessageReceived,
)
_CONTACTS = (ContactErased, ContactChanged, ContactsMerged, ContactsSeparated)
_SHOWN = (*_TALK, *_CONTACTS, ArrangementChanged)
"""A label or an attribute that is deleted is on no conversation any more."""

_STATUSES = (MessageSent, MessageStatusChanged, MessageFailed, MediaReady, MediaFailed)


@dataclass(frozen=True, slots=True)
class Kept:
    """A path whose answers are kept until one of these events; `{…}` stands for an id.

    They belong to the organization in the path, where one is named, else to the token's. Within it they are one for
    each role, where the service asks the token alone, or for each user, where it asks its tables about the caller; by
    `sight` for each role that sees all of the organization, and for each user of another.
    """

    name: str
    path: str
    per: Literal["role", "user", "sight"]
    until: tuple[type[Event], ...]
    of: str = ""
    """The field by which an event names the one thing in the path that it ends, and no other of the organization."""
    service: UpstreamName | None = None
    """Whose answers to the organization all end by an event that names no such thing."""
    shared: bool = False
    """Whether it may be written to Redis: not what persons wrote or are called, for that is sealed at rest."""
    validated: bool = False
    """Whether the ETag speaks for all of the answer, so that 304 may be answered: as the service itself does."""


KEPT: Final[tuple[Kept, ...]] = (
    Kept(
        "organization",
        "/v1/organizations/{organization_id}",
        "user",
        (
            OrganizationRenamed,
            OrganizationSecurityChanged,
            MemberRoleChanged,
            MemberRemoved,
            *_SUSPENSION,
            *_DELEGATIONS,
        ),
        shared=True,
    ),
    Kept(
        "members",
        "/v1/organizations/{organization_id}/members",
        "user",
        (MemberAdded, MemberRoleChanged, MemberRemoved, OrganizationSecurityChanged, *_SUSPENSION, *_DELEGATIONS),
    ),
    Kept("channels", "/v1/channels", "sight", _CHANNELS, shared=True),
    Kept("channel", "/v1/channels/{channel_id}", "sight", _CHANNELS, shared=True, validated=True),
    Kept("conversations", "/v1/conversations", "sight", _SHOWN),
    Kept("conversation", "/v1/conversations/{conversation_id}", "sight", _SHOWN, validated=True),
    Kept(
        "messages",
        "/v1/conversations/{conversation_id}/messages",
        "sight",
        (*_TALK, *_STATUSES),
        of="conversation_id",
        service="inbox",
    ),
)


@dataclass(frozen=True, slots=True)
class Change:
    """What a change below this path may alter; any other change may alter everything its service answers."""

    path: str
    ends: tuple[str, ...]


CHANGES: Final[tuple[Change, ...]] = (
    Change("/v1/conversations/{conversation_id}", ("conversations", "conversation", "messages")),
)


@dataclass(frozen=True, slots=True)
class Found:
    """A row that covers a path, with the ids that the path names."""

    row: Kept
    ids: Mapping[str, str]


class Policy:
    """The table, ready for questions."""

    def __init__(self, kept: Sequence[Kept] = KEPT, changes: Sequence[Change] = CHANGES) -> None:
        self._patterns: dict[tuple[int, str], list[tuple[list[str], Kept]]] = {}
        for row in kept:
            pattern = row.path.split("/")
            self._patterns.setdefault((len(pattern), pattern[2]), []).append((pattern, row))
        self._changes = [(change.path.split("/"), change.ends) for change in changes]
        self._rows = {row.name: row for row in kept}
        self._ended: dict[type[Event], list[Kept]] = {}
        for row in kept:
            for event in row.until:
                _check(row, event)
                self._ended.setdefault(event, []).append(row)

    def find(self, path: str) -> Found | None:
        """The row of a path whose ids are spelled as we spell them; whatever is spelled otherwise is not kept."""
        segments = path.split("/")
        if len(segments) < 3:
            return None
        for pattern, row in self._patterns.get((len(segments), segments[2]), ()):
            ids = _matched(pattern, segments)
            if ids is not None and all(_ID.fullmatch(value) for value in ids.values()):
                return Found(row, ids)
        return None

    def ended_by(self, fact: Fact) -> list[str]:
        """The generations that a fact ends; all of its organization for one that this version cannot read."""
        event, organization = fact.event, str(fact.organization_id)
        if event is None:
            return [of_service(organization, service) for service in get_args(UpstreamName)]
        return [_ended_of(organization, row, event) for row in self._ended.get(type(event), ())]

    def ended_by_change(self, path: str, service: str, organization: UUID | None) -> list[str]:
        """The generations that a change ends by its path, in the caller's organization and in the one it names."""
        segments = path.split("/")
        organizations = {str(organization)} if organization is not None else set()
        for pattern, ends in self._changes:
            ids = _matched(pattern, segments[: len(pattern)])
            of = {} if ids is None else {name: _spelled(value) for name, value in ids.items()}
            if ids is not None and all(of.values()):
                rows = [self._rows[name] for name in ends]
                return [generation(each, row, of.get(row.of, "")) for each in organizations for row in rows]
        if segments[1:3] == ["v1", "organizations"] and len(segments) > 3:
            organizations |= {_spelled(segments[3])} - {""}
        return [of_service(each, service) for each in organizations]


def _ended_of(organization: str, row: Kept, event: Event) -> str:
    if row.of and row.service is not None and row.of not in type(event).model_fields:
        return of_service(organization, row.service)
    return generation(organization, row, str(getattr(event, row.of)) if row.of else "")


def of_service(organization: str, service: str) -> str:
    """The generation of all that a service answers to an organization."""
    return f"{organization}:@{service}"


def generation(organization: str, row: Kept, of: str) -> str:
    """The generation of a row, or of the one thing of it."""
    return f"{organization}:{row.name}:{of}" if row.of else f"{organization}:{row.name}"


def _matched(pattern: Sequence[str], segments: Sequence[str]) -> dict[str, str] | None:
    if len(pattern) != len(segments):
        return None
    ids = {}
    for wanted, given in zip(pattern, segments, strict=True):
        if wanted.startswith("{"):
            ids[wanted[1:-1]] = given
        elif wanted != given:
            return None
    return ids


def _spelled(value: str) -> str:
    """An id as we spell it, however somebody else does; empty when it is none."""
    try:
        return str(UUID(value))
    except ValueError:
        return ""


def _check(row: Kept, event: type[Event]) -> None:
    if event.browsers is None:
        raise ValueError(f"{event.__name__} does not come to the gateway, so it cannot end {row.name}")
    if row.of and row.service is None and row.of not in event.model_fields:
        raise ValueError(f"{event.__name__} does not say which of {row.name} it ends")
