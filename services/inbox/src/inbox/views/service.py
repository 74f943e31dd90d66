from dataclasses import dataclass
from typing import Any
from uuid import UUID

from inbox.arrangement.model import Arranged
from inbox.arrangement.service import Arrangements, Place
from inbox.labels.model import key_of
from inbox.views.schemas import ChangeView, MakeView
from kit.db.database import Database
from kit.http.caller import MemberCaller
from kit.http.etag import Condition
from kit.http.idempotency import Idempotency
from kit.seal import Keyring


@dataclass(frozen=True, slots=True)
class ViewService:
    """Saved filters over the list of conversations."""

    database: Database
    keyring: Keyring

    @property
    def _things(self) -> Arrangements:
        return Arrangements(self.database, self.keyring, "view")

    async def page(self, caller: MemberCaller, after: Place | None, limit: int) -> list[Arranged]:
        """Those that all share and the caller's own, by name."""
        return await self._things.page(caller, "", after, limit)

    async def make(self, caller: MemberCaller, wanted: MakeView, once: Idempotency) -> Arranged:
        """Save a filter."""
        async with self.database.transaction(caller.organization_id) as tx:
            return await self._things.make(
                tx, caller, key_of(wanted.name), _document(wanted), shared=wanted.shared, once=once
            )

    async def change(self, caller: MemberCaller, view_id: UUID, wanted: ChangeView, expected: Condition) -> Arranged:
        """Let one choose otherwise."""
        async with self.database.transaction(caller.organization_id) as tx:
            return await self._things.change(
                tx, caller, view_id, key_of(wanted.name), _document(wanted), expected=expected
            )

    async def delete(self, caller: MemberCaller, view_id: UUID) -> None:
        """It is gone."""
        await self._things.delete(caller, view_id)


def _document(wanted: ChangeView) -> dict[str, Any]:
    return {"name": wanted.name, "filter": wanted.filter.model_dump(mode="json", exclude_none=True)}
