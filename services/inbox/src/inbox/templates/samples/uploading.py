"""Samples on their way to WhatsApp: a session, its bytes, and the handle that a template names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from inbox.media.store import FileMissing, Kept, MediaStore
from inbox.messages.content import TOKEN
from inbox.templates.samples.repository import SampleRepository
from inbox.tenants import by_organization
from inbox.whatsapp.uploads import Uploads
from kit.db.database import Transaction
from kit.ledger.kind import Timing
from kit.ledger.model import Entry, Look, NotAccepted, NotFound, Receipt, Refused, Settled, Unanswered
from kit.ledger.model import Status as Effected
from kit.seal import Keyring

UPLOAD: Final = "inbox.template_sample"
_TIMING: Final = Timing(call_within=180.0, looks_after=(1.0, 5.0), absent_after=5.0, unconfirmed_after=3600.0)


@dataclass(frozen=True, slots=True)
class Upload:
    """What one upload takes."""

    organization_id: UUID
    media_type: str
    kept: Kept
    size: int
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class UploadKind:
    """`inbox.template_sample`: a file becomes a handle. Twice is two handles, of which one is used: no harm."""

    uploads: Uploads
    keyring: Keyring
    store: MediaStore
    name: str = UPLOAD
    timing: Timing = _TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Upload]:
        """The file of each, and a token of its account."""
        works: dict[UUID, Upload] = {}
        async for organization_id, own in by_organization(tx, entries):
            for row in await SampleRepository(tx).due([each.subject_id for each in own]):
                sealed = row["token_sealed"]
                token = b"" if sealed is None else await self.keyring.open(organization_id, sealed, TOKEN)
                kept = Kept(row["file_id"], row["key_sealed"])
                work = Upload(organization_id, row["media_type"], kept, row["size"], token.decode())
                works |= {each.id: work for each in own if each.subject_id == row["id"]}
        return works

    async def call(self, entry: Entry, work: Upload) -> Receipt:
        """Upload it; what breaks off goes on where it was, as long as the call may take."""
        if not work.token:
            raise Refused("No connected number belongs to this business account.", code="channel-disconnected")
        try:
            opened = await self.store.open(work.organization_id, work.kept)
            content = b"".join([piece async for piece in opened.pieces(0, work.size)])
        except FileMissing as missing:
            raise Refused("The file of the sample is missing; add it again.", code="sample-lost") from missing
        try:
            handle = await self.uploads.upload(work.token, work.media_type, content, entry.attempt)
        except Unanswered as trouble:  # nothing is shown of it before a template names the handle
            raise NotAccepted(str(trouble), code=trouble.code, said=trouble.said) from trouble
        return Receipt(result=handle)

    async def look(self, entry: Entry, work: Upload) -> Look:
        """An upload that was interrupted is made again."""
        _ = entry, work
        return NotFound()

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Write the handle, or why there is none."""
        async for _, own in by_organization(tx, settled):
            for each in own:
                samples, upload_id = SampleRepository(tx), each.entry.subject_id
                if each.status is Effected.DONE:
                    await samples.settle(upload_id, "done", str(each.result), "")
                elif each.status in (Effected.REFUSED, Effected.UNCONFIRMED):
                    await samples.settle(upload_id, "failed", "", each.reason or "It could not be uploaded.")
