from compliance.erasures.model import Answer
from compliance.erasures.repository import ErasureRepository
from compliance.erasures.service import DUE
from compliance.persons.model import line
from compliance.persons.repository import bind_to_owner
from contracts.privacy import AnswersErasure
from kit.audit import SYSTEM
from kit.db.database import Transaction


async def on_erasure_answered(event: AnswersErasure, tx: Transaction) -> None:
    """A service has forgotten the person, or says what is in the way; with the last one the keys can go."""
    if not await bind_to_owner(tx, event.erasure_id):
        return
    erasures = ErasureRepository(tx)
    erasure = await erasures.lock(event.erasure_id)
    if erasure is None:
        return
    answer = Answer(
        service=event.type.partition(".")[0],
        state=event.outcome if event.outcome in ("done", "blocked") else "blocked",
        removed=event.removed,
        anonymised=event.anonymised,
        kept=event.kept,
        because=event.kept_because,
        keys=tuple(event.keys),
        blocked_by=event.blocked_by or "",
    )
    if not await erasures.answer(event.erasure_id, answer, event.version):
        return
    if answer.blocked_by:
        await tx.emit_of_platform(
            line(
                "compliance.erasure.blocked",
                SYSTEM,
                "erasure",
                erasure.id,
                erasure.person,
                service=answer.service,
                by=answer.blocked_by,
            )
        )
    if await erasures.all_done(event.erasure_id):
        tx.stir(DUE)
