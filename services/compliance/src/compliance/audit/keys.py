import time
from dataclasses import dataclass, field
from typing import Final

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compliance.audit.errors import LogNotReady
from compliance.audit.merkle import EMPTY
from compliance.audit.model import Checkpoint
from compliance.audit.notes import Signer
from compliance.audit.repository import KeyRepository, LogRepository, StoredKey
from kit.audit import SYSTEM, audited
from kit.db.database import Database, Transaction
from kit.seal import Keyring

log = structlog.get_logger(__name__)

LOOK_EVERY: Final = 60.0
"""Seconds a process goes by the key it has seen."""


def _place(key_id: str) -> bytes:
    return f"compliance.audit_keys.{key_id}".encode()


@dataclass(slots=True)
class LogKeys:
    """The keys that sign the log. The first is made under the name in the settings, and the log keeps that name.

    A process follows a change of key within a minute; what it signs meanwhile with the one before is as good.
    """

    database: Database
    keyring: Keyring
    origin: str
    _signer: Signer | None = field(default=None, repr=False)
    _seen_at: float = field(default=float("-inf"), repr=False)

    async def ensure(self) -> None:
        """See to it that there is a key, and a checkpoint of the empty log; processes may start together."""
        if await self.all():
            return
        fresh, stored = await self._made(self.origin)
        async with self.database.transaction() as tx:
            keys = KeyRepository(tx)
            await keys.lock()
            if await keys.all():
                return
            await self._add(tx, stored)
            await LogRepository(tx).save_checkpoint(Checkpoint(0, EMPTY, fresh.checkpoint(0, EMPTY)))

    async def rotate(self) -> None:
        """Sign with a new key from now on; the earlier ones stay published for what they have signed."""
        present = await self.signer()
        _, stored = await self._made(present.origin)
        async with self.database.transaction() as tx:
            await self._add(tx, stored)

    async def signer(self) -> Signer:
        """The key that signs now.

        Raises:
            LogNotReady: there is none yet.
        """
        if self._signer is None or time.monotonic() - self._seen_at > LOOK_EVERY:
            stored = await self.all()
            if not stored:
                raise LogNotReady
            private = await self.keyring.open(None, stored[0].sealed_private, _place(stored[0].id))
            self._signer = Signer(stored[0].origin, Ed25519PrivateKey.from_private_bytes(private))
            self._seen_at = time.monotonic()
        return self._signer

    async def all(self) -> list[StoredKey]:
        """All keys that ever signed, the one that signs now first."""
        async with self.database.transaction() as tx:
            return await KeyRepository(tx).all()

    async def _made(self, origin: str) -> tuple[Signer, StoredKey]:
        fresh = Signer(origin, Ed25519PrivateKey.generate())
        sealed = await self.keyring.seal(None, fresh.private.private_bytes_raw(), _place(fresh.id))
        return fresh, StoredKey(fresh.id, fresh.origin, fresh.public, sealed)

    async def _add(self, tx: Transaction, key: StoredKey) -> None:
        await KeyRepository(tx).add(key)
        await tx.emit(audited("compliance.signing_key.created", SYSTEM, "signing_key", key.id))
        log.info("audit.key_made", key=key.id, origin=key.origin)
