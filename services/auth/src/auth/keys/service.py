import asyncio
import base64
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from auth.keys.model import (
    ANNOUNCED_FOR,
    KEPT_FOR,
    SigningKey,
    StoredKey,
    is_announced,
    is_due,
    published,
    signing,
    thumbprint,
)
from auth.keys.repository import KeyRepository
from contracts.auth import SigningKeyRemoved
from kit.audit import SYSTEM, Actor, Operator, audited
from kit.db.database import Database, Transaction
from kit.errors import TransientError
from kit.seal import Sealer

log = structlog.get_logger(__name__)

LOOK_EVERY: Final = 2.0
"""Seconds a process goes by the keys it has seen: for so long it may sign with one that was taken away."""
REMOVED_FOR: Final = timedelta(hours=1)
"""That a key was taken away is remembered longer than any token lives, and than anyone keeps the key set."""


class NoSigningKey(TransientError):
    """There is no key to sign with."""


def _id_of(kid: str) -> UUID:
    return uuid5(NAMESPACE_URL, f"urn:rostrum:signing-key:{kid}")


def _named(kid: str) -> tuple[str, str]:
    """A key as the target of a line of the audit trail."""
    return "signing_key", f"kid:{kid}"


def _place(kid: str) -> bytes:
    return f"auth.signing_keys.{kid}".encode()


def new_key(sealer: Sealer, signs_from: datetime) -> StoredKey:
    """A fresh key, its private half sealed."""
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    kid = thumbprint(public)
    return StoredKey(kid, public, sealer.seal(private.private_bytes_raw(), _place(kid)), signs_from)


@dataclass(frozen=True, slots=True)
class KeyRotation:
    """Sees to it that there is always a key, and another every 30 days."""

    database: Database
    sealer: Sealer

    async def ensure(self) -> None:
        """Make the first key, which signs at once, unless there is one; processes may start together."""
        async with self.database.transaction() as tx:
            keys = KeyRepository(tx)
            await keys.lock()
            if not await keys.all():
                key = new_key(self.sealer, await keys.now())
                await keys.add(key)
                await tx.emit(audited("auth.signing_key.created", SYSTEM, "signing_key", f"kid:{key.kid}"))
                log.info("keys.first", kid=key.kid)

    async def rotate_when_due(self) -> None:
        """Announce the next key when the present one has signed for 30 days, and destroy what nobody needs."""
        async with self.database.transaction() as tx:
            keys = KeyRepository(tx)
            await keys.lock()
            now = await keys.now()
            if is_due([key.signs_from for key in await keys.all()], now):
                await self._announce(tx, now, SYSTEM)
            await keys.purge(KEPT_FOR + timedelta(hours=1))
            await keys.forget_removed(REMOVED_FOR)

    async def rotate(self) -> bool:
        """Announce the next key now, whatever the age of the present one; False when one is announced already."""
        async with self.database.transaction() as tx:
            keys = KeyRepository(tx)
            await keys.lock()
            now = await keys.now()
            if is_announced([key.signs_from for key in await keys.all()], now):
                return False
            await self._announce(tx, now, Operator())
        return True

    async def remove(self, kid: str) -> bool:
        """Take a key away in an emergency: what it has signed is refused everywhere within seconds.

        If it signs, another signs from now on: the one that was announced, which everybody has, or a new one.
        Sessions go on, since refresh tokens have nothing to do with it. False when there is no such key.
        """
        async with self.database.transaction() as tx:
            keys = KeyRepository(tx)
            await keys.lock()
            now = await keys.now()
            stored = await keys.all()
            signer = signing(stored, now)
            if not await keys.remove(kid):
                return False
            if signer is not None and signer.kid == kid:
                await self._succeed(tx, [each for each in stored if each.signs_from > now], now)
            await tx.emit(
                SigningKeyRemoved(key_id=_id_of(kid), kid=kid),
                audited("auth.signing_key.removed", Operator(), *_named(kid)),
            )
        log.warning("keys.removed", kid=kid)
        return True

    async def _succeed(self, tx: Transaction, announced: Sequence[StoredKey], now: datetime) -> None:
        if announced:
            await KeyRepository(tx).begin_now(announced[0].kid)
            return
        key = new_key(self.sealer, now)
        await KeyRepository(tx).add(key)
        await tx.emit(audited("auth.signing_key.created", SYSTEM, *_named(key.kid)))

    async def _announce(self, tx: Transaction, now: datetime, by: Actor) -> None:
        key = new_key(self.sealer, now + ANNOUNCED_FOR)
        await KeyRepository(tx).add(key)
        await tx.emit(audited("auth.signing_key.rotated", by, "signing_key", f"kid:{key.kid}"))
        log.info("keys.announced", kid=key.kid, signs_from=key.signs_from.isoformat())


class KeyRing:
    """The keys as this process knows them; it looks again every other second, and goes on with what it has."""

    def __init__(self, database: Database, sealer: Sealer, *, look_every: float = LOOK_EVERY) -> None:
        self._database = database
        self._sealer = sealer
        self._look_every = look_every
        self._keys: Sequence[SigningKey] = ()
        self._seen_at = float("-inf")
        self._looking = asyncio.Lock()

    async def signer(self) -> SigningKey:
        """The key to sign with now.

        Raises:
            NoSigningKey: there is none, and none can be read.
        """
        key = signing(await self._current(), self._database.clock.now())
        if key is None:
            raise NoSigningKey
        return key

    async def jwks(self) -> dict[str, Any]:
        """The public halves that verifiers need now (RFC 7517, RFC 8037)."""
        return {"keys": [_jwk(key) for key in published(await self._current(), self._database.clock.now())]}

    async def _current(self) -> Sequence[SigningKey]:
        if time.monotonic() - self._seen_at > self._look_every:
            async with self._looking:
                if time.monotonic() - self._seen_at > self._look_every:
                    await self._look()
        return self._keys

    async def _look(self) -> None:
        try:
            # Who signs is often within a transaction: the ordinary connections may all be held by such.
            async with self._database.aside() as tx:
                stored = await KeyRepository(tx).all()
        except TransientError as trouble:
            if not self._keys:
                raise
            log.warning("keys.not_read", error=type(trouble).__name__)
        else:
            known = {key.kid: key for key in self._keys}
            self._keys = [known.get(each.kid) or self._opened(each) for each in stored]
        self._seen_at = time.monotonic()

    def _opened(self, stored: StoredKey) -> SigningKey:
        private = Ed25519PrivateKey.from_private_bytes(self._sealer.open(stored.sealed_private, _place(stored.kid)))
        return SigningKey(stored.kid, private, stored.public, stored.signs_from)


def _jwk(key: SigningKey) -> dict[str, str]:
    x = base64.urlsafe_b64encode(key.public).rstrip(b"=").decode("ascii")
    return {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": key.kid, "x": x}
