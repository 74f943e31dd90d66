"""What is forgotten when it is of no use to anyone any more."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from auth.accounts.repository import AccountRepository
from auth.federation.repository import FlowRepository
from auth.mails.repository import NoticeRepository
from auth.sessions.repository import AttemptRepository, SessionRepository
from auth.sign_ins.repository import SignInRepository
from kit.db.database import Database

AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Forgets ended sessions, used links and old attempts, a thousand at a time."""

    database: Database

    async def sweep(self) -> bool:
        """Forget some; True when there is more."""
        async with self.database.transaction() as tx:
            forgotten = (
                await SessionRepository(tx).purge(timedelta(days=1), AT_ONCE),
                await SignInRepository(tx).purge(AT_ONCE),
                await FlowRepository(tx).purge(AT_ONCE),
                await AttemptRepository(tx).purge(timedelta(hours=1), AT_ONCE),
                await NoticeRepository(tx).purge(timedelta(days=90), AT_ONCE),
                await AccountRepository(tx).purge_verifications(timedelta(days=7), AT_ONCE),
            )
        return max(forgotten) >= AT_ONCE
