from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, SecretStr

from auth.accounts.schemas import Password
from auth.challenges.schemas import Address, LinkToken
from auth.staff.permissions import StaffRole
from kit.http.models import Model, Out

Code = Annotated[str, Field(pattern=r"^[0-9]{6}$", description="What the code app shows now")]


class SignInStaff(Model):
    """A new session of staff; all three are needed, always."""

    email: Address
    password: Password
    code: Code


class ProveStaff(Model):
    """Both factors once more."""

    password: Password
    code: Code


class RefreshStaff(Model):
    """The refresh token."""

    refresh_token: SecretStr = Field(max_length=256)


class StaffTokensOut(Out):
    """What the next requests need; keep the refresh token secret and always use the newest."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a name, not a secret
    expires_in: int = Field(description="Seconds the access token is good for.")
    refresh_token: str
    session_id: UUID
    staff_id: UUID
    role: StaffRole
    permissions: list[str]


class BeginEnrolment(Model):
    """The token of an enrolment link."""

    token: LinkToken


class CompleteEnrolment(Model):
    """Password and code app, set together."""

    token: LinkToken
    password: Password
    code: Code


class OfferOut(Out):
    """What the code app is to be told; shown this once."""

    email: str
    secret: str = Field(description="Base32, for typing into the app.")
    uri: str = Field(description="The same, for a QR code.")


class AddStaff(Model):
    """A new member of staff."""

    email: Address
    role: StaffRole


class ChangeStaffRole(Model):
    """Another role."""

    role: StaffRole


class StaffMemberOut(Out):
    """A member of staff."""

    id: UUID
    email: str | None
    role: StaffRole
    enrolled: bool = Field(description="Whether password and code app are set.")
    version: int
    created_at: AwareDatetime


class EnrolmentOut(Out):
    """The token of an enrolment link: shown this once, to be handed to the member and nobody else."""

    staff_id: UUID
    enrolment_token: str
    link: str


class StaffSessionOut(Out):
    """A session of staff that goes on."""

    id: UUID
    agent: str
    created_at: AwareDatetime
    used_at: AwareDatetime
    expires_at: AwareDatetime


class StaffSessionsOut(Out):
    """The sessions of one member, the newest first."""

    items: list[StaffSessionOut]


class StaffMeOut(Out):
    """The caller, with everything that is held about them."""

    member: StaffMemberOut
    permissions: list[str]
    sessions: list[StaffSessionOut]
