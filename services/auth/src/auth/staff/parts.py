"""What serves the platform's own staff, put together for bootstrap."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from auth.accounts.sealing import Addresses
from auth.directory.service import DirectoryService
from auth.factor_recoveries.privacy import FactorRecoveryHolding
from auth.factor_recoveries.sealing import RecoveryReasons
from auth.factor_recoveries.service import FactorRecoveryService
from auth.grants.service import GrantService
from auth.impersonations.privacy import ImpersonationHolding
from auth.impersonations.sealing import Reasons
from auth.impersonations.service import ImpersonationService
from auth.keys.service import KeyRing
from auth.passwords.service import PasswordService
from auth.sessions.access import AccessTokens
from auth.staff.enrolling import EnrolmentService
from auth.staff.sealing import StaffSeals
from auth.staff.service import StaffService
from auth.staff_sessions.access import StaffAccess
from auth.staff_sessions.service import StaffSessionService
from auth.statistics.service import StatisticsService
from auth.suspensions.privacy import SuspensionHolding
from auth.suspensions.sealing import Notes
from auth.suspensions.service import SuspensionService
from auth.tokens.mints import Mints
from kit.db.database import Database
from kit.http.tokens import staff_audience
from kit.privacy.holding import Holding
from kit.seal import Keyring


@dataclass(frozen=True, slots=True)
class StaffParts:
    """How staff get in, and what they do to users and organizations."""

    members: StaffService
    sessions: StaffSessionService
    enrolments: EnrolmentService
    impersonations: ImpersonationService
    directory: DirectoryService
    suspensions: SuspensionService
    grants: GrantService
    statistics: StatisticsService
    recoveries: FactorRecoveryService

    @classmethod
    def build(  # noqa: PLR0917 - what they stand on
        cls,
        addresses: Addresses,
        keys: KeyRing,
        mints: Mints,
        passwords: PasswordService,
        customers: AccessTokens,
        public_url: str,
        idle: timedelta,
    ) -> Self:
        """All of them, with tokens for their own audience beside that of customers."""
        database, keyring = passwords.database, addresses.keyring
        seals = StaffSeals(keyring)
        own = AccessTokens(customers.issuer, staff_audience(customers.audience))
        access = StaffAccess(keys, own, mints.staff_refresh, database.clock)
        return cls(
            members=StaffService(database, seals, mints.staff_enrolment, public_url),
            sessions=StaffSessionService(database, seals, passwords.passwords, access),
            enrolments=EnrolmentService(database, seals, passwords.approval, mints.staff_enrolment),
            impersonations=ImpersonationService(database, Reasons(keyring), keys, customers, passwords.mailer),
            directory=DirectoryService(database, addresses, passwords),
            suspensions=SuspensionService(database, Notes(keyring)),
            grants=GrantService(database, keyring),
            statistics=StatisticsService(database, idle),
            recoveries=FactorRecoveryService(
                database, addresses, seals, RecoveryReasons(keyring), passwords.mailer, mints.factor_recovery
            ),
        )

    def for_endpoints(self) -> Sequence[object]:
        """What endpoints ask for."""
        return (
            self.members,
            self.sessions,
            self.enrolments,
            self.impersonations,
            self.directory,
            self.suspensions,
            self.grants,
            self.statistics,
            self.recoveries,
        )


def staff_holdings(database: Database, keyring: Keyring) -> Sequence[Holding]:
    """What is held about people because staff did something to them."""
    return (
        SuspensionHolding(database, Notes(keyring)),
        FactorRecoveryHolding(database, RecoveryReasons(keyring)),
        ImpersonationHolding(database, Reasons(keyring)),
    )
