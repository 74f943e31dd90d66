"""Step-up of staff: what reaches far asks for password and code again when they were not shown lately."""

from auth.staff.errors import FreshProofNeeded
from auth.staff.model import FRESH
from auth.staff_sessions.repository import StaffSessionRepository
from kit.db.database import Transaction
from kit.http.staff import StaffCaller


async def insist_on_fresh_proof(tx: Transaction, staff: StaffCaller) -> None:
    """Go on only if the session goes on and both factors were shown within ten minutes.

    To be called in the transaction of the use-case.

    Raises:
        FreshProofNeeded: they were not.
    """
    if not await StaffSessionRepository(tx).is_fresh(staff.session_id, staff.staff_id, FRESH):
        raise FreshProofNeeded
