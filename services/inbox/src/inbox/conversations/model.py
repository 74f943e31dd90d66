from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Any, Final, Literal
from uuid import UUID

from inbox.conversations.errors import NotThatWay, SnoozeOutOfRange, SnoozeWithoutRest

LONGEST_SNOOZE: Final = timedelta(days=366)


class ConversationState(StrEnum):
    """Where a conversation stands: `pending` is with an automaton, `snoozed` rests until something happens."""

    OPEN = "open"
    PENDING = "pending"
    RESOLVED = "resolved"
    SNOOZED = "snoozed"


_OPEN, _PENDING, _RESOLVED, _SNOOZED = ConversationState

BY_TEAM: Final[Mapping[ConversationState, frozenset[ConversationState]]] = MappingProxyType(
    {
        _OPEN: frozenset({_PENDING, _RESOLVED, _SNOOZED}),
        _PENDING: frozenset({_OPEN, _RESOLVED, _SNOOZED}),
        _SNOOZED: frozenset({_OPEN, _PENDING, _RESOLVED}),
        _RESOLVED: frozenset({_OPEN, _PENDING}),
    }
)
"""Into which states somebody of the team may put a conversation: what is over does not rest."""

BY_CONTACT: Final[Mapping[ConversationState, ConversationState]] = MappingProxyType(
    {_RESOLVED: _OPEN, _SNOOZED: _OPEN}
)
"""What a message of the contact makes of a conversation that is not muted; `pending` stays with its automaton."""

BY_TIME: Final[Mapping[ConversationState, ConversationState]] = MappingProxyType({_SNOOZED: _OPEN})
"""What becomes of it when its time has come (the function `wake_conversations`)."""


class Priority(IntEnum):
    """How urgent a conversation is; told by name."""

    NONE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    URGENT = 4


PriorityName = Literal["none", "low", "medium", "high", "urgent"]


@dataclass(frozen=True, slots=True)
class Conversation:
    """What is said with one contact on one channel. Within `window_open_until` they may be written to freely."""

    id: UUID
    channel_id: UUID
    contact_id: UUID
    state: ConversationState
    assignee_id: UUID | None
    unread_count: int
    last_sequence: int
    read_sequence: int
    last_message_at: datetime
    window_open_until: datetime | None
    version: int
    created_at: datetime
    channel_kind: str = "whatsapp"
    opted_out: bool = False
    opted_at: datetime | None = None
    origin_id: UUID | None = None
    speaker_id: UUID | None = None
    continued_in: UUID | None = None
    team_id: UUID | None = None
    priority: Priority = Priority.NONE
    snoozed_until: datetime | None = None
    muted: bool = False
    waiting_since: datetime | None = None
    silent: bool = False
    """Whether nothing can be answered on its channel."""

    @property
    def begun_with(self) -> UUID:
        """With whom it was begun: `contact_id` is another one while the two are merged."""
        return self.origin_id or self.contact_id

    @property
    def speaker(self) -> UUID:
        """Who of the contacts that are one wrote last: answers go to them, and are sealed under their key."""
        return self.speaker_id or self.begun_with

    def spoken_by(self, contact_id: UUID) -> "Conversation":
        """As it is after this contact wrote."""
        return replace(self, speaker_id=None if contact_id == self.begun_with else contact_id)

    def owner_of(self, contact_id: UUID) -> UUID | None:
        """What a row in it says of whose it is."""
        return None if contact_id == self.begun_with else contact_id

    def changed(self, now: datetime, wishes: Mapping[str, Any]) -> "Conversation":
        """As somebody of the team wants it, by the names of fields; the same version when nothing is different.

        Raises:
            NotThatWay: it cannot go from its state into that one.
            SnoozeWithoutRest: a time to wake for what does not rest.
            SnoozeOutOfRange: that time is over, or too far away.
        """
        state = wishes.get("state") or self.state
        if state is not self.state and state not in BY_TEAM[self.state]:
            raise NotThatWay(self.state, state, sorted(BY_TEAM[self.state]))
        until = wishes.get("snoozed_until")
        if until is not None and state is not ConversationState.SNOOZED:
            raise SnoozeWithoutRest
        if until is not None and not now < until <= now + LONGEST_SNOOZE:
            raise SnoozeOutOfRange
        wanted = replace(self, **{**wishes, "state": state})
        if state is not ConversationState.SNOOZED or (self.state is not state and "snoozed_until" not in wishes):
            wanted = replace(wanted, snoozed_until=None)
        if state is ConversationState.RESOLVED:
            wanted = replace(wanted, waiting_since=None)
        return self if wanted == self else replace(wanted, version=self.version + 1)

    def heard(self, at: datetime, *, counts: bool) -> "Conversation":
        """After a message of the contact: open again, and waiting if somebody has to read it, unless it is muted."""
        if self.muted:
            return self
        state = BY_CONTACT.get(self.state, self.state)
        until = self.snoozed_until if state is ConversationState.SNOOZED else None
        waiting = min(self.waiting_since or at, at) if counts else self.waiting_since
        return replace(self, state=state, snoozed_until=until, waiting_since=waiting)

    def kept_apart(self) -> "Conversation":
        """After a message of somebody of whom nobody wants to hear: nothing is open and nobody waits."""
        return replace(self, state=ConversationState.RESOLVED, snoozed_until=None, waiting_since=None)

    def answered(self) -> "Conversation":
        """After a message of ours: the contact waits no more."""
        return replace(self, waiting_since=None)

    def opted(self, wants: Literal["", "out", "in"], at: datetime) -> "Conversation":
        """As the contact wanted it then: no more messages here, or again; what is older changes nothing."""
        if not wants or (self.opted_at is not None and at <= self.opted_at):
            return self
        return replace(self, opted_out=wants == "out", opted_at=at)

    @property
    def reopens(self) -> bool:
        """Whether a message of the contact opens it again."""
        return not self.muted and self.state in BY_CONTACT
