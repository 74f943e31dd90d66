from dataclasses import dataclass

from inbox.broadcasts.links.errors import LinkUnknown
from inbox.broadcasts.links.model import Links
from inbox.broadcasts.links.repository import follow
from kit.db.database import Database


@dataclass(frozen=True, slots=True)
class LinkService:
    """Follows links of broadcasts for whoever has one."""

    database: Database
    links: Links

    async def follow(self, token: str, *, counted: bool) -> str:
        """Where a link leads.

        Raises:
            LinkUnknown: we have not made it, or whoever it was made for was forgotten.
        """
        recipient_id = self.links.recipient(token)
        if recipient_id is None:
            raise LinkUnknown
        async with self.database.transaction() as tx:
            target = await follow(tx, recipient_id, counted=counted)
        if not target:
            raise LinkUnknown
        return target
