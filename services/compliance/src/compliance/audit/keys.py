from dataclasses import dataclass, field

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compliance.audit.errors import LogNotReady
from compliance.audit.merkle import EMPTY
from compliance.audit.model import Checkpoint
from compliance.audit.notes import Signer
from compliance.audit.repository import KeyRepository, LogRepository, StoredKey
from kit.audit import SYSTEM, audited
from kit.db.database import Database
from kit.seal import Keyring

log = structlog.get_logger(__name__)


def _place(key_id: str) -> bytes:
    return f"compliance.audit_keys.{key_id}".encode()


@dataclass(slots=True)
class LogKeys:
    """The key that signs the log. It is made once, under the name in the settings, and keeps that name."""

    database: Database
    keyring: Keyring
    origin: str
    _signer: Signer | None = field(default=None, repr=False)

    async def ensure(self) -> None:
        """See to it that there is a key, and a checkpoint of the empty log; processes may start together."""
        fresh = Signer(self.origin, Ed25519PrivateKey.generate())
        sealed = await self.keyring.seal(None, fresh.private.private_bytes_raw(), _place(fresh.id))
        async with self.database.transaction() as tx:
            keys = KeyRepository(tx)
            await keys.lock()
            if await keys.all():
                return
            await keys.add(StoredKey(fresh.id, fresh.origin, fresh.public, sealed))
            await LogRepository(tx).save_checkpoint(Checkpoint(0, EMPTY, fresh.checkpoint(0, EMPTY)))
            await tx.emit(audited("compliance.signing_key.created", SYSTEM, "signing_key", fresh.id))
        log.info("audit.key_made", key=fresh.id, origin=fresh.origin)

    async def signer(self) -> Signer:
        """The key that signs now.

        Raises:
            LogNotReady: there is none yet.
        """
        if self._signer is None:
            stored = await self.all()
            if not stored:
                raise LogNotReady
            private = await self.keyring.open(None, stored[0].sealed_private, _place(stored[0].id))
            self._signer = Signer(stored[0].origin, Ed25519PrivateKey.from_private_bytes(private))
        return self._signer

    async def all(self) -> list[StoredKey]:
        """All keys that ever signed, the one that signs now first."""
        async with self.database.transaction() as tx:
            return await KeyRepository(tx).all()
