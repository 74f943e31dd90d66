from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from inbox.attributes.model import Sought, Way
from inbox.channels.viewing.narrowing import narrowed
from inbox.conversations.lists.model import Filter
from inbox.conversations.model import Conversation, ConversationState
from inbox.conversations.repository import COLUMNS, conversation
from kit.db.database import Row, Transaction

Place = tuple[datetime, UUID]


@dataclass(slots=True)
class _Arguments:
    """What a question asks with, each under its number."""

    values: list[object] = field(default_factory=list)

    def add(self, value: object, kind: str) -> str:
        """The name of one more."""
        self.values.append(value)
        return f"${len(self.values)}::{kind}"


@dataclass(frozen=True, slots=True)
class ListRepository:
    """Pages of the conversations of the transaction's organization, and what a list shows of each."""

    tx: Transaction

    async def page(
        self, wanted: Filter, sought: Sequence[Sought], after: Place | None, limit: int
    ) -> list[Conversation]:
        """Conversations in the wanted order, beyond a place."""
        channels = None if sought or _finds_few(wanted) else await self._channels()
        if channels is not None and not channels:
            return []
        sql, arguments = question(self.tx.organization_id, wanted, after, limit, sought=sought, channels=channels)
        return [conversation(row) for row in await self.tx.fetch(sql, *arguments)]

    async def _channels(self) -> list[UUID] | None:
        """The channels that are seen where some are not; None where all are, or where these are many."""
        if not narrowed():
            return None
        rows = await self.tx.fetch(
            """
            SELECT id FROM channels WHERE organization_id = $1 AND cardinality(channels_hidden()) > 0
            UNION ALL SELECT NULL WHERE cardinality(channels_hidden()) = 0
            LIMIT $2
            """,
            self.tx.organization_id,
            _FEW_CHANNELS + 1,
        )
        found = [row["id"] for row in rows]
        return None if None in found or len(found) > _FEW_CHANNELS else found

    async def lasts(self, conversation_ids: Collection[UUID]) -> list[Row]:
        """The newest message of each of these, never a part of one, and whether the contact has changed it since."""
        return await self.tx.fetch(
            """
            SELECT last.*, EXISTS (
                SELECT FROM message_marks AS k
                WHERE k.channel_id = last.channel_id AND k.target_blind = last.provider_blind
                  AND k.kind IN ('edit', 'revoke') AND k.organization_id = $2
            ) AS altered
            FROM unnest($1::uuid[]) AS wanted (id) CROSS JOIN LATERAL (
                SELECT m.conversation_id, m.channel_id, m.direction, m.kind, m.provider_time, m.content_sealed,
                       m.provider_blind
                FROM messages AS m
                WHERE m.conversation_id = wanted.id AND m.organization_id = $2 AND m.whole_id IS NULL
                ORDER BY m.provider_time DESC, m.sequence DESC LIMIT 1
            ) AS last
            """,
            list(conversation_ids),
            self.tx.organization_id,
        )


def question(
    organization_id: UUID,
    wanted: Filter,
    after: Place | None,
    limit: int,
    *,
    sought: Sequence[Sought] = (),
    channels: Sequence[UUID] | None = None,
) -> tuple[str, list[object]]:
    """The question for a page as SQL, and what it asks with.

    Only what is asked for is compared, and each state is asked for by itself, so that each shape of question finds
    an index that holds its rows in their order: no page sorts or skips more than itself. So is each of the channels,
    for who does not see all: what is said on the others may be nearly everything.
    """
    arguments = _Arguments()
    tenant, most = arguments.add(organization_id, "uuid"), arguments.add(limit, "int")
    carrying = [_carries(each, arguments, tenant) for each in sought]
    conditions = [*_equal(wanted, arguments, tenant), *carrying, *_within(wanted, after, arguments)]
    states = [wanted.state] if wanted.state is not None else _STATES[wanted.order]
    each_of = [f" AND channel_id = {arguments.add(each, 'uuid')}" for each in channels] if channels else [""]
    parts = (
        f"(SELECT {COLUMNS} FROM conversations WHERE organization_id = {tenant} AND state = '{state.value}'{of}"  # noqa: S608
        f" {' '.join(f'AND {each}' for each in conditions)} ORDER BY {_ORDER[wanted.order]} LIMIT {most})"
        for state in states
        for of in each_of
    )
    together = f"SELECT * FROM ({' UNION ALL '.join(parts)}) AS found"  # noqa: S608 - constants and numbers
    return f"{together} ORDER BY {_ORDER[wanted.order]} LIMIT {most}", arguments.values


def _finds_few(wanted: Filter) -> bool:
    """Whether there is little to skip, whatever is seen; who waits for an answer is always few."""
    named = (wanted.channel_id, wanted.contact_id, wanted.participant_id, wanted.label_id, wanted.assignee_id)
    return wanted.order == "waiting" or any(each is not None for each in named)


_FEW_CHANNELS: Final = 25
"""Beyond these, those that are not seen are skipped instead."""

_STATES: Final = {
    "activity": tuple(ConversationState),
    "waiting": tuple(each for each in ConversationState if each is not ConversationState.RESOLVED),
}
"""Where what is asked for can stand: nobody waits for an answer in what is resolved."""

_COMPARED: Final[Mapping[Way, str]] = {"is": "=", "from": ">=", "to": "<="}

_ORDER: Final = {"activity": "last_message_at DESC, id DESC", "waiting": "waiting_since, id"}


def _equal(wanted: Filter, arguments: _Arguments, tenant: str) -> Sequence[str]:
    """What is compared by equality."""
    told = ["continued_in IS NULL"]
    if wanted.channel_id is not None:
        told.append(f"channel_id = {arguments.add(wanted.channel_id, 'uuid')}")
    if wanted.contact_id is not None:
        told.append(f"contact_id = {arguments.add(wanted.contact_id, 'uuid')}")
    for named, column, value in (
        (wanted.by_assignee, "assignee_id", wanted.assignee_id),
        (wanted.by_team, "team_id", wanted.team_id),
    ):
        if named:
            told.append(f"{column} IS NULL" if value is None else f"{column} = {arguments.add(value, 'uuid')}")
    if wanted.priority is not None:
        told += [
            f"priority = {arguments.add(wanted.priority, 'smallint')}",
            *(["priority > 0"] if wanted.priority else []),
        ]
    if wanted.label_id is not None:
        label = arguments.add(wanted.label_id, "uuid")
        told.append(
            "id IN (SELECT conversation_id FROM conversation_labels"  # noqa: S608 - numbers of arguments
            f" WHERE organization_id = {tenant} AND label_id = {label})"
        )
    if wanted.participant_id is not None:
        who = arguments.add(wanted.participant_id, "uuid")
        told.append(
            "id IN (SELECT conversation_id FROM conversation_participants"  # noqa: S608 - numbers of arguments
            f" WHERE organization_id = {tenant} AND user_id = {who})"
        )
    return told


def _carries(sought: Sought, arguments: _Arguments, tenant: str) -> str:
    """That a conversation has such a value of an attribute; an index holds them in their order."""
    attribute, compared = arguments.add(sought.attribute_id, "uuid"), _COMPARED[sought.way]
    if sought.number is not None:
        value = f"value_number {compared} {arguments.add(sought.number, 'double precision')}"
    else:
        value = f"value_key {compared} {arguments.add(sought.key, 'text')}"
    if sought.number is None and sought.way == "is":
        value += f" AND value = {arguments.add(sought.written, 'text')}"
    return (
        "id IN (SELECT conversation_id FROM conversation_attributes"  # noqa: S608 - numbers of arguments
        f" WHERE organization_id = {tenant} AND attribute_id = {attribute} AND {value})"
    )


def _within(wanted: Filter, after: Place | None, arguments: _Arguments) -> Sequence[str]:
    """What bounds the stretch of the list."""
    told: list[str] = []
    if wanted.unread is not None:
        told.append("unread_count > 0" if wanted.unread else "unread_count = 0")
    if wanted.since is not None:
        told.append(f"last_message_at >= {arguments.add(wanted.since, 'timestamptz')}")
    if wanted.order == "waiting":
        told.append("waiting_since IS NOT NULL")
    if after is not None:
        at, last = arguments.add(after[0], "timestamptz"), arguments.add(after[1], "uuid")
        waiting = wanted.order == "waiting"
        told.append(
            f"({'waiting_since' if waiting else 'last_message_at'}, id) {'>' if waiting else '<'} ({at}, {last})"
        )
    return told
