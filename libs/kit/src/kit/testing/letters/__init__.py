"""A made-up source of webhooks with its migrations; `__main__` is a program around it that tests may kill."""

import base64
import hmac
import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from kit.db.database import Database, Transaction
from kit.intake.model import Applied, Item, Received, Unreadable, Verdict
from kit.intake.signatures import hmac_sha256_hex
from kit.seal.keyring import Keyring
from kit.seal.master import LocalMasterKey

SECRET: Final = "a made-up secret"  # noqa: S105 - it guards nothing
PATH: Final = "/v1/webhooks/letters"
ACME: Final = UUID("00000000-0000-7000-8000-00000000000a")
GLOBEX: Final = UUID("00000000-0000-7000-8000-00000000000b")
_MASTER: Final = base64.urlsafe_b64encode(b"k" * 32).decode()


def signed(body: bytes) -> dict[str, str]:
    """The headers of a genuine delivery."""
    digest = hmac.new(SECRET.encode(), body, "sha256").hexdigest()
    return {"x-signature": f"sha256={digest}", "content-type": "application/json"}


def delivery(*letters: Mapping[str, object]) -> bytes:
    """The body of a delivery."""
    return json.dumps({"letters": letters}).encode()


def letter(number: int, sender: str = "anna", to: str = "acme", text: str = "") -> dict[str, object]:
    """One letter; its text is its number unless it is given."""
    return {"id": f"{to}-{sender}-{number}", "from": sender, "to": to, "text": text or str(number)}


@dataclass
class Letters:
    """Letters of senders to organizations; `trouble` is called before a letter of that text is applied."""

    owners: dict[str, UUID] = field(default_factory=lambda: {"acme": ACME, "globex": GLOBEX})
    trouble: dict[str, Callable[[], Awaitable[Verdict | None]]] = field(default_factory=dict)
    name: str = "letters"
    body_limit: int = 4 * 1024 * 1024

    def challenge(self, query: Mapping[str, str]) -> str | None:
        """The challenge, for who knows the word."""
        return query.get("challenge") if query.get("token") == "open sesame" else None

    def genuine(self, headers: Mapping[str, str], body: bytes) -> bool:
        """As Meta signs."""
        return hmac_sha256_hex(SECRET, body, headers.get("x-signature"), prefix="sha256=")

    def split(self, body: bytes) -> Sequence[Item]:
        """One item for each letter."""
        try:
            return [_item(each) for each in json.loads(body)["letters"]]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise Unreadable(f"not a list of letters: {type(error).__name__}") from error

    async def organizations(self, _tx: Transaction, tenants: Collection[str]) -> Mapping[str, UUID]:
        """Those that are known."""
        return {tenant: self.owners[tenant] for tenant in tenants if tenant in self.owners}

    async def apply(self, tx: Transaction, items: Sequence[Received]) -> Sequence[Verdict]:
        """A row for each."""
        return [await self._apply(tx, received) for received in items]

    async def _apply(self, tx: Transaction, received: Received) -> Verdict:
        text = json.loads(received.item.content)
        verdict = await self.trouble[text]() if text in self.trouble else None
        await tx.execute(
            "INSERT INTO letters (organization_id, item, sender, body) VALUES ($1, $2, $3, $4)",
            tx.organization_id,
            received.row_id,
            received.item.key,
            text,
        )
        return verdict or Applied()


def _item(given: Mapping[str, object]) -> Item:
    content = json.dumps(str(given["text"])).encode()
    return Item(str(given["id"]), str(given["from"]), str(given["to"]), "letter", content)


def keyring(database: Database) -> Keyring:
    """A keyring that every test process shares."""
    return Keyring(database, LocalMasterKey.from_text(_MASTER))
