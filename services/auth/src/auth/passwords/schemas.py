from typing import Annotated

from pydantic import Field, SecretStr

from auth.accounts.schemas import Password
from auth.challenges.schemas import Code, EmailOrPhone, LinkToken, RequestToken
from kit.http.models import Model

Chosen = Annotated[SecretStr, Field(max_length=1024, description="8 to 256 characters; how many, depends on factors")]


class AskForReset(EmailOrPhone):
    """I have forgotten my password."""


class ResetPassword(Model):
    """The token of a link, and the new password."""

    token: LinkToken
    password: Chosen


class ResetPasswordByText(Model):
    """The code of a text message, what the request was answered with, and the new password."""

    request_token: RequestToken
    code: Code
    password: Chosen


class ChangePassword(Model):
    """The new password; without the present one a fresh proof is needed."""

    present: Password | None = None
    password: Chosen
