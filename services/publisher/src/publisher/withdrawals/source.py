"""Meta's signed requests: somebody has removed our application, or wants their data deleted."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import orjson

from kit.db.database import Transaction
from kit.intake.model import Item, Received, Unreadable, Verdict
from postrules.limits import Platform
from publisher.accounts.sealing import AccountSeal
from publisher.withdrawals.model import LONGEST, SignedRequest, Wish, code_of, hashed, signed_request
from publisher.withdrawals.noting import NOBODYS, Withdrawals


@dataclass(frozen=True, slots=True)
class SignedRequestSource:
    """The source `meta-<wish>`; `secrets` are those of our applications by platform.

    A deletion is answered with a confirmation code and the address at which its state can be seen, as Meta asks for.
    """

    wish: Wish
    secrets: Mapping[Platform, str] = field(repr=False)
    seal: AccountSeal
    status_url: str
    """Where states are seen, with `{code}` in it."""

    body_limit: int = LONGEST

    @property
    def name(self) -> str:
        """Its name in the path and in rows."""
        return f"meta-{self.wish}"

    def challenge(self, query: Mapping[str, str]) -> str | None:
        """Meta asks nothing of this address."""
        _ = query
        return None

    def genuine(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether one of our applications' secrets signed what stands in the form."""
        _ = headers
        return self._read(body) is not None

    def acknowledgement(self, body: bytes) -> str:
        """What Meta shows to whoever asked."""
        if self.wish is not Wish.DELETE or (read := self._read(body)) is None:
            return ""
        code = code_of(body, self.secrets[read[0]])
        return orjson.dumps({"url": self.status_url.format(code=code), "confirmation_code": code}).decode()

    def split(self, body: bytes) -> Sequence[Item]:
        """The one request; who asked rests sealed with its content.

        Raises:
            Unreadable: it is none of ours any more.
        """
        read = self._read(body)
        if read is None:
            raise Unreadable("It is not signed by the secret of an application of ours.")
        platform, request = read
        code = code_of(body, self.secrets[platform])
        content = orjson.dumps({"platform": platform, "person": request.person, "code": code})
        return [Item(hashed(code).hex(), code, platform, self.wish, content, request.issued_at)]

    async def organizations(self, tx: Transaction, tenants: Collection[str]) -> Mapping[str, UUID]:
        """Nobody's: it may concern accounts of several."""
        _ = tx
        return dict.fromkeys(tenants, NOBODYS)

    async def apply(self, tx: Transaction, items: Sequence[Received]) -> Sequence[Verdict]:
        """Note each, to be carried out in every organization."""
        return [await self._note(tx, each) for each in items]

    async def _note(self, tx: Transaction, received: Received) -> Verdict:
        said, told_at = orjson.loads(received.item.content), received.item.occurred_at or received.received_at
        withdrawals = Withdrawals(Platform(said["platform"]), self.seal)
        return await withdrawals.note(tx, self.wish, said["person"], hashed(said["code"]), told_at)

    def _read(self, body: bytes) -> tuple[Platform, SignedRequest] | None:
        for platform, secret in self.secrets.items():
            if (request := signed_request(body, secret)) is not None:
                return platform, request
        return None
