from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from inbox.media.model import type_of
from inbox.media.store import MediaStore
from inbox.templates.samples.errors import SampleNotFound, SampleNotShowable
from inbox.templates.samples.model import LARGEST, TYPES, Sample
from inbox.templates.samples.repository import SampleRepository
from kit.audit import audited
from kit.db.database import Database
from kit.http.caller import MemberCaller
from kit.http.idempotency import Idempotency
from kit.ids import new_id


@dataclass(frozen=True, slots=True)
class SampleService:
    """Files of an organization that its templates show as samples."""

    database: Database
    store: MediaStore

    async def add(self, caller: MemberCaller, content: bytes, key: Idempotency) -> Sample:
        """Keep a file, sealed; of which type it is, its bytes say.

        Raises:
            SampleNotShowable: WhatsApp takes nothing of the kind, or not so much.
        """
        media_type = type_of(content)
        if media_type not in TYPES:
            raise SampleNotShowable("Send the bytes of a JPEG, PNG, MP4 or PDF file.")
        if len(content) > LARGEST:
            raise SampleNotShowable(f"Send at most {LARGEST} bytes.")
        kept = await self.store.keep(caller.organization_id, content, None)
        async with self.database.transaction(caller.organization_id) as tx:
            samples = SampleRepository(tx)
            if earlier := await key.claim(tx):
                return await samples.find(earlier.resource_id)
            sample_id = new_id()
            await samples.add(sample_id, media_type, len(content), kept)
            await key.remember(tx, sample_id)
            line = audited("inbox.template_sample.added", caller, "template_sample", sample_id)
            await tx.emit(line)
            return await samples.find(sample_id)

    async def page(self, caller: MemberCaller, after: tuple[datetime, UUID] | None, limit: int) -> list[Sample]:
        """Samples, the oldest first."""
        async with self.database.snapshot(caller.organization_id) as tx:
            return await SampleRepository(tx).page(after, limit)

    async def delete(self, caller: MemberCaller, sample_id: UUID) -> None:
        """Delete one; templates that were submitted with it keep what WhatsApp has.

        Raises:
            SampleNotFound: there is none.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            file_id = await SampleRepository(tx).delete(sample_id)
            if file_id is None:
                raise SampleNotFound
            line = audited("inbox.template_sample.deleted", caller, "template_sample", sample_id)
            await tx.emit(line)
        await self.store.remove(caller.organization_id, [file_id])
