"""What the platform is run with, put together for bootstrap."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from auth.accounts.sealing import Addresses
from auth.announcements.kind import AnnouncementKind
from auth.announcements.privacy import RecipientHolding
from auth.announcements.service import AnnouncementService
from auth.exports.kind import StaffExportKind
from auth.exports.service import StaffExportService
from auth.flags.privacy import FlagHolding
from auth.flags.service import FlagService
from auth.operations.kind import UserOperationKind
from auth.operations.service import OperationService
from auth.staff.sealing import StaffSeals
from auth.system.current import EVERY, CurrentSettings
from auth.system.service import SystemService
from kit.db.database import Database
from kit.jobs.jobs import Jobs
from kit.jobs.privacy import JobHolding
from kit.mail import Mailer
from kit.privacy.holding import Holding
from kit.process import Loop


@dataclass(frozen=True, slots=True)
class OperationParts:
    """What staff runs the platform with, and the jobs they begin."""

    current: CurrentSettings
    system: SystemService
    flags: FlagService
    announcements: AnnouncementService
    exports: StaffExportService
    bulk: OperationService
    jobs: Jobs

    @classmethod
    def build(cls, database: Database, addresses: Addresses, mailer: Mailer, current: CurrentSettings) -> Self:
        """All of them."""
        kinds = (
            UserOperationKind(database, mailer),
            AnnouncementKind(mailer),
            StaffExportKind(database, addresses),
        )
        jobs, keyring = Jobs(database, kinds), addresses.keyring
        return cls(
            current=current,
            system=SystemService(database, current),
            flags=FlagService(database),
            announcements=AnnouncementService(database, jobs, mailer, StaffSeals(keyring)),
            exports=StaffExportService(database, jobs, keyring),
            bulk=OperationService(database, jobs, addresses),
            jobs=jobs,
        )

    def for_endpoints(self) -> Sequence[object]:
        """What endpoints ask for."""
        return (self.current, self.system, self.flags, self.announcements, self.exports, self.bulk, self.jobs)

    def serving(self) -> Sequence[Loop]:
        """What a process does beside answering."""
        return (Loop("settings", self.current.refresh, every=EVERY),)


def operation_holdings(database: Database) -> Sequence[Holding]:
    """What is held about people in the running of the platform."""
    return (FlagHolding(database), RecipientHolding(database), JobHolding(database))
