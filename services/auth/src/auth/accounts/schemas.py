from typing import Annotated
from uuid import UUID

from pydantic import Field, SecretStr

from auth.challenges.schemas import Address, Code, EmailOrPhone, LinkToken, RequestToken
from auth.organizations.schemas import MembershipOut
from kit.http.models import Model, Out
from kit.http.pagination import Page

Password = Annotated[SecretStr, Field(max_length=1024, description="12 to 256 characters, hard to guess")]


class SignUp(EmailOrPhone):
    """A new account, by mail address or by phone number."""

    password: Password


class ResendVerification(Model):
    """Another mail, please."""

    email: Address


class ResendText(Model):
    """The same code once more, please."""

    request_token: RequestToken


class VerifyAddress(Model):
    """The token of a link, and the password chosen when signing up."""

    token: LinkToken
    password: Password


class VerifyPhone(Model):
    """The code of a text message, and what signing up was answered with."""

    request_token: RequestToken
    code: Code


class VerifiedOut(Out):
    """The address is proven."""

    user_id: UUID


class MeOut(Out):
    """The caller, with the first page of memberships."""

    user_id: UUID
    email: str | None = Field(description="Null without one, and while the account is being forgotten.")
    phone: str | None = Field(description="Null without one, and while the account is being forgotten.")
    verified: bool
    memberships: Page[MembershipOut]
    subscription_eligible: bool = Field(
        description="Whether a subscription may be started or linked; why not: /v1/me/subscription-eligibility."
    )
    impersonation_id: UUID | None = Field(
        description="Set while a member of the platform's staff acts in this person's place."
    )
