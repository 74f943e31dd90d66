"""The token endpoint, and what programs may ask and do about the tokens that they have."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from auth.keys.model import SigningKey
from auth.keys.service import KeyRing
from auth.oauth.engine import GRANTS, Decided, Engine, Form, Known, refused
from auth.oauth.issuing import Issuing
from auth.oauth.model import WEAK, CodeWorth, Grant, RefreshWorth, program_id
from auth.oauth.repository import ConsentRepository, GrantRepository, PersonsGrants
from auth.oauth_clients.model import Client
from auth.oauth_clients.repository import found
from auth.oauth_clients.secrets import ClientSecrets
from auth.sessions.model import Standing
from auth.sessions.repository import SessionRepository
from auth.sessions.revoking import void_credential
from auth.tokens.model import Token, TokenForged
from kit.audit import SYSTEM, User, audited
from kit.db.database import Database, Transaction
from kit.http.tokens import Claims


@dataclass(slots=True)
class _Case:
    """One request to the token endpoint with what was found for it."""

    form: Form
    client: Client | None = None
    grant: Grant | None = None
    standing: Standing | None = None
    counter: int = 0
    code: CodeWorth | None = None
    refresh: RefreshWorth | None = None

    @property
    def known(self) -> Grant | None:
        """The grant, if what was shown of it is good and the person may still act there."""
        good = self.code is CodeWorth.GOOD or self.refresh in (RefreshWorth.ROTATE, RefreshWorth.REPEAT)
        alive = (
            self.standing is not None and self.standing.organization_id is not None and not self.standing.suspended
        )
        return self.grant if good and alive and not self.weak else None

    @property
    def weak(self) -> bool:
        """Whether it was granted without a second factor in an organization that demands one by now."""
        demanding = self.standing is not None and self.standing.demanding
        return self.grant is not None and demanding and not self.grant.strong

    @property
    def reused(self) -> bool:
        """Whether a code or refresh token was shown that was used before."""
        return self.code is CodeWorth.REUSED or self.refresh is RefreshWorth.REUSED


@dataclass(frozen=True, slots=True)
class ProgramTokens:
    """Gives tokens to programs, tells them what theirs are worth, and takes them back."""

    database: Database
    keys: KeyRing
    issuing: Issuing
    secrets: ClientSecrets
    resources: frozenset[str]

    async def exchange(self, form: Form) -> Decided:
        """Tokens for a code, a refresh token, or the program's own secret; or what RFC 6749 says is wrong.

        Whatever happens to the request, what it revealed is committed: a code or token that was used before ends what
        was made from it.
        """
        fault = _fault(form, self.resources)
        if fault is not None:
            return fault
        key, now = await self.keys.signer(), self.database.clock.now()
        async with self.database.transaction() as tx:
            case = await self._looked_up(tx, form)
            engine = Engine(Known(case.client, self.secrets, case.known))
            decided = engine.token(form)
            if decided.scopes is not None and case.client is not None:
                decided.body = await self._made(tx, case, case.client, key, decided.scopes, now)
            elif case.reused and case.grant is not None and self._is_theirs(case):
                await _end(tx, case.grant, "reused")
            elif case.weak and case.grant is not None and self._is_theirs(case):
                await _end(tx, case.grant, WEAK)
        return decided

    async def introspect(self, form: Form, claims: Claims | None) -> Decided:
        """What one of the program's own tokens is worth now (RFC 7662); of any other it learns nothing."""
        async with self.database.transaction() as tx:
            client = await found(tx, program_id(form.client_id()))
            program = Engine(Known(client, self.secrets)).program(form)
            if isinstance(program, Decided):
                return program
            said = await self._worth(tx, program, form.fields.get("token", ""), claims)
        return Decided(200, said or {"active": False}, [])

    async def revoke(self, form: Form, claims: Claims | None) -> Decided:
        """Take one of the program's own tokens back, with all that was granted with it (RFC 7009)."""
        if "token" not in form.fields:
            return refused("invalid_request", "Name a token.")
        async with self.database.transaction() as tx:
            client = await found(tx, program_id(form.client_id()))
            program = Engine(Known(client, self.secrets)).program(form)
            if isinstance(program, Decided):
                return program
            await self._taken_back(tx, program, form.fields["token"], claims)
        return Decided(200, {}, [])

    async def person_of(self, claims: Claims) -> tuple[UUID, Grant] | None:
        """Whose account a program may know by this token, if the person let it."""
        async with self.database.transaction() as tx:
            grant = await GrantRepository(tx).find(claims.session_id)
            standing = None if grant is None else await SessionRepository(tx).standing(grant.user_id, None)
        if grant is None or standing is None or standing.suspended or claims.epoch < standing.epoch:
            return None
        if (
            not grant.is_alive(self.database.clock.now(), standing.sessions_from_epoch)
            or "openid" not in grant.scopes
        ):
            return None
        return grant.user_id, grant

    async def apps(self, user_id: UUID, at_most: int) -> list[dict[str, Any]]:
        """The programs that may act for a person."""
        async with self.database.transaction() as tx:
            return [dict(row) for row in await PersonsGrants(tx).apps(user_id, at_most)]

    async def withdraw(self, user_id: UUID, client_id: UUID) -> bool:
        """Let a program act for a person no more; False when it could not."""
        async with self.database.transaction() as tx:
            forgotten = await ConsentRepository(tx).forget(user_id, client_id)
            ended = await GrantRepository(tx).end_all(user_id, client_id, "withdrawn")
            if not forgotten and not ended:
                return False
            await tx.emit(audited("auth.oauth_grant.withdrawn", User(user_id), "oauth_client", client_id))
            for grant_id in ended:
                await void_credential(tx, grant_id, session_id=grant_id, version=1)
        return True

    async def _looked_up(self, tx: Transaction, form: Form) -> _Case:
        case = _Case(form)
        case.client = await found(tx, program_id(form.client_id()))
        kind = form.fields["grant_type"]
        shown = self._shown(form, kind)
        if case.client is None or shown is None:
            return case
        case.grant, case.counter = await GrantRepository(tx).lock(shown.ids[0]), shown.counter
        if case.grant is None or case.grant.client_id != case.client.id:
            case.grant = None
            return case
        grant = case.grant
        await tx.bind(grant.organization_id)
        case.standing = await SessionRepository(tx).standing(grant.user_id, grant.organization_id)
        if case.standing is None:
            return case
        now, since = await GrantRepository(tx).now(), case.standing.sessions_from_epoch
        if kind == "authorization_code":
            case.code = grant.judge_code(now, since)
        else:
            case.refresh = grant.judge_refresh(shown.counter, now, since)
        return case

    def _shown(self, form: Form, kind: str) -> Token | None:
        try:
            if kind == "authorization_code":
                return self.issuing.codes.read(form.fields.get("code", ""))
            if kind == "refresh_token":
                return self.issuing.refresh_tokens.read(form.fields.get("refresh_token", ""))
        except TokenForged:
            return None
        return None

    async def _made(  # noqa: PLR0917 - what tokens are made of
        self,
        tx: Transaction,
        case: _Case,
        client: Client,
        key: SigningKey,
        scopes: frozenset[str],
        now: datetime,
    ) -> dict[str, Any]:
        grant, standing = case.known, case.standing
        if grant is None or standing is None:
            own = scopes or frozenset(client.scopes)
            await tx.bind(client.organization_id)
            return self.issuing.for_program(key, client, own - {"openid", "email"}, now)
        scopes &= frozenset(client.scopes)
        if case.code is not None:
            await GrantRepository(tx).save_code_use(grant.id)
            return self.issuing.for_person(key, grant, standing, scopes, 0, now)
        counter = grant.counter + (case.refresh is RefreshWorth.ROTATE)
        await GrantRepository(tx).save_refresh(grant.id, counter)
        return self.issuing.for_person(key, grant, standing, scopes, counter, now)

    def _is_theirs(self, case: _Case) -> bool:
        """Whether who shows a used code or token has proven to be the program: else anybody could end a grant."""
        return not isinstance(Engine(Known(case.client, self.secrets)).program(case.form), Decided)

    async def _worth(
        self, tx: Transaction, client: Client, token: str, claims: Claims | None
    ) -> dict[str, Any] | None:
        issuer = self.issuing.access_tokens.issuer
        if claims is not None:
            if claims.client_id != client.id or not await self._is_active(tx, client, claims):
                return None
            return _told(claims, issuer, self.issuing.access_tokens.audience)
        grant, counter = await self._granted(tx, client, token)
        if grant is None:
            return None
        standing = await SessionRepository(tx).standing(grant.user_id, None)
        now = await GrantRepository(tx).now()
        alive = standing is not None and not standing.suspended
        worth = grant.judge_refresh(counter, now, standing.sessions_from_epoch) if standing and alive else None
        if worth not in (RefreshWorth.ROTATE, RefreshWorth.REPEAT):
            return None
        return {
            "active": True,
            "client_id": str(client.id),
            "sub": str(grant.user_id),
            "scope": " ".join(grant.scopes),
            "iss": issuer,
            "exp": int(grant.expires_at.timestamp()),
            "token_type": "refresh_token",
        }

    async def _is_active(self, tx: Transaction, client: Client, claims: Claims) -> bool:
        grants = GrantRepository(tx)
        if claims.kind == "client":
            return not await grants.is_revoked(claims.session_id, client.id)
        grant = await grants.find(claims.session_id)
        standing = await SessionRepository(tx).standing(claims.user_id, None)
        if grant is None or standing is None or standing.suspended or claims.epoch < standing.epoch:
            return False
        return grant.is_alive(self.database.clock.now(), standing.sessions_from_epoch)

    async def _granted(self, tx: Transaction, client: Client, token: str) -> tuple[Grant | None, int]:
        try:
            shown = self.issuing.refresh_tokens.read(token)
        except TokenForged:
            return None, 0
        grant = await GrantRepository(tx).lock(shown.ids[0])
        return (grant, shown.counter) if grant is not None and grant.client_id == client.id else (None, 0)

    async def _taken_back(self, tx: Transaction, client: Client, token: str, claims: Claims | None) -> None:
        if claims is not None and claims.client_id == client.id and claims.kind == "client":
            await tx.emit(audited("auth.oauth_grant.ended", SYSTEM, "oauth_client", client.id, because="revoked"))
            await void_credential(tx, client.id, session_id=claims.session_id, version=client.version)
            return
        if claims is not None:
            grant = await GrantRepository(tx).lock(claims.session_id) if claims.client_id == client.id else None
        else:
            grant, _ = await self._granted(tx, client, token)
        if grant is not None:
            await _end(tx, grant, "revoked")


async def _end(tx: Transaction, grant: Grant, because: str) -> None:
    if await GrantRepository(tx).end(grant.id, because):
        await tx.bind(grant.organization_id)
        await tx.emit(audited("auth.oauth_grant.ended", SYSTEM, "oauth_grant", grant.id, because=because))
        await void_credential(tx, grant.id, session_id=grant.id, version=1)


def _fault(form: Form, resources: frozenset[str]) -> Decided | None:
    """What is wrong with the form of a request for tokens."""
    kind = form.fields.get("grant_type")
    if kind is None:
        return refused("invalid_request", "Name a grant_type.")
    if kind not in GRANTS:
        return refused("unsupported_grant_type", "This grant_type is not supported here.")
    resource = form.fields.get("resource")
    if resource is not None and resource.rstrip("/") not in resources:
        return refused("invalid_target", "There is no such resource here.")
    return None


def _told(claims: Claims, issuer: str, audience: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "active": True,
        "client_id": str(claims.client_id),
        "sub": str(claims.user_id),
        "scope": " ".join(sorted(claims.scopes or ())),
        "iss": issuer,
        "aud": audience,
        "iat": int(claims.issued_at),
        "exp": int(claims.expires_at),
        "jti": claims.token_id,
        "token_type": "Bearer",
    }
    if claims.organization_id is not None:
        told |= {"org": str(claims.organization_id), "role": claims.role}
    return told
