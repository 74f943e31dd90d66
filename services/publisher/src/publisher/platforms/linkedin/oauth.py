"""LinkedIn's consent, codes and tokens.

PKCE is not used: LinkedIn offers it to native applications only, and answers a `code_verifier` of an application with
a secret by 401 `invalid_client`.
"""

from http import HTTPStatus
from typing import Final

from kit.http.client import Outbound
from publisher.platforms.login import Application, CodeFlow
from publisher.platforms.tokens import TokenEndpoint

_OVER: Final = (HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN)


def login(outbound: Outbound, application: Application, base_url: str, consent_base_url: str) -> CodeFlow:
    """The code flow at LinkedIn; an access token that nobody received harms nobody, so renewing again is safe."""
    about = {"client_id": application.client_id, "client_secret": application.client_secret}
    url = f"{base_url}/oauth/v2/accessToken"
    endpoint = TokenEndpoint(outbound, "LinkedIn", url, about, {}, _has_ended, scopes_by=",")
    asked = {"client_id": application.client_id, "scope": application.scopes}
    return CodeFlow(application, f"{consent_base_url}/oauth/v2/authorization", endpoint, asked, pkce=False)


def _has_ended(error: str, status: int) -> bool:
    """All that LinkedIn refuses, but what it says of our application."""
    return status in _OVER and error != "invalid_client"
