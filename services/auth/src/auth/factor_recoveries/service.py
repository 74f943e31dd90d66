"""For people who have lost all second factors: staff begins, three days pass, then they are removed."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from auth.accounts.address import EmailAddress, SealedAddress
from auth.accounts.repository import AccountRepository
from auth.accounts.sealing import Addresses
from auth.devices.repository import DeviceRepository
from auth.directory.errors import UserNotFound
from auth.factor_recoveries.errors import (
    NobodyToTell,
    NothingLost,
    OfStaff,
    RecoveryNotFound,
    RecoveryOver,
    RecoveryPending,
    StopLinkForged,
)
from auth.factor_recoveries.model import WAIT, FactorRecovery
from auth.factor_recoveries.repository import FactorRecoveryRepository
from auth.factor_recoveries.sealing import RecoveryReasons
from auth.factors.enrolled import enrolled
from auth.factors.repository import PersonsFactors
from auth.mails.notices import Notice, notify
from auth.passkeys.repository import PersonsPasskeys
from auth.passwords.repository import PasswordRepository
from auth.sessions.revoking import end_sessions
from auth.staff.sealing import StaffSeals
from auth.staff_sessions.fresh import insist_on_fresh_proof
from auth.tokens.model import TokenForged, TokenMint
from kit.audit import SYSTEM, User, audited
from kit.db.database import Database
from kit.http.pagination import PageRequest
from kit.http.staff import StaffCaller
from kit.ids import new_id
from kit.mail import Mailer
from kit.seal import KeyShredded

AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class FactorRecoveryService:
    """Nothing is removed before the person was told and had three days; whoever shows a factor meanwhile stops it."""

    database: Database
    addresses: Addresses
    staff_seals: StaffSeals
    reasons: RecoveryReasons
    mailer: Mailer
    links: TokenMint

    async def begin(self, user_id: UUID, reason: str, staff: StaffCaller) -> FactorRecovery:
        """Begin one, and tell the person at every proven mail address, with a link that stops it.

        Raises:
            UserNotFound, NothingLost, NobodyToTell, OfStaff: it is not for them.
            RecoveryPending: there is one.
        """
        blinds = await self._staff_blinds(user_id)
        recovery_id = new_id()
        try:
            sealed = await self.reasons.seal(recovery_id, user_id, reason)
        except KeyShredded as forgotten:
            raise UserNotFound from forgotten
        async with self.database.transaction() as tx:
            await insist_on_fresh_proof(tx, staff)
            recoveries = FactorRecoveryRepository(tx)
            if not await recoveries.hold_user(user_id):
                raise UserNotFound
            if await recoveries.is_of_staff(blinds):
                raise OfStaff
            if not await enrolled(tx, user_id):
                raise NothingLost
            begun = await recoveries.add(recovery_id, user_id, sealed, staff.staff_id, WAIT)
            if begun is None:
                raise RecoveryPending
            if not await notify(tx, self.mailer, user_id, Notice.FACTOR_RECOVERY_BEGUN, recovery_id):
                raise NobodyToTell
            await tx.emit(audited("auth.factor_recovery.begun", staff, "user", user_id, recovery=str(recovery_id)))
        (shown,) = await self.reasons.opened([begun])
        return shown

    async def stop(self, token: str) -> None:
        """Stop one by the link of the mail; good once.

        Raises:
            StopLinkForged: this is no such link.
            RecoveryOver: it was stopped before, or is done.
        """
        try:
            (recovery_id,) = self.links.read(token).ids
        except TokenForged as error:
            raise StopLinkForged from error
        async with self.database.transaction() as tx:
            user_id = await FactorRecoveryRepository(tx).cancel(recovery_id, "link")
            if user_id is None:
                raise RecoveryOver
            await tx.emit(
                audited("auth.factor_recovery.cancelled", User(user_id), "factor_recovery", recovery_id, by="link")
            )

    async def cancel(self, user_id: UUID, recovery_id: UUID, staff: StaffCaller) -> None:
        """Stop one as staff; one that was stopped stays so.

        Raises:
            RecoveryNotFound: there is none such.
            RecoveryOver: it is done.
        """
        async with self.database.transaction() as tx:
            recoveries = FactorRecoveryRepository(tx)
            if await recoveries.cancel(recovery_id, "staff", user_id) is None:
                held = await recoveries.find(user_id, recovery_id)
                if held is None:
                    raise RecoveryNotFound
                if held.state == "done":
                    raise RecoveryOver
                return
            await tx.emit(
                audited("auth.factor_recovery.cancelled", staff, "factor_recovery", recovery_id, by="staff")
            )

    async def of_user(self, user_id: UUID) -> Sequence[FactorRecovery]:
        """Those of a user with their reasons, the newest first."""
        async with self.database.transaction() as tx:
            found = await FactorRecoveryRepository(tx).of_user(user_id, AT_ONCE)
        return await self.reasons.opened(found)

    async def pending(self, page: PageRequest) -> tuple[Sequence[FactorRecovery], str | None]:
        """Those that wait, the newest first, and the next cursor."""
        before = page.after(UUID)
        async with self.database.transaction() as tx:
            rows = await FactorRecoveryRepository(tx).pending(before[0] if before else None, page.limit + 1)
        shown, cursor = page.cut(rows, lambda each: (each.id,))
        return await self.reasons.opened(shown), cursor

    async def finish_due(self) -> bool:
        """Do what has waited long enough, each in a transaction of its own; True when there may be more."""
        async with self.database.transaction() as tx:
            found = await FactorRecoveryRepository(tx).due(AT_ONCE)
        for recovery_id, user_id in found:
            with suppress(RecoveryOver):  # stopped or done meanwhile, and nothing is removed by us
                await self._finish(recovery_id, user_id)
        return len(found) >= AT_ONCE

    async def _finish(self, recovery_id: UUID, user_id: UUID) -> None:
        """All of it or nothing, and once.

        The factors go first: whoever shows one at this moment has it locked, is waited for, and has stopped us; or
        finds it gone.
        """
        async with self.database.transaction() as tx:
            recoveries = FactorRecoveryRepository(tx)
            if not await recoveries.hold_user(user_id):
                return
            await PersonsFactors(tx).delete(user_id)
            await PersonsPasskeys(tx).delete(user_id)
            if not await recoveries.finish(recovery_id):
                raise RecoveryOver
            await DeviceRepository(tx).forget_remembered(user_id)
            passwords = PasswordRepository(tx)
            if await passwords.needs_factor(user_id):  # too short by itself: they set another by a link
                await passwords.save(user_id, "", needs_factor=False)
            await notify(tx, self.mailer, user_id, Notice.FACTOR_RECOVERY_DONE, recovery_id)
            await tx.emit(audited("auth.factor_recovery.done", SYSTEM, "user", user_id, recovery=str(recovery_id)))
            await end_sessions(tx, user_id)

    async def _staff_blinds(self, user_id: UUID) -> list[bytes]:
        """By what a member of staff with one of the user's addresses would be known."""
        async with self.database.transaction() as tx:
            known = await AccountRepository(tx).identities(user_id)
        mails = [SealedAddress(each.id, each.sealed) for each in known if each.kind == "email"]
        opened = [each for each in await self.addresses.open(mails) if each is not None]
        return [await self.staff_seals.blind(EmailAddress.parse(each)) for each in opened]
