"""WhatsApp's webhook as intake knows it."""

import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol
from uuid import UUID

from inbox.channels.applying import Applying, Told
from inbox.channels.repository import organizations_of
from inbox.whatsapp.payload import hidden_by, split
from inbox.whatsapp.saying import read, read_call, read_echo, read_preference, read_status
from kit.db.database import Transaction
from kit.intake.model import Applied, Item, Quarantined, Received, Verdict
from kit.intake.signatures import hmac_sha256_hex

ACCOUNT: Final = "account:"
OF_TEMPLATES: Final = frozenset(
    f"field:{name}"
    for name in (
        "message_template_status_update",
        "message_template_quality_update",
        "template_category_update",
        "message_template_components_update",
    )
)


OF_NUMBERS: Final = frozenset(
    f"field:{name}" for name in ("phone_number_quality_update", "business_capability_update", "account_update")
)


class Tells(Protocol):
    """Who applies what is told of templates, or of numbers."""

    async def apply(self, tx: Transaction, items: Sequence[Received]) -> Sequence[Verdict]:
        """One verdict for each item."""


@dataclass(frozen=True, slots=True)
class WhatsAppSource:
    """Everything that WhatsApp tells. Without secret and token it believes nobody."""

    app_secret: str = field(repr=False)
    verify_token: str = field(repr=False)
    applying: Applying
    telling: "Tells"
    judging: "Tells"
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
        found = sorted(await organizations_of(tx, numbers, accounts), reverse=True)
        return {
            f"{ACCOUNT}{external_id}" if kind == "account" else external_id: organization_id
            for kind, external_id, organization_id in found
        }

    async def apply(self, tx: Transaction, items: Sequence[Received]) -> Sequence[Verdict]:
        """Apply items in order: those on templates, those on numbers, and all others."""
        found: dict[UUID, Verdict] = {}
        for tells, own in (
            (self.telling, [each for each in items if each.item.kind in OF_TEMPLATES]),
            (self.judging, [each for each in items if each.item.kind in OF_NUMBERS]),
        ):
            found |= await _to_each(tx, tells, own)
        others = [each for each in items if each.row_id not in found]
        if others:
            verdicts = await self.applying.apply(tx, others, _told)
            found |= dict(zip([each.row_id for each in others], verdicts, strict=True))
        return [found[each.row_id] for each in items]


async def _to_each(tx: Transaction, tells: Tells, items: Sequence[Received]) -> dict[UUID, Verdict]:
    """Apply what is told of an account for every organization that has numbers of it; applied where one knew it."""
    if not items:
        return {}
    first = tx.organization_id
    found = dict(zip([each.row_id for each in items], await tells.apply(tx, items), strict=True))
    accounts = {each.item.tenant.removeprefix(ACCOUNT) for each in items if each.item.tenant.startswith(ACCOUNT)}
    if not accounts:
        return found
    whose = await organizations_of(tx, (), accounts)
    for other in sorted({each for _, _, each in whose} - {first}):
        own = {f"{ACCOUNT}{account}" for _, account, each in whose if each == other}
        several = [each for each in items if each.item.tenant in own]
        await tx.bind(other)
        for received, verdict in zip(several, await tells.apply(tx, several), strict=True):
            if isinstance(verdict, Applied):
                found[received.row_id] = verdict
    if tx.organization_ids != (first,):
        await tx.bind(first)
    return found


def _told(received: Received) -> Told:
    match received.item.kind:
        case "message":
            return read(received.item.content)
        case "call":
            return read_call(received.item.content)
        case "echo":
            return read_echo(received.item.content)
        case "status":
            return read_status(received.item.content)
        case "preference":
            return read_preference(received.item.content) or Quarantined("a preference of which nobody knows")
        case kind:
            return Quarantined(f"nobody here knows what to do with {kind}")
