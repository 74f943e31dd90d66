from typing import Annotated
from uuid import UUID

from pydantic import Field, SecretStr

from auth.organizations.schemas import MembershipOut
from kit.http.models import Model, Out
from kit.http.pagination import Page

Password = Annotated[SecretStr, Field(max_length=1024, description="12 to 256 characters, hard to guess")]
Address = Annotated[str, Field(max_length=320, description="An e-mail address", examples=["ada@example.com"])]
LinkToken = Annotated[str, Field(max_length=256, description="What stands behind #token= in the mail's link")]


class SignUp(Model):
    """A new account."""

    email: Address
    password: Password


class ResendVerification(Model):
    """Another mail, please."""

    email: Address


class VerifyAddress(Model):
    """The token of a link, and the password chosen when signing up."""

    token: LinkToken
    password: Password


class Accepted(Out):
    """Nothing more is said: the mail tells the rest."""


class VerifiedOut(Out):
    """The address is proven."""

    user_id: UUID


class MeOut(Out):
    """The caller, with the first page of memberships."""

    user_id: UUID
    email: str | None = Field(description="Null while the account is being forgotten.")
    verified: bool
    memberships: Page[MembershipOut]
    impersonation_id: UUID | None = Field(
        description="Set while a member of the platform's staff acts in this person's place."
    )
