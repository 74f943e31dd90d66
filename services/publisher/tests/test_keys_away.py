from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from kit.db.database import Database
from kit.errors import TransientError
from kit.ids import new_id
from kit.ledger.ledger import Ledger
from kit.ledger.model import Entry, NotAccepted
from kit.seal import Keyring
from postrules.limits import Platform as PlatformName
from publisher.accounts.sealing import AccountSeal
from publisher.deliveries.kind import Deliveries
from publisher.deliveries.model import KIND
from publisher.deliveries.progress import Progress
from publisher.deliveries.sending import Sending, Work
from publisher.media.source import NoMedia
from publisher.platforms.base import Platform
from publisher.posts.content import NOTHING_MORE


class Away:
    """Keys that cannot be fetched now."""

    async def open_many(self, *_: object) -> list[bytes]:
        raise TransientError


async def test_a_post_whose_token_cannot_be_opened_now_has_not_left(database: Database) -> None:
    platforms: Mapping[PlatformName, Platform] = {}  # none is asked
    seal = AccountSeal(cast(Keyring, Away()), database.clock.now)
    kind = Deliveries(Sending(database, platforms, seal, NoMedia()), Progress(platforms, lambda: cast(Ledger, None)))
    now = datetime.now(UTC)
    entry = Entry(new_id(), KIND, new_id(), "lane", new_id(), 1, now, now, now)
    sealed = {"author": b"sealed", "access_token": b"sealed"}
    row: Any = {**sealed, "text": "Hello", "first_called_at": None, "taken": [], "behind": False}
    work = Work(PlatformName.LINKEDIN, new_id(), NOTHING_MORE, {}, row)
    with pytest.raises(NotAccepted):
        await kind.call(entry, work)
