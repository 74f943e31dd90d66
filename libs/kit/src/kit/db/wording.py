"""Statements whose values stand in their text, so that several travel in one round trip."""

from collections.abc import Sequence
from uuid import UUID

from contracts.event import Event, encode


def bind(organization_ids: Sequence[UUID]) -> str:
    """The statement by which a transaction sees these organizations."""
    # Hexadecimal digits need no quoting.
    return "SET LOCAL app.orgs = '{" + ",".join([f"{each.int:032x}" for each in organization_ids]) + "}'"


def outbox(facts: Sequence[Event]) -> str:
    """The statement that puts them there, with its values in it: hexadecimal digits, and a name that is quoted."""
    if not facts:
        return ""
    rows = ",".join(
        f"('{fact.id}',{_literal(fact.type)},{_literal(fact.organization_id)},'\\x{encode(fact).hex()}')"
        for fact in facts
    )
    return f"INSERT INTO outbox (id, type, organization_id, body) VALUES {rows};"  # noqa: S608 - see above


def _literal(value: UUID | str | None) -> str:
    return "NULL" if value is None else "'" + str(value).replace("'", "''") + "'"


def count(status: str) -> int:
    """How many rows a statement touched, from what the server says of it."""
    last = status.rsplit(" ", 1)[-1]
    return int(last) if last.isdigit() else 0
