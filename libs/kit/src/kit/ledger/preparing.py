"""Loads what calls need, set-based; one entry that cannot be prepared does not hold up the others."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import structlog

from kit.db.database import Database
from kit.errors import TransientError
from kit.ledger.kind import Kind
from kit.ledger.model import Entry

log = structlog.get_logger(__name__)


class Unprepared(Exception):
    """The kind could not say what the call needs; nothing was sent."""


Prepared = dict[UUID, Any]


async def prepare(database: Database, kind: Kind[Any], entries: Sequence[Entry]) -> Prepared:
    """What each entry needs, by its id: an `Unprepared` where it failed, nothing where the entry is withdrawn.

    Raises:
        TransientError: the database cannot answer now.
    """
    try:
        return await _together(database, kind, entries)
    except TransientError:
        raise
    except Exception:
        log.exception("ledger.not_prepared", kind=kind.name, entries=len(entries))
        if len(entries) == 1:
            return {entries[0].id: Unprepared()}
    prepared: Prepared = {}
    for entry in entries:
        prepared |= await prepare(database, kind, [entry])
    return prepared


async def _together(database: Database, kind: Kind[Any], entries: Sequence[Entry]) -> Prepared:
    organizations = {entry.organization_id for entry in entries if entry.organization_id}
    async with database.transaction(*organizations) as tx:
        return dict(await kind.prepare(tx, entries))
