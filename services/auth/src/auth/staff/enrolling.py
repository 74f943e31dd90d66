"""How a member of staff gets password and code app: once, by a link that somebody gave them."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from auth.accounts.address import EmailAddress
from auth.challenges.errors import LinkMalformed
from auth.factors.model import enrolment, new_secret, step_of
from auth.passwords.approving import Approval
from auth.staff.errors import EnrolmentCodeWrong, EnrolmentOver
from auth.staff.model import Enrolling
from auth.staff.repository import StaffRepository
from auth.staff.sealing import StaffSeals
from auth.tokens.model import TokenForged, TokenMint
from kit.audit import Staff, audited
from kit.db.database import Database

ISSUER: Final = "Rostrum staff"


@dataclass(frozen=True, slots=True)
class Offer:
    """What the app is to be told, shown this once."""

    email: str
    secret: str
    uri: str


@dataclass(frozen=True, slots=True)
class EnrolmentService:
    """Setting password and code app together; until then nobody signs in with the account."""

    database: Database
    seals: StaffSeals
    approval: Approval
    links: TokenMint

    async def begin(self, token: str) -> Offer:
        """A secret for the app; asked again it is another one, and the newest counts."""
        enrolment_id = self._read(token)
        found = await self._open(enrolment_id)
        email, secret = await self.seals.address(found.staff_id, found.email_sealed), new_secret()
        sealed = await self.seals.seal_totp(found.staff_id, secret)
        async with self.database.transaction() as tx:
            if not await StaffRepository(tx).offer(enrolment_id, sealed):
                raise EnrolmentOver
        app = enrolment(enrolment_id, secret, ISSUER, email)
        return Offer(email, app.secret, app.uri)

    async def complete(self, token: str, password: str, code: str) -> None:
        """Set both, if the app shows the right code; the link is used up, and so is the code."""
        enrolment_id = self._read(token)
        found = await self._open(enrolment_id)
        if found.totp_sealed is None:
            raise EnrolmentCodeWrong
        step = step_of(await self.seals.totp(found.staff_id, found.totp_sealed), code, self.database.clock.now())
        if step is None:
            raise EnrolmentCodeWrong
        email = EmailAddress.parse(await self.seals.address(found.staff_id, found.email_sealed))
        hashed = await self.approval.hashed(password, [email.value])
        async with self.database.transaction() as tx:
            staff_id = await StaffRepository(tx).enrol(enrolment_id, hashed, found.totp_sealed, step)
            if staff_id is None:
                raise EnrolmentOver
            await tx.emit(audited("auth.staff.enrolled", Staff(staff_id), "staff", staff_id))

    async def _open(self, enrolment_id: UUID) -> Enrolling:
        async with self.database.transaction() as tx:
            found = await StaffRepository(tx).enrolling(enrolment_id)
        if found is None:
            raise EnrolmentOver
        return found

    def _read(self, token: str) -> UUID:
        try:
            return self.links.read(token).ids[0]
        except TokenForged as error:
            raise LinkMalformed from error
