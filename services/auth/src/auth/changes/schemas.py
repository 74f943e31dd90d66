from auth.challenges.schemas import Code, EmailOrPhone, LinkToken, RequestToken
from kit.http.models import Model


class ChangeAddress(EmailOrPhone):
    """Another mail address or phone number for the account."""


class FollowLink(Model):
    """The token of a link."""

    token: LinkToken


class ConfirmByText(Model):
    """The code of a text message, and what the request was answered with."""

    request_token: RequestToken
    code: Code
