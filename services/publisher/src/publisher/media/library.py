"""Everything about media, put together."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from kit.db.database import Database
from kit.ledger.kind import Kind
from kit.ledger.ledger import Ledger
from kit.quota import Quota
from kit.seal import Keyring
from publisher.media.bench import Bench
from publisher.media.examining import Examination, Naming
from publisher.media.links import Signing
from publisher.media.model import STORAGE
from publisher.media.removing import Lapse, removals
from publisher.media.service import MediaService
from publisher.media.source import Library
from publisher.media.store import MediaStore
from publisher.media.uploads import UploadService
from publisher.renditions.asking import Renditions
from publisher.renditions.rendering import Rendering


@dataclass(frozen=True, slots=True)
class MediaParts:
    """What is kept to be published, and what is done for it."""

    database: Database
    keyring: Keyring
    store: MediaStore
    signing: Signing
    quota: Quota
    bench: Bench

    @classmethod
    def built(cls, database: Database, keyring: Keyring, url: str, public_url: str) -> "MediaParts":
        """For the store at this address."""
        store = MediaStore.at(url or f"file://{Path(gettempdir()) / 'rostrum-publisher-media'}")
        return cls(database, keyring, store, Signing(keyring, public_url), Quota([STORAGE]), Bench())

    @property
    def source(self) -> Library:
        """Where posts take pictures and videos from."""
        return Library(self.store, self.signing, self.database.clock)

    def renditions(self, ledger: Callable[[], Ledger]) -> Renditions:
        """What is made of media ahead of time."""
        return Renditions(ledger)

    def kinds(self, ledger: Callable[[], Ledger]) -> Sequence[Kind[Any]]:
        """What is done in the background."""
        naming = Naming(self.keyring)
        examination = Examination(self.store, self.bench, naming, ledger, self.quota)
        rendering = Rendering(self.store, Bench(places=asyncio.Semaphore(1)), naming)
        return (examination, rendering, *removals(self.store), Lapse(self.database, ledger, self.quota))

    def services(self, ledger: Ledger) -> tuple[UploadService, MediaService]:
        """What is asked by people."""
        uploads = UploadService(self.database, ledger, self.store, self.quota)
        return uploads, MediaService(self.database, self.store, uploads, self.signing)
