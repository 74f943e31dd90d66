from uuid import UUID

from pydantic import Field

from auth.challenges.schemas import Address, LinkToken, RequestToken
from kit.http.models import Model, Out


class AskForLink(Model):
    """A link to sign in with, please."""

    email: Address


class LinkAskedOut(Out):
    """Nothing more is said: the mail tells the rest."""

    request_token: str = Field(description="To be kept by the browser that asks, and shown with the link.")


class RedeemLink(Model):
    """The token of the link, and what the request for it was answered with."""

    token: LinkToken
    request_token: RequestToken
    organization_id: UUID | None = None
    remember_device: bool = False
