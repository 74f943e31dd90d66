from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from inbox.timeline.model import Place, What
from kit.db.database import Row, Transaction
from kit.ids import AFTER_ALL, END_OF_TIME

_COLUMNS: Final = ("by", "conversation_id", "channel_id", "other_id", "state", "kind", "detail", "sealed")
_NOTHING: Final = {
    **dict.fromkeys(("by", "conversation_id", "channel_id", "other_id"), "NULL::uuid"),
    **dict.fromkeys(("state", "kind", "detail"), "NULL::text"),
    "sealed": "NULL::bytea",
}
_LAST: Final = "\U0010ffff"


def _lines(what: What, at: str, key: str, owner: str, source: str, **told: str) -> str:
    """The newest lines of one sort before a place; lines that are the same but for whose they are come once."""
    columns = ", ".join(f"({(_NOTHING | told)[name]}) AS {name}" for name in _COLUMNS)
    return f"""
        (SELECT DISTINCT ON ({at}, {key})
                {at} AS at, '{what}'::text AS what, {key} AS id, {owner} AS contact_id, {columns}
         FROM {source} AND {at} <= $3 AND ({at}, '{what}'::text, {key}) < ($3, $4::text, $5::uuid)
         ORDER BY {at} DESC, {key} DESC LIMIT $6)"""  # noqa: S608 - constants of this file


_TALKS: Final = (
    "conversations AS c WHERE c.contact_id = ANY ($1) AND c.organization_id = $2 AND c.continued_in IS NULL"
)
_TALK: Final = {"conversation_id": "c.id", "channel_id": "c.channel_id", "state": "c.state", "kind": "c.channel_kind"}
_MERGES: Final = (
    "contact_merges AS m WHERE (m.kept_id = ANY ($1) OR m.merged_id = ANY ($1)) AND m.organization_id = $2"
)
_NOTE: Final = {"by": "n.author_id", "conversation_id": "n.conversation_id", "sealed": "n.content_sealed"}

_BRANCHES: Final = (
    _lines("made", "p.created_at", "p.id", "p.id", "contacts AS p WHERE p.id = ANY ($1) AND p.organization_id = $2"),
    _lines(
        "blocked",
        "p.blocked_at",
        "p.id",
        "p.id",
        "contacts AS p WHERE p.id = ANY ($1) AND p.organization_id = $2 AND p.blocked_at IS NOT NULL",
    ),
    _lines("conversation_opened", "c.created_at", "c.id", "c.contact_id", _TALKS, **_TALK),
    _lines("message_last", "c.last_message_at", "c.id", "c.contact_id", f"{_TALKS} AND c.last_sequence > 0", **_TALK),
    _lines(
        "noted",
        "n.created_at",
        "n.id",
        "n.contact_id",
        "notes AS n WHERE n.contact_id = ANY ($1) AND n.organization_id = $2",
        **_NOTE,
    ),
    _lines(
        "noted",
        "n.created_at",
        "n.id",
        "c.contact_id",
        "conversations AS c JOIN notes AS n ON n.conversation_id = c.id AND n.organization_id = $2 "
        "WHERE c.contact_id = ANY ($1) AND c.organization_id = $2",
        **_NOTE | {"channel_id": "c.channel_id"},
    ),
    _lines(
        "consent",
        "e.at",
        "e.id",
        "e.contact_id",
        "consent_entries AS e WHERE e.contact_id = ANY ($1) AND e.organization_id = $2",
        state="e.state",
        kind="e.channel_kind",
        detail="e.purpose",
    ),
    _lines(
        "imported",
        "i.created_at",
        "i.id",
        "p.id",
        "contacts AS p JOIN contact_imports AS i ON i.id = p.import_id AND i.organization_id = $2 "
        "WHERE p.id = ANY ($1) AND p.organization_id = $2",
        state="'made'",
    ),
    _lines(
        "imported",
        "i.created_at",
        "i.id",
        "h.contact_id",
        "contact_import_changes AS h JOIN contact_imports AS i ON i.id = h.import_id AND i.organization_id = $2 "
        "WHERE h.contact_id = ANY ($1) AND h.organization_id = $2",
        state="'changed'",
    ),
    _lines("merged", "m.merged_at", "m.id", "m.kept_id", _MERGES, other_id="m.merged_id", kind="m.rule"),
    _lines(
        "separated",
        "m.undone_at",
        "m.id",
        "m.kept_id",
        f"{_MERGES} AND m.undone_at IS NOT NULL",
        other_id="m.merged_id",
        kind="m.rule",
    ),
    _lines(
        "broadcast",
        "r.sent_at",
        "r.broadcast_id",
        "r.contact_id",
        "broadcast_recipients AS r JOIN broadcasts AS b ON b.id = r.broadcast_id AND b.organization_id = $2 "
        "WHERE r.contact_id = ANY ($1) AND r.organization_id = $2 AND r.sent_at IS NOT NULL "
        "AND b.channel_id <> ALL ((SELECT channels_hidden())::uuid[])",
        channel_id="b.channel_id",
        state="r.state",
    ),
    _lines(
        "labelled",
        "l.created_at",
        "l.label_id",
        "l.contact_id",
        "contact_labels AS l WHERE l.contact_id = ANY ($1) AND l.organization_id = $2",
        by="l.labelled_by",
    ),
    _lines(
        "field_set",
        "v.changed_at",
        "v.attribute_id",
        "v.contact_id",
        "contact_attributes AS v WHERE v.contact_id = ANY ($1) AND v.organization_id = $2",
    ),
)


@dataclass(frozen=True, slots=True)
class TimelineRepository:
    """What happened with contacts of the transaction's organization, from the tables in which it is on record.

    Conversations, and notes in them, are those on channels that the transaction sees (row-level security).
    """

    tx: Transaction

    async def page(self, members: Sequence[UUID], after: Place | None, limit: int) -> list[Row]:
        """The newest lines of contacts that are shown as one, before a place."""
        at, what, line_id = after or (END_OF_TIME, _LAST, AFTER_ALL)
        return await self.tx.fetch(
            f"SELECT * FROM ({' UNION ALL '.join(_BRANCHES)}) AS told ORDER BY at DESC, what DESC, id DESC LIMIT $6",  # noqa: S608
            list(members),
            self.tx.organization_id,
            at,
            what,
            line_id,
            limit,
        )
