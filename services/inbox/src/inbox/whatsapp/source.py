"""WhatsApp's webhook as intake knows it."""

import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final
from uuid import UUID

from inbox.channels.repository import ChannelRepository, organizations_of
from inbox.contacts.blind import Blind, blind_of
from inbox.messages.receiving import Receiving
from inbox.messages.reporting import Reporting
from inbox.whatsapp.payload import hidden_by, split
from inbox.whatsapp.saying import Said, read, read_status
from kit.db.database import Transaction
from kit.intake.model import Applied, Item, Quarantined, Received, Verdict
from kit.intake.signatures import hmac_sha256_hex

ACCOUNT: Final = "account:"
_NOT_HERE: Final = Quarantined("the number is not connected any more")


@dataclass(frozen=True, slots=True)
class WhatsAppSource:
    """Everything that WhatsApp tells. Without secret and token it believes nobody."""

    app_secret: str = field(repr=False)
    verify_token: str = field(repr=False)
    receiving: Receiving
    reporting: Reporting
    name: str = "whatsapp"
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
        """All items; ids and keys are hashed, because a number can be read from the platform's."""
        return split(body, hidden_by(self.app_secret))

    async def organizations(self, tx: Transaction, tenants: Collection[str]) -> Mapping[str, UUID]:
        """Whose these numbers and business accounts are."""
        accounts = {each.removeprefix(ACCOUNT) for each in tenants if each.startswith(ACCOUNT)}
        numbers = {each for each in tenants if not each.startswith(ACCOUNT)}
        found = await organizations_of(tx, numbers, accounts)
        return {
            f"{ACCOUNT}{external_id}" if kind == "account" else external_id: organization_id
            for kind, external_id, organization_id in found
        }

    async def apply(self, tx: Transaction, items: Sequence[Received]) -> Sequence[Verdict]:
        """Apply items in order; messages of one number beside each other go together."""
        blind = await blind_of(self.receiving.sealing.keyring, tx.organization_id)
        channels = await ChannelRepository(tx).of_numbers({each.item.tenant for each in items})
        verdicts: list[Verdict] = []
        for (kind, tenant), run in groupby(items, key=lambda each: (each.item.kind, each.item.tenant)):
            channel_id = channels.get(tenant)
            if kind not in ("message", "status"):
                verdicts += [Quarantined(f"nobody here knows what to do with {kind}") for _ in run]
            elif channel_id is None:
                verdicts += [_NOT_HERE for _ in run]
            elif kind == "message":
                verdicts += await self._messages(tx, blind, channel_id, list(run))
            else:
                verdicts += [await self._status(tx, blind, channel_id, each) for each in run]
        return verdicts

    async def _messages(
        self, tx: Transaction, blind: Blind, channel_id: UUID, items: Sequence[Received]
    ) -> list[Verdict]:
        read_ones = [read(each.item.content) for each in items]
        troubles = [_unusable(said) for said in read_ones]
        usable = [
            (said, each.received_at)
            for each, said, trouble in zip(items, read_ones, troubles, strict=True)
            if not trouble
        ]
        if usable:
            await self.receiving.apply(tx, blind, channel_id, usable)
        return [Quarantined(trouble) if trouble else Applied() for trouble in troubles]

    async def _status(self, tx: Transaction, blind: Blind, channel_id: UUID, received: Received) -> Verdict:
        report = read_status(received.item.content)
        at = report.time or received.received_at
        known = await self.reporting.apply(tx, blind, channel_id, report, at)
        return Applied() if known else Quarantined("a report of a status that nobody knows")


def _unusable(said: Said) -> str:
    """Why a message cannot become one of a conversation; empty when it can."""
    if not said.provider_id:
        return "a message without an id"
    if said.group:
        return "a message to a group"
    return "" if said.known_as or said.formerly else "a message without a sender"
