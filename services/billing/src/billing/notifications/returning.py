"""What came about a customer before anybody knew whose it is comes again once that is known."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from billing.notifications.source import NAME, Owners
from kit.db.database import Database
from kit.intake.desk import Choice
from kit.intake.intake import Intake

_PAGE: Final = 1_000
_UNKNOWN: Final = "unknown "


@dataclass(frozen=True, slots=True)
class Returning:
    """Replays webhooks that were quarantined as of an unknown customer.

    A customer may have been linked since; and Stripe's event about one that we have just made may come before our own
    record of its id.
    """

    database: Database
    intake: Intake
    owners: Sequence[Owners]

    async def replay_known(self) -> None:
        """Look once through the customers that were unknown."""
        for tenant in await self._known(await self._unknown()):
            await self.intake.replay(Choice(source=NAME, reason=f"{_UNKNOWN}{tenant}"))

    async def _unknown(self) -> set[str]:
        tenants: set[str] = set()
        before = None
        while True:
            page = await self.intake.desk.list(source=NAME, before=before, limit=_PAGE)
            tenants |= {each.tenant for each in page if each.reason == f"{_UNKNOWN}{each.tenant}"}
            if len(page) < _PAGE:
                return tenants
            before = page[-1].id

    async def _known(self, tenants: Collection[str]) -> list[str]:
        if not tenants:
            return []
        async with self.database.transaction() as tx:
            found = [set(await owners(tx, tenants)) for owners in self.owners]
        return sorted(set[str]().union(*found))
