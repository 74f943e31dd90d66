"""Messenger's and Instagram's webhooks as intake knows them: the same in form, signed by the same app."""

import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from inbox.channels.applying import Applying, Told
from inbox.channels.repository import organizations_of
from inbox.direct.payload import split
from inbox.direct.platform import OBJECTS
from inbox.direct.saying import read
from inbox.whatsapp.payload import hidden_by
from kit.db.database import Transaction
from kit.intake.model import Item, Quarantined, Received, Verdict
from kit.intake.signatures import hmac_sha256_hex


@dataclass(frozen=True, slots=True)
class DirectSource:
    """Everything that Meta tells of pages, or of accounts. Without secret and token it believes nobody."""

    name: str
    app_secret: str = field(repr=False)
    verify_token: str = field(repr=False)
    applying: Applying
    body_limit: int = 4 * 1024 * 1024

    def challenge(self, query: Mapping[str, str]) -> str | None:
        """The challenge again, for who knows the verify token."""
        given = query.get("hub.verify_token", "").encode(errors="surrogatepass")
        known = bool(self.verify_token) and hmac.compare_digest(given, self.verify_token.encode())
        if not known or query.get("hub.mode") != "subscribe":
            return None
        return query.get("hub.challenge", "")[:1024]

    def genuine(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether the app's secret signed exactly these bytes."""
        return hmac_sha256_hex(self.app_secret, body, headers.get("x-hub-signature-256"), prefix="sha256=")

    def split(self, body: bytes) -> Sequence[Item]:
        """All items; ids and keys are hashed, because they name people."""
        return split(body, OBJECTS[self.name], hidden_by(self.app_secret))

    async def organizations(self, tx: Transaction, tenants: Collection[str]) -> Mapping[str, UUID]:
        """Whose these pages and accounts are."""
        return {end: organization_id for _, end, organization_id in await organizations_of(tx, tenants, ())}

    async def apply(self, tx: Transaction, items: Sequence[Received]) -> Sequence[Verdict]:
        """Apply items in order."""
        return await self.applying.apply(tx, items, self._told)

    def _told(self, received: Received) -> Told:
        if received.item.kind not in ("message", "echo", "status", "seen"):
            return Quarantined(f"nobody here knows what to do with {received.item.kind}")
        return read(received.item.content, self.name)
