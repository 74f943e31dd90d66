from dataclasses import dataclass
from uuid import UUID

import structlog

from inbox.media.errors import MediaLost, MediaNotFound, MediaNotReady
from inbox.media.fetching import FILENAME
from inbox.media.model import SHOWN
from inbox.media.repository import MediaRepository
from inbox.media.store import FileMissing, Kept, MediaStore, Opened
from kit.db.database import Database, Row
from kit.http.caller import MemberCaller
from kit.seal import Keyring, KeyShredded

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A medium as it is handed over."""

    opened: Opened
    media_type: str
    filename: str
    tag: str

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return self.opened.file.size

    @property
    def shown(self) -> bool:
        """Whether a browser may show it in place."""
        return self.media_type in SHOWN


@dataclass(frozen=True, slots=True)
class MediaService:
    """Media for the members of the organization."""

    database: Database
    keyring: Keyring
    store: MediaStore

    async def file(self, caller: MemberCaller, media_id: UUID) -> MediaFile:
        """The file of a medium.

        Raises:
            MediaNotFound, MediaNotReady, MediaLost: there is none, not yet, or never.
        """
        return await self.held(caller.organization_id, media_id)

    async def held(self, organization_id: UUID, media_id: UUID) -> MediaFile:
        """The file of a medium of an organization, for whoever was found to be allowed to have it."""
        async with self.database.transaction(organization_id) as tx:
            row = await MediaRepository(tx).find(media_id)
        if row is None:
            raise MediaNotFound
        if row["state"] == "waiting":
            raise MediaNotReady(retry_after=1)
        if row["state"] == "failed" or row["file_id"] is None:
            raise MediaLost(row["failure_reason"] or None)
        opened = await self._opened(organization_id, media_id, row)
        name = None
        if row["filename_sealed"] is not None:
            (name,) = await self.keyring.open_many(organization_id, [(row["filename_sealed"], FILENAME)])
        return MediaFile(opened, row["media_type"], _clean(name) or str(media_id), f'"{row["file_id"].hex}"')

    async def _opened(self, organization_id: UUID, media_id: UUID, row: Row) -> Opened:
        try:
            return await self.store.open(organization_id, Kept(row["file_id"], row["key_sealed"]))
        except KeyShredded as shredded:
            raise MediaLost("The contact who sent it was forgotten.") from shredded
        except FileMissing as missing:
            log.error("media.file_missing", media_id=str(media_id))  # noqa: TRY400 - where it happened tells nothing
            raise MediaLost from missing


def _clean(name: bytes | None) -> str:
    """A file name without what a header or a file system could read as something else."""
    told = "" if name is None else name.decode(errors="replace")
    return "".join(char if char.isprintable() and char not in '/\\:*?"<>|' else "_" for char in told)[:150].strip(
        ". "
    )
