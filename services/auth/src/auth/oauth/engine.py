"""The protocol in authlib's hands: what a request may find is laid out before, what follows is read off after.

authlib knows the rules of RFC 6749 and RFC 7636 and asks for rows in the middle of them, without waiting. So the
use-case looks everything up first, in its transaction and under its locks, lets the engine judge, and then writes
what the engine has decided. An engine serves one request.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_plus

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Request,
)
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, ClientCredentialsGrant, RefreshTokenGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7636 import CodeChallenge

from auth.oauth.model import Grant
from auth.oauth_clients.model import Client
from auth.oauth_clients.secrets import ClientSecrets
from auth.scopes.catalogue import SCOPES

METHODS: Final = ("client_secret_basic", "client_secret_post", "none")
GRANTS: Final = ("authorization_code", "refresh_token", "client_credentials")


@dataclass(frozen=True, slots=True)
class Form:
    """A request to one of the endpoints for programs: its fields, each once, and its headers."""

    fields: Mapping[str, str]
    authorization: str = ""

    def client_id(self) -> str:
        """Whom the request says it comes from; nothing is verified yet."""
        return _basic(self.authorization)[0] or self.fields.get("client_id", "")


@dataclass(frozen=True, slots=True)
class Known:
    """What the use-case has looked up: the program, and what its code or refresh token leads to if that is good."""

    client: Client | None
    secrets: ClientSecrets
    grant: Grant | None = None


@dataclass(slots=True)
class Decided:
    """What the engine says: an answer, or tokens that are to be made."""

    status: int
    body: dict[str, Any]
    headers: list[tuple[str, str]]
    scopes: frozenset[str] | None = None
    """What the tokens may be used for; None where none are to be made."""


class _Program:
    """A client in the form in which authlib asks about it."""

    def __init__(self, client: Client, secrets: ClientSecrets) -> None:
        self.client = client
        self._secrets = secrets

    def get_client_id(self) -> str:
        return str(self.client.id)

    def get_default_redirect_uri(self) -> str | None:
        return self.client.redirect_uris[0] if len(self.client.redirect_uris) == 1 else None

    def get_allowed_scope(self, scope: str | None) -> str | None:
        asked = set((scope or "").split()) or set(self.client.scopes)
        return " ".join(sorted(asked)) if asked <= set(self.client.scopes) else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return self.client.returns_to(redirect_uri)

    def check_client_secret(self, client_secret: str) -> bool:
        return self.client.shows(self._secrets.hashed(client_secret))

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        _ = endpoint
        return (method == "none") is self.client.public

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and bool(self.client.redirect_uris)

    def check_grant_type(self, grant_type: str) -> bool:
        if grant_type == "client_credentials":
            return self.client.role is not None and not self.client.public
        return bool(self.client.redirect_uris)


class _Granted:
    """A grant in the form in which authlib asks about it."""

    code_challenge_method = "S256"

    def __init__(self, grant: Grant) -> None:
        self.grant = grant
        self.code_challenge = grant.code_challenge

    def get_redirect_uri(self) -> str | None:
        return self.grant.redirect_uri

    def get_scope(self) -> str:
        return " ".join(self.grant.scopes)

    def check_client(self, program: _Program) -> bool:
        return self.grant.client_id == program.client.id


class _S256Only(CodeChallenge):  # type: ignore[misc]
    """PKCE with the one method that does not tell the verifier; for every program."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]  # noqa: RUF012 - as authlib has it
    DEFAULT_CODE_CHALLENGE_METHOD = "S256"

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        data = grant.request.payload.data
        if not data.get("code_challenge") or data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("PKCE is required: send code_challenge with code_challenge_method=S256.")
        super().validate_code_challenge(grant, redirect_uri)


class _Code(AuthorizationCodeGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = list(METHODS)  # noqa: RUF012 - as authlib has it

    def query_authorization_code(self, code: str, program: _Program) -> _Granted | None:
        _ = code
        grant = self.server.known.grant
        return _Granted(grant) if grant is not None and grant.client_id == program.client.id else None

    def authenticate_user(self, granted: _Granted) -> str:
        return str(granted.grant.user_id)

    def delete_authorization_code(self, granted: _Granted) -> None:
        """The use-case does."""


class _Refresh(RefreshTokenGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = list(METHODS)  # noqa: RUF012 - as authlib has it
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> _Granted | None:
        _ = refresh_token
        grant = self.server.known.grant
        return None if grant is None else _Granted(grant)

    def authenticate_user(self, granted: _Granted) -> str:
        return str(granted.grant.user_id)

    def revoke_old_credential(self, granted: _Granted) -> None:
        """The use-case does."""


class _Credentials(ClientCredentialsGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]  # noqa: RUF012 - as authlib has it

    def validate_requested_scope(self) -> None:
        asked = set((self.request.payload.scope or "").split())
        if not asked <= set(self.client.client.scopes) & SCOPES.keys():
            raise InvalidScopeError


class Engine(AuthorizationServer):  # type: ignore[misc]
    """authlib's server over what was looked up for one request."""

    def __init__(self, known: Known) -> None:
        super().__init__()
        self.known = known
        self.saved: dict[str, Any] | None = None
        self.register_grant(_Code, [_S256Only(required=True)])
        self.register_grant(_Refresh)
        self.register_grant(_Credentials)
        self.register_token_generator("default", _promised)

    def token(self, form: Form) -> Decided:
        """Judge a request for tokens."""
        decided: Decided = self.create_token_response(form)
        if self.saved is not None:
            decided.scopes = frozenset((self.saved.get("scope") or "").split())
        return decided

    def authorize(self, fields: Mapping[str, str]) -> str:
        """Judge what a program asks of a person; says what for.

        Raises:
            OAuth2Error: it may not ask this.
        """
        grant = self.get_consent_grant(Form(fields))
        return str(grant.request.scope)

    def program(self, form: Form) -> Client | Decided:
        """Which program this is, if it proves that it is; public ones only say so."""
        request = self.create_oauth2_request(form)
        try:
            found: _Program = self.authenticate_client(request, list(METHODS))
        except OAuth2Error as error:
            return self._answered(error)
        return found.client

    def query_client(self, client_id: str) -> _Program | None:
        """The program that was looked up."""
        known = self.known
        if known.client is None or str(known.client.id) != client_id:
            return None
        return _Program(known.client, known.secrets)

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        """Take down what is to be made."""
        _ = request
        self.saved = token

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: Form) -> OAuth2Request:
        """A request as authlib reads it; it came over TLS, or the gateway would not be where it is."""
        return _Request(request)

    def handle_response(self, status: int, body: Any, headers: Any) -> Decided:
        """An answer as we write it."""
        return Decided(status, body if isinstance(body, dict) else {}, list(headers))

    def _answered(self, error: OAuth2Error) -> Decided:
        status, body, headers = error()
        return Decided(status, dict(body), list(headers))


class _Request(OAuth2Request):  # type: ignore[misc]
    def __init__(self, form: Form) -> None:
        headers = {"Authorization": form.authorization} if _basic(form.authorization)[0] else {}
        super().__init__("POST", "https://rostrum.invalid/", headers=headers)
        self.payload = BasicOAuth2Payload(dict(form.fields))
        self._fields = dict(form.fields)

    @property
    def form(self) -> dict[str, str]:
        return self._fields


def refused(error: str, description: str, status: int = 400) -> Decided:
    """An error answer of RFC 6749, section 5.2."""
    return Decided(status, {"error": error, "error_description": description}, [])


def _promised(  # noqa: PLR0917 - as authlib calls it
    grant_type: str,
    client: object,
    user: object = None,
    scope: str | None = None,
    expires_in: int | None = None,
    include_refresh_token: bool = True,
) -> dict[str, Any]:
    _ = (grant_type, client, user, expires_in, include_refresh_token)
    return {"token_type": "Bearer", "scope": scope or ""}


def _basic(authorization: str) -> tuple[str, str]:
    """Name and secret of HTTP Basic, which are form-encoded first (RFC 6749, section 2.3.1)."""
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, secret = base64.b64decode(rest.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote_plus(name), unquote_plus(secret)


__all__ = ["GRANTS", "METHODS", "Decided", "Engine", "Form", "Known", "OAuth2Error", "refused"]
