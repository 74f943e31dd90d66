"""What is forgotten when it is of no use to anyone any more."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from auth.activity.repository import ActivityRepository
from auth.challenges.repository import ChallengeRepository
from auth.devices.model import KEPT_FOR as DEVICES_KEPT
from auth.devices.repository import DeviceRepository
from auth.factors.model import ACTIVATE_WITHIN
from auth.factors.repository import AppRepository
from auth.federation.repository import FlowRepository
from auth.impersonations.model import KEPT
from auth.impersonations.repository import ImpersonationRepository
from auth.mails.repository import NoticeRepository
from auth.oauth.repository import GrantRepository, RequestRepository
from auth.passkeys.repository import ChallengeRepository as PasskeyChallenges
from auth.sessions.repository import SessionRepository
from auth.sign_ins.repository import SignInRepository
from auth.staff.repository import StaffAttempts
from auth.staff_sessions.repository import StaffSessionRepository
from auth.texts.repository import TextRepository
from auth.throttle.repository import ThrottleRepository
from kit.db.database import Database

AT_ONCE: Final = 1000
PLACES_KEPT: Final = timedelta(days=1)
GUESSES_KEPT: Final = timedelta(days=30)
ACTIVITY_KEPT: Final = timedelta(days=31)
LOCKS_KEPT: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Forgets ended sessions, used links, old attempts and apps whose first code never came, a thousand at a time."""

    database: Database

    async def sweep(self) -> bool:
        """Forget some; True when there is more."""
        async with self.database.transaction() as tx:
            forgotten = (
                await SessionRepository(tx).purge(timedelta(days=1), AT_ONCE),
                await SignInRepository(tx).purge(AT_ONCE),
                await FlowRepository(tx).purge(AT_ONCE),
                await RequestRepository(tx).purge(AT_ONCE),
                await GrantRepository(tx).purge(timedelta(days=1), AT_ONCE),
                await ActivityRepository(tx).purge(ACTIVITY_KEPT, AT_ONCE),
                await PasskeyChallenges(tx).purge(AT_ONCE),
                await DeviceRepository(tx).purge(DEVICES_KEPT, AT_ONCE),
                await ThrottleRepository(tx).purge(PLACES_KEPT, GUESSES_KEPT, LOCKS_KEPT, AT_ONCE),
                await StaffSessionRepository(tx).purge(timedelta(days=1), AT_ONCE),
                await ImpersonationRepository(tx).purge(KEPT, AT_ONCE),
                await StaffAttempts(tx).purge(timedelta(hours=2), AT_ONCE),
                await AppRepository(tx).purge(ACTIVATE_WITHIN, AT_ONCE),
                await NoticeRepository(tx).purge(timedelta(days=90), AT_ONCE),
                await ChallengeRepository(tx).purge(timedelta(days=7), AT_ONCE),
                await TextRepository(tx).purge(timedelta(days=30), AT_ONCE),
            )
        return max(forgotten) >= AT_ONCE
