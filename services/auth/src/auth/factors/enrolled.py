"""Which second factors somebody has."""

from uuid import UUID

from auth.factors.repository import FactorRepository
from auth.sign_ins.model import Proof
from kit.db.database import Transaction


async def enrolled(tx: Transaction, user_id: UUID) -> tuple[Proof, ...]:
    """The factors of this user that are in use, the one to offer first at the front.

    Recovery codes count only beside another: they stand in for it.
    """
    return await FactorRepository(tx).enrolled(user_id)
