"""A second factor that somebody shows: weighed outside of any transaction, used up in the one that lets them in."""

from dataclasses import dataclass, field
from uuid import UUID

from auth.factors.model import code_hash, step_of
from auth.factors.repository import AppRepository, RecoveryCodeRepository
from auth.factors.sealing import FactorSeals
from auth.passkeys.proving import RightPasskey, ShownPasskey
from auth.sign_ins.model import Proof
from kit.db.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class ShownCode:
    """A code of an app, or a recovery code, as it was typed."""

    proof: Proof
    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RightCode:
    """A code of an app that is right now, unless it was used before."""

    app_id: UUID
    step: int
    proof: Proof = Proof.TOTP

    async def use(self, tx: Transaction) -> bool:
        """Use it up; False when somebody was first."""
        return await AppRepository(tx).use(self.app_id, self.step)


@dataclass(frozen=True, slots=True)
class RecoveryCode:
    """What may be a recovery code; whether it is one, using it up tells."""

    user_id: UUID
    hashed: bytes = field(repr=False)
    proof: Proof = Proof.RECOVERY_CODE

    async def use(self, tx: Transaction) -> bool:
        """Use it up; False when there is none such, or somebody was first."""
        return await RecoveryCodeRepository(tx).use(self.user_id, self.hashed)


Shown = ShownCode | ShownPasskey
Right = RightCode | RecoveryCode | RightPasskey


@dataclass(frozen=True, slots=True)
class Codes:
    """Weighs codes."""

    database: Database
    seals: FactorSeals
    key: bytes = field(repr=False)

    async def weigh(self, user_id: UUID, shown: ShownCode) -> RightCode | RecoveryCode | None:
        """What the code may be used up as; None when it is wrong.

        Raises:
            TransientError: the person's key cannot be had now, so that no app's secret can be opened.
        """
        if shown.proof is Proof.RECOVERY_CODE:
            hashed = code_hash(self.key, user_id, shown.code)
            return None if hashed is None else RecoveryCode(user_id, hashed)
        async with self.database.transaction() as tx:
            apps = await AppRepository(tx).active(user_id)
        secrets = await self.seals.open_secrets(apps)
        now = self.database.clock.now()
        for app, secret in zip(apps, secrets, strict=True):
            step = None if secret is None else step_of(secret, shown.code, now)
            if step is not None:
                return RightCode(app.id, step)
        return None
