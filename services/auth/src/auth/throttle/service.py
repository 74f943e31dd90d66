"""Guessing passwords and codes is slowed down, and stopped after a hundred in a row; owners are not locked out."""

import hashlib
import hmac
import ipaddress
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

import structlog

from auth.devices.repository import DeviceRepository
from auth.mails.notices import Notice, notify
from auth.sessions.errors import TooManyAttempts
from auth.sign_ins.model import Visitor
from auth.throttle.errors import UnlockLinkForged, UnlockLinkUsed
from auth.throttle.model import DEVICES, LOCKABLE, PLACES, Attempt, Count, Key, Scope
from auth.throttle.repository import ThrottleRepository, forget_now
from auth.tokens.model import TokenForged, TokenMint
from kit.audit import SYSTEM, User, audited
from kit.db.database import Database, Transaction
from kit.ids import new_id
from kit.mail import Mailer
from kit.telemetry import metrics

log = structlog.get_logger(__name__)

VERDICTS = metrics.counter("auth_guesses_total", "Passwords and codes tried", ("on", "verdict"))
SUSPICIONS = metrics.counter("auth_credential_stuffing_total", "Networks found to try stolen lists")
LOCKS = metrics.counter("auth_locks_total", "Accounts locked for unknown devices")
_NOBODY: Final = UUID(int=0)
_PASSWORD: Final = (Scope.ACCOUNT, Scope.DEVICE)
_FACTOR: Final = (Scope.FACTOR, Scope.FACTOR_DEVICE)
"""By what is counted that comes from an unknown device, and from a known one."""


@dataclass(frozen=True, slots=True)
class Throttle:
    """Claim before a password or code is looked at, then say what came of it.

    attempt = await throttle.claim_factor(user_id, visitor)
    ...
    await throttle.verdict(tx, attempt, right=...)     # in a transaction that commits although the request fails

    What ends without a verdict (an organization that is not theirs, no thread free to hash) is taken back by
    `withdraw`, and counts for nothing. A session that goes on by refresh says nothing here, either.
    """

    database: Database
    key: bytes = field(repr=False)
    mailer: Mailer
    unlock_links: TokenMint

    async def claim(self, tx: Transaction, identifier: bytes, user_id: UUID | None, visitor: Visitor) -> Attempt:
        """Count a try of a password on what was typed, whether or not it is somebody's, with the same work.

        To be committed in any case; the attempt says `wait` when it may not be made.
        """
        known = await _known(tx, user_id, visitor)
        return await self._counted(tx, self._attempt(_PASSWORD, identifier, user_id, known, visitor))

    def first_guess(self) -> Count:
        """A guess on a known device of which none is counted, as is mostly so: who holds it knows the password."""
        return Count.first(Scope.DEVICE, self.database.clock.now())

    async def claim_now(
        self, identifier: bytes, user_id: UUID | None, device_id: UUID | None, visitor: Visitor, *, counted: bool
    ) -> Attempt:
        """The same in a commit of its own, where it is known which device of theirs the visitor comes from.

        Unless it is `counted` already, as a first guess on that device.
        """
        attempt = self._attempt(_PASSWORD, identifier, user_id, device_id, visitor)
        if counted:
            return attempt
        async with self.database.transaction(durable=False) as tx:
            return await self._counted(tx, attempt)

    async def claim_factor(self, user_id: UUID, visitor: Visitor) -> Attempt:
        """Count a try of a second factor.

        Raises:
            TooManyAttempts: none may be made now.
        """
        async with self.database.transaction() as tx:
            known = await _known(tx, user_id, visitor)
            attempt = await self._counted(tx, self._attempt(_FACTOR, user_id.bytes, user_id, known, visitor))
        if attempt.wait is not None:
            raise TooManyAttempts(retry_after=attempt.wait.total_seconds())
        return attempt

    async def verdict(self, tx: Transaction, attempt: Attempt, *, right: bool) -> None:
        """The password or code was right, or it was wrong."""
        VERDICTS.labels(attempt.keys[0][0].value, "right" if right else "wrong").inc()
        throttles = ThrottleRepository(tx)
        if right:
            places = [each for each in attempt.keys if each[0] in PLACES]
            await throttles.forget([each for each in attempt.keys if each[0] not in PLACES])
            if places:
                counts, _ = await throttles.lock(places)
                await throttles.save([each.taken_back() for each in counts])
            return
        counts, _ = await throttles.lock(attempt.keys)
        after = [await self._failed(tx, attempt, each) for each in counts]
        await throttles.save(after)

    async def right(self, attempt: Attempt) -> None:
        """The password was right, which is committed at once: whatever is refused from here on was no wrong guess."""
        if any(scope in PLACES for scope, _ in attempt.keys):
            async with self.database.transaction(durable=False) as tx:
                await self.verdict(tx, attempt, right=True)
            return
        VERDICTS.labels(attempt.keys[0][0].value, "right").inc()
        await forget_now(self.database, attempt.keys)

    def was_right(self, attempt: Attempt) -> None:
        """The same where its guesses are forgotten already."""
        VERDICTS.labels(attempt.keys[0][0].value, "right").inc()

    async def withdraw(self, attempt: Attempt) -> None:
        """Nobody found out whether it was right: it was no try."""
        async with self.database.transaction() as tx:
            counts, _ = await ThrottleRepository(tx).lock(attempt.keys)
            await ThrottleRepository(tx).save([each.taken_back() for each in counts])

    async def unlock(self, token: str) -> None:
        """Let unknown devices try again, by the link of the mail; good once, and for that one lock.

        Raises:
            UnlockLinkForged: this is no such link.
            UnlockLinkUsed: the lock is not any more.
        """
        try:
            (lock_id,) = self.unlock_links.read(token).ids
        except TokenForged as error:
            raise UnlockLinkForged from error
        async with self.database.transaction() as tx:
            if not await ThrottleRepository(tx).unlock(lock_id):
                raise UnlockLinkUsed
            await tx.emit(audited("auth.user.unlocked", User(), "lock", lock_id))

    async def forget(self, tx: Transaction, user_id: UUID, *identifiers: bytes) -> int:
        """Begin to count anew on an account: its owner has proven an address, or is forgotten."""
        devices = await DeviceRepository(tx).ids(user_id)
        return await ThrottleRepository(tx).forget(self.keys_of(user_id, identifiers, devices))

    def keys_of(self, user_id: UUID, identifiers: tuple[bytes, ...], devices: list[UUID]) -> list[Key]:
        """All by which guesses on somebody's account are counted."""
        return [
            *((Scope.ACCOUNT, self._key(Scope.ACCOUNT, each)) for each in identifiers),
            (Scope.FACTOR, self._key(Scope.FACTOR, user_id.bytes)),
            *((scope, each.bytes) for scope in sorted(DEVICES) for each in devices),
        ]

    def _attempt(
        self,
        scopes: tuple[Scope, Scope],
        identifier: bytes,
        user_id: UUID | None,
        device_id: UUID | None,
        visitor: Visitor,
    ) -> Attempt:
        unknown, known = scopes
        if device_id is not None:
            keys: tuple[Key, ...] = ((known, device_id.bytes),)
        else:
            keys = ((unknown, self._key(unknown, identifier)), *self._places(visitor.address))
        return Attempt(keys, identifier, user_id, device_id)

    @staticmethod
    async def _counted(tx: Transaction, attempt: Attempt) -> Attempt:
        throttles = ThrottleRepository(tx)
        counts, now = await throttles.lock(attempt.keys)
        waits = [wait for each in counts if (wait := each.wait(now)) is not None]
        if waits:
            return replace(attempt, wait=max(waits))
        await throttles.save([each.claimed(now) for each in counts])
        return attempt

    async def _failed(self, tx: Transaction, attempt: Attempt, count: Count) -> Count:
        after = count.failed(attempt.identifier)
        if after.suspicious and not count.suspicious:
            SUSPICIONS.inc()
            log.warning("throttle.stuffing", network=after.key.hex()[:16], identifiers=after.distinct)
            name = after.key.hex()[:16]
            await tx.emit(audited("auth.network.suspected", SYSTEM, "network", name, identifiers=after.distinct))
        if not after.locked:
            return after
        if after.scope in DEVICES and attempt.device_id is not None and attempt.user_id is not None:
            await DeviceRepository(tx).delete(attempt.user_id, attempt.device_id)
        if after.scope in LOCKABLE and after.lock_id is None:
            after = replace(after, lock_id=new_id())
            await self._locked(tx, attempt, after.lock_id)
        return after

    async def _locked(self, tx: Transaction, attempt: Attempt, lock_id: UUID | None) -> None:
        """Tell the owner, if there is one; what is asked from now on is answered alike."""
        LOCKS.inc()
        if attempt.user_id is not None:
            await notify(tx, self.mailer, attempt.user_id, Notice.ACCOUNT_LOCKED, lock_id)
            await tx.emit(audited("auth.user.locked", SYSTEM, "user", attempt.user_id))

    def _places(self, address: str) -> list[Key]:
        """Address and network; nothing where no address is known."""
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return []
        if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        network = ipaddress.ip_network(f"{found}/{24 if found.version == 4 else 64}", strict=False)
        return [
            (Scope.ADDRESS, self._key(Scope.ADDRESS, found.packed)),
            (Scope.NETWORK, self._key(Scope.NETWORK, network.network_address.packed)),
        ]

    def _key(self, scope: Scope, of: bytes) -> bytes:
        return hmac.digest(self.key, scope.value.encode() + b"\0" + of, hashlib.sha256)


async def _known(tx: Transaction, user_id: UUID | None, visitor: Visitor) -> UUID | None:
    return await DeviceRepository(tx).known(user_id or _NOBODY, visitor.device or _NOBODY)
