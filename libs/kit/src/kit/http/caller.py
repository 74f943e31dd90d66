"""Who calls: the verified access token as a value, and the dependencies an endpoint asks for it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, TypedDict
from uuid import UUID

import structlog
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from contracts.permissions import allows
from kit.clock import Clock
from kit.errors import Forbidden, Unauthenticated
from kit.http.client import Outbound
from kit.http.middleware import route_of
from kit.http.tokens import Claims, KeySet, PrincipalKind, TokenRefused, check, key_id, scope_of, staff_audience

_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", description="An access token of this platform")


class NoOrganization(Forbidden):
    """This token is for no organization; ask for one with an organization_id."""

    code = "no-organization"


class RoleMissing(Forbidden):
    """Your role in this organization does not allow this."""

    code = "role-missing"


class PersonNeeded(Forbidden):
    """This belongs to a person; a key or a program has no such thing."""

    code = "person-needed"


class ScopeMissing(Forbidden):
    """This key or program was not given the right to do this; ask for a wider scope."""

    code = "scope-missing"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as the access token says; `epoch` is the user's session epoch at the time it was issued.

    `user_id` is a person's id unless `kind` says otherwise; `scopes` narrows what may be done, None narrows nothing;
    `client_id` is the partner's program and `actor_id` the member of staff that acts for the person. `agency_id` is
    the agency that sent the person, where they are no member of the organization themselves.
    """

    user_id: UUID
    session_id: UUID
    organization_id: UUID | None
    role: str | None
    epoch: int
    kind: PrincipalKind = "user"
    scopes: frozenset[str] | None = None
    client_id: UUID | None = None
    actor_id: UUID | None = None
    agency_id: UUID | None = None

    @property
    def person_id(self) -> UUID | None:
        """The person who calls, for rows that say who did something; none for a key or program on its own."""
        return self.user_id if self.kind == "user" else None


@dataclass(frozen=True, slots=True)
class MemberCaller(Caller):
    """A caller who acts within an organization."""

    organization_id: UUID
    role: str


def caller_of(claims: Claims) -> Caller:
    """The caller a token speaks of."""
    narrowed = _Narrowed(
        kind=claims.kind,
        scopes=claims.scopes,
        client_id=claims.client_id,
        actor_id=claims.actor_id,
        agency_id=claims.agency_id,
    )
    if claims.organization_id is None or claims.role is None:
        return Caller(claims.user_id, claims.session_id, None, None, claims.epoch, **narrowed)
    return MemberCaller(
        claims.user_id, claims.session_id, claims.organization_id, claims.role, claims.epoch, **narrowed
    )


class _Narrowed(TypedDict):
    kind: PrincipalKind
    scopes: frozenset[str] | None
    client_id: UUID | None
    actor_id: UUID | None
    agency_id: UUID | None


def in_scope(caller: Caller, method: str, path: str) -> bool:
    """Whether the caller's scopes cover a request (see `kit.http.tokens.scope_of`)."""
    return caller.scopes is None or scope_of(method, path) in caller.scopes


class TokenVerifier:
    """Checks access tokens by the platform's clock with the keys of the issuer.

    `jwks_fetch` gets the key set; it is asked at most every few seconds, whatever tokens come in.
    """

    def __init__(self, jwks_fetch: Callable[[], Awaitable[object]], issuer: str, audience: str, clock: Clock) -> None:
        self._keys = KeySet(jwks_fetch)
        self._issuer = issuer
        self._audience = audience
        self._clock = clock

    async def verify(self, token: str) -> Caller:
        """The caller, if the token is good; one of staff never is.

        Raises:
            TokenRefused: it is not.
            TransientError: the issuer's keys cannot be had.
        """
        return caller_of(await self.claims(token))

    async def claims(self, token: str) -> Claims:
        """What a token says, if it is good; one of staff never is.

        Raises:
            TokenRefused: it is not.
            TransientError: the issuer's keys cannot be had.
        """
        claims = await self._claims(token, self._audience)
        if claims.kind == "staff":
            raise TokenRefused
        return claims

    async def verify_staff(self, token: str) -> Claims:
        """What a token of staff says, if it is good; a customer's never is.

        Raises:
            TokenRefused: it is not.
            TransientError: the issuer's keys cannot be had.
        """
        claims = await self._claims(token, staff_audience(self._audience))
        if claims.kind != "staff":
            raise TokenRefused
        return claims

    async def _claims(self, token: str, audience: str) -> Claims:
        key = await self._keys.key(key_id(token))
        return check(token, key, now=self._clock.now(), issuer=self._issuer, audience=audience)


async def current_caller(
    request: Request, _shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Caller:
    """The verified caller of this request; of staff in a person's place, once that is on record."""
    caller = await verifier_of(request).verify(bearer_token(request.headers.getlist("authorization")))
    if not in_scope(caller, request.method, request.url.path):
        raise ScopeMissing
    if caller.actor_id is not None:
        await request.app.state.acting(caller, request.method, route_of(request.scope))
    structlog.contextvars.bind_contextvars(user_id=str(caller.user_id))
    return caller


def jwks_at(url: str, outbound: Outbound) -> Callable[[], Awaitable[bytes]]:
    """Fetches the key set from the issuer's address, for a `TokenVerifier`."""

    async def fetch() -> bytes:
        return (await outbound.get(url, deadline=3.0)).body

    return fetch


def bearer_token(headers: list[str]) -> str:
    """The token of the one Authorization header.

    Raises:
        Unauthenticated: there is none, or another scheme, or more than one.
    """
    if len(headers) != 1:
        raise Unauthenticated
    scheme, _, token = headers[0].partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated
    return token.strip()


def verifier_of(request: Request) -> TokenVerifier:
    """What checks the tokens that this application is shown."""
    verifier: TokenVerifier | None = request.app.state.verifier
    if verifier is None:
        raise RuntimeError("this application was made without a verifier")
    return verifier


async def given_verifier(request: Request) -> TokenVerifier:
    """The same, for endpoints that read tokens themselves."""
    return verifier_of(request)


Verifier = Annotated[TokenVerifier, Depends(given_verifier)]


@dataclass(frozen=True, slots=True)
class Door:
    """Who may enter, as a route declares it by the one dependency that has a `door`; `kit.http.doors` reads it."""

    whose: Literal["anybody", "person", "member", "permitted", "operator", "staff"]
    permission: str | None = None


class _Anybody:
    """Lets everybody in, with or without a token."""

    door: ClassVar[Door] = Door("anybody")

    async def __call__(self) -> None:
        """Ask nothing."""


class _Person:
    """Lets in whoever is signed in, in whatever role: what is behind it is the caller's own."""

    door: ClassVar[Door] = Door("person")

    async def __call__(self, caller: Annotated[Caller, Depends(current_caller)]) -> Caller:
        """The caller, who is a person; a program that acts for one counts as that person."""
        if caller.kind != "user":
            raise PersonNeeded
        return caller


class _Member:
    """Lets in every role of the token's organization."""

    door: ClassVar[Door] = Door("member")

    async def __call__(self, caller: Annotated[Caller, Depends(current_caller)]) -> MemberCaller:
        """The caller as a member of the token's organization; 403 when the token has none."""
        if not isinstance(caller, MemberCaller):
            raise NoOrganization
        structlog.contextvars.bind_contextvars(organization_id=str(caller.organization_id))
        return caller


anybody, person_caller, organization_caller = _Anybody(), _Person(), _Member()


@dataclass(frozen=True, slots=True)
class Permitted:
    """Lets in whom the token's role permits it, by the matrix of `contracts.permissions`."""

    permission: str

    def __post_init__(self) -> None:
        """Find out at once when there is no such permission."""
        allows(self.permission, None)

    @property
    def door(self) -> Door:
        """What this declares."""
        return Door("permitted", self.permission)

    async def __call__(self, caller: Annotated[MemberCaller, Depends(organization_caller)]) -> MemberCaller:
        """The caller, if their role allows it."""
        if not allows(self.permission, caller.role, delegated=caller.agency_id is not None):
            raise RoleMissing
        return caller


@dataclass(frozen=True, slots=True)
class PermittedByRows:
    """Declares what a route asks for that names an organization in its path; its use-case asks the rows.

    For the service that owns the members: what the token says may be ten minutes old.
    """

    permission: str

    def __post_init__(self) -> None:
        """Find out at once when there is no such permission."""
        allows(self.permission, None)

    @property
    def door(self) -> Door:
        """What this declares."""
        return Door("permitted", self.permission)

    async def __call__(self, caller: Annotated[Caller, Depends(current_caller)]) -> Caller:
        """The caller, of whom nothing is known yet but who they are."""
        return caller


def permitted(permission: str) -> Permitted:
    """A dependency for what a role allows: `Annotated[MemberCaller, Depends(permitted("posts.write"))]`."""
    return Permitted(permission)


def permitted_by_rows(permission: str) -> PermittedByRows:
    """The same where the rows are asked and not the token: `Annotated[Caller, Depends(permitted_by_rows(…))]`."""
    return PermittedByRows(permission)


CurrentCaller = Annotated[Caller, Depends(current_caller)]
"""Whoever has a good token; for dependencies. A route says more: one of those below."""

PersonalCaller = Annotated[Caller, Depends(person_caller)]
"""Whoever is signed in, about their own affairs."""

OrganizationCaller = Annotated[MemberCaller, Depends(organization_caller)]
"""Any member of the token's organization."""

OpenToAnybody = Depends(anybody)
"""For the `dependencies` of a router or route that needs no token."""

__all__ = [
    "Caller",
    "CurrentCaller",
    "Door",
    "MemberCaller",
    "NoOrganization",
    "OpenToAnybody",
    "OrganizationCaller",
    "PersonNeeded",
    "PersonalCaller",
    "RoleMissing",
    "ScopeMissing",
    "TokenRefused",
    "TokenVerifier",
    "bearer_token",
    "caller_of",
    "current_caller",
    "in_scope",
    "jwks_at",
    "organization_caller",
    "permitted",
    "permitted_by_rows",
    "verifier_of",
]
