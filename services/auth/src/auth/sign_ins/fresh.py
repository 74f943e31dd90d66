"""Step-up: what is sensitive asks for a proof that is not old."""

from datetime import timedelta
from typing import Final

from auth.factors.enrolled import enrolled
from auth.sessions.errors import SessionEnded
from auth.sign_ins.errors import StepUpNeeded
from auth.sign_ins.model import Proof
from kit.db.database import Transaction
from kit.http.caller import Caller

FRESH: Final = timedelta(minutes=10)


async def insist_on_fresh_proof(tx: Transaction, caller: Caller) -> None:
    """Go on only if the caller has proven lately who they are: with a second factor, if they have one.

    To be called in the transaction of the use-case. Keys, programs and staff in a person's place never pass.

    Raises:
        StepUpNeeded: with the factors that would do.
        SessionEnded: the session is gone, with its account.
    """
    factors = await enrolled(tx, caller.user_id)
    column = "strong_at" if factors else "proven_at"
    row = await tx.fetchrow(
        f"SELECT {column} > kit_now() - $3::interval AS fresh FROM sessions WHERE id = $1 AND user_id = $2",  # noqa: S608 - ours
        caller.session_id,
        caller.user_id,
        FRESH,
    )
    if row is None and caller.kind == "user":
        raise SessionEnded
    if row is None or not row["fresh"] or caller.kind != "user" or caller.actor_id is not None:
        raise StepUpNeeded(factors=list(factors or (Proof.PASSWORD,)))
