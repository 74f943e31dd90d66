from compliance.exports.model import Part
from compliance.exports.repository import ExportRepository
from compliance.persons.repository import bind_to_owner
from contracts.privacy import AnswersExport
from kit.db.database import Transaction

ASSEMBLE = "exports"


async def on_export_part_ready(event: AnswersExport, tx: Transaction) -> None:
    """A service has handed its part over; with the last one the archive can be made."""
    if not await bind_to_owner(tx, event.export_id):
        return
    exports = ExportRepository(tx)
    await exports.lock(event.export_id)
    part = Part(event.type.partition(".")[0], ready=True, attempt=event.attempt, pieces=event.pieces, rows=event.rows)
    if await exports.part_ready(event.export_id, part):
        tx.stir(ASSEMBLE)
