"""A program asks, a person decides: the authorization endpoint and what stands behind the consent page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode, urlsplit, urlunsplit
from uuid import UUID

from auth.enterprise.enforcing import Enforcement
from auth.oauth.engine import Engine, Known, OAuth2Error
from auth.oauth.errors import ConsentIncomplete, RequestOver
from auth.oauth.issuing import Issuing
from auth.oauth.model import ABSOLUTE_LIFE, CODE_LIFE, MOST_GRANTS, REQUEST_LIFE, Asked, program_id
from auth.oauth.repository import ConsentRepository, GrantRepository, RequestRepository, Who
from auth.oauth_clients.model import Client
from auth.oauth_clients.repository import ClientRepository, found
from auth.oauth_clients.secrets import ClientSecrets
from auth.organizations.model import Membership
from auth.organizations.repository import OrganizationRepository
from auth.sessions.repository import SessionRepository
from auth.sessions.revoking import void_credential
from auth.sign_ins.errors import SecondFactorRequired
from auth.sign_ins.fresh import insist_on_fresh_proof
from auth.tokens.model import TokenForged, TokenMint
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.http.caller import Caller
from kit.ids import new_id

MOST_ORGANIZATIONS: Final = 100
_LONGEST: Final = {"state": 1000, "nonce": 500, "scope": 3000, "redirect_uri": 500, "resource": 500}
_ONCE: Final = ("response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "resource", "prompt")


@dataclass(frozen=True, slots=True)
class Shown:
    """What a person is shown before they decide."""

    client: Client
    organization_name: str
    asked: Asked
    memberships: Sequence[Membership]
    remembered: frozenset[UUID]
    """Organizations in which the person has agreed to all of this before, where the program need not ask again."""


class NotAProgram(Exception):
    """Nobody may be sent back: the program is unknown, or the address is not one of its own."""


@dataclass(frozen=True, slots=True)
class Authorizing:
    """Requests of programs, and the decisions of people."""

    database: Database
    secrets: ClientSecrets
    requests: TokenMint
    issuing: Issuing
    enforcement: Enforcement
    resources: frozenset[str]
    """The names of our interface, for programs that name what a token is for (RFC 8707)."""

    async def ask(self, given: Sequence[tuple[str, str]]) -> tuple[str | None, str]:
        """Keep what a program asks for.

        Returns:
            The token of the request and nothing; or nothing and where the person is sent back to, with what is wrong.

        Raises:
            NotAProgram: nobody may be sent anywhere.
        """
        fields = dict(given)
        twice = [name for name in _ONCE if [each for each, _ in given].count(name) > 1]
        async with self.database.transaction() as tx:
            client = await found(tx, program_id(fields.get("client_id", "")))
            if client is None or "client_id" in twice or "redirect_uri" in twice:
                raise NotAProgram
            redirect_uri = self._redirect_uri(client, fields)
            state = fields.get("state")
            error = _first_fault(fields, twice) or self._refusal(client, fields)
            if error is not None:
                return None, self._back(redirect_uri, {"error": error[0], "error_description": error[1]}, state)
            scopes = Engine(Known(client, self.secrets)).authorize(fields).split()
            asked = Asked(
                id=new_id(),
                client_id=client.id,
                redirect_uri=redirect_uri,
                stated="redirect_uri" in fields,
                scopes=sorted(scopes),
                state=state,
                nonce=fields.get("nonce"),
                code_challenge=fields["code_challenge"],
                asks_again="consent" in fields.get("prompt", "").split(),
            )
            await RequestRepository(tx).add(asked, REQUEST_LIFE)
        return self.requests.make(asked.id), ""

    async def show(self, token: str, caller: Caller) -> Shown:
        """What a request asks of the caller.

        Raises:
            RequestOver: there is none such any more.
        """
        async with self.database.transaction() as tx:
            asked, client, owner = await self._asked(tx, token)
            memberships = await OrganizationRepository(tx).of(caller.user_id, None, MOST_ORGANIZATIONS)
            agreed = await ConsentRepository(tx).of(caller.user_id, client.id)
        wanted = frozenset(asked.scopes)
        remembered = frozenset(
            organization_id
            for organization_id, scopes in agreed.items()
            if wanted <= scopes and not client.public and not asked.asks_again
        )
        return Shown(client, owner, asked, memberships, remembered)

    async def glance(self, token: str) -> tuple[Client, str]:
        """Which program asks, and whose it is, for somebody who has not signed in yet."""
        async with self.database.transaction() as tx:
            _, client, owner = await self._asked(tx, token)
        return client, owner

    async def grant(self, token: str, organization_id: UUID, caller: Caller) -> str:
        """Let the program do what it asks for, in one organization of the caller's; where to send them with the code.

        Raises:
            RequestOver: it was decided meanwhile.
            ConsentIncomplete: the caller does not belong to the organization.
            SecondFactorRequired: it demands a second factor, and none was shown in the caller's session.
            SignInThroughProvider: the organization wants the caller to come through its own identity provider.
        """
        async with self.database.transaction() as tx:
            asked, client, _ = await self._asked(tx, token)
            await tx.bind(organization_id)
            await insist_on_fresh_proof(tx, caller)
            who = await self._who(tx, organization_id, caller)
            if not await RequestRepository(tx).take(asked.id):
                raise RequestOver
            grants, grant_id = GrantRepository(tx), new_id()
            ended = await grants.end_all(caller.user_id, client.id, "too-many", but=MOST_GRANTS - 1)
            await grants.add(grant_id, asked, who, CODE_LIFE, ABSOLUTE_LIFE)
            await ConsentRepository(tx).remember(caller.user_id, client.id, organization_id, asked.scopes)
            await tx.emit(audited("auth.oauth_grant.given", caller, "oauth_grant", grant_id, client=str(client.id)))
            for each in ended:
                await void_credential(tx, each, session_id=each, version=1)
        return self._back(asked.redirect_uri, {"code": self.issuing.code(grant_id)}, asked.state)

    async def _who(self, tx: Transaction, organization_id: UUID, caller: Caller) -> Who:
        sessions = SessionRepository(tx)
        standing = await sessions.standing(caller.user_id, organization_id)
        if standing is None or standing.organization_id is None:
            raise ConsentIncomplete
        through = await sessions.through(caller.session_id)
        await self.enforcement.insist(tx, caller.user_id, standing, through)
        proven_at, strong = await GrantRepository(tx).proven_in(caller.session_id)
        if standing.demanding and not strong:
            raise SecondFactorRequired
        return Who(caller.user_id, organization_id, standing.epoch, proven_at, strong)

    async def deny(self, token: str, caller: Caller) -> str:
        """Refuse what the program asks for; where to send the caller."""
        async with self.database.transaction() as tx:
            asked, client, _ = await self._asked(tx, token)
            if not await RequestRepository(tx).take(asked.id):
                raise RequestOver
            await tx.bind()
            await tx.emit(audited("auth.oauth_grant.refused", caller, "oauth_client", client.id))
        return self._back(asked.redirect_uri, {"error": "access_denied"}, asked.state)

    async def _asked(self, tx: Transaction, token: str) -> tuple[Asked, Client, str]:
        try:
            (request_id,) = self.requests.read(token).ids
        except TokenForged as error:
            raise RequestOver from error
        asked = await RequestRepository(tx).find(request_id)
        client = None if asked is None else await found(tx, asked.client_id)
        if asked is None or client is None:
            raise RequestOver
        return asked, client, await ClientRepository(tx).owner()

    def _redirect_uri(self, client: Client, fields: Mapping[str, str]) -> str:
        given = fields.get("redirect_uri")
        if given is None and len(client.redirect_uris) == 1:
            return client.redirect_uris[0]
        if given is None or not client.returns_to(given):
            raise NotAProgram
        return given

    def _refusal(self, client: Client, fields: Mapping[str, str]) -> tuple[str, str] | None:
        """Why a program may not ask this; every one of these is told to the program."""
        resource = fields.get("resource")
        if resource is not None and resource.rstrip("/") not in self.resources:
            return "invalid_target", "There is no such resource here."
        if fields.get("response_type") != "code":
            return "unsupported_response_type", "Only code is supported."
        if "none" in fields.get("prompt", "").split():
            return "interaction_required", "Whoever decides must be asked."
        try:
            Engine(Known(client, self.secrets)).authorize(fields)
        except OAuth2Error as error:
            return str(error.error), str(error.description or "")
        return None

    def _back(self, redirect_uri: str, said: Mapping[str, str], state: str | None) -> str:
        """The address with an answer: also whose it is, so that no other server's can be taken for it (RFC 9207)."""
        more = {name: value for name, value in said.items() if value} | {"iss": self.issuing.access_tokens.issuer}
        if state is not None:
            more["state"] = state
        parts = urlsplit(redirect_uri)
        query = "&".join(each for each in (parts.query, urlencode(more)) if each)
        return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def _first_fault(fields: Mapping[str, str], twice: Sequence[str]) -> tuple[str, str] | None:
    """What is wrong with the form of a request."""
    if twice:
        return "invalid_request", f"The parameter {twice[0]} stands there twice."
    for name, longest in _LONGEST.items():
        if len(fields.get(name, "")) > longest:
            return "invalid_request", f"The parameter {name} is too long."
    if not all(value.isascii() and value.isprintable() for value in fields.values()):
        return "invalid_request", "Parameters are printable ASCII."
    for name in ("request", "request_uri", "registration"):
        if name in fields:
            return f"{name}_not_supported", "Send the parameters one by one."
    if fields.get("response_mode", "query") != "query":
        return "invalid_request", "Answers are sent in the query alone."
    return None
