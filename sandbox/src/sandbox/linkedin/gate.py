"""What every call to LinkedIn's REST API must bring, and who may write and read as whom."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from sandbox.consent.page import bearer
from sandbox.consent.tokens import AccessToken, Tokens
from sandbox.json import Object, read_object, write
from sandbox.linkedin import errors
from sandbox.linkedin.quota import Quota
from sandbox.linkedin.world import WRITES_FOR_A_PAGE, Person, World


@dataclass(frozen=True, slots=True)
class Caller:
    """The member on whose behalf a call is made, and what the member has allowed."""

    person: Person
    token: AccessToken

    def may(self, *scopes: str) -> bool:
        """Whether one of the scopes was granted."""
        return any(scope in self.token.grant.scopes for scope in scopes)


class Gate:
    """Lets calls in, or not."""

    def __init__(self, world: World, tokens: Tokens, quota: Quota) -> None:
        self._world = world
        self._tokens = tokens
        self._quota = quota

    def enter(self, request: Request, method: str, *, writes: bool = False) -> Caller:
        """The caller of the REST API, with all headers in order and the day's calls not used up."""
        caller = self.signed_in(request)
        self._refuse_version(request.headers.get("linkedin-version", ""))
        if request.headers.get("x-restli-protocol-version") != "2.0.0":
            raise errors.bad_request("The header X-Restli-Protocol-Version must be 2.0.0")
        self._quota.count(self._world.app, method, caller.person.id, writes=writes)
        return caller

    def signed_in(self, request: Request) -> Caller:
        """The caller, by the bearer token."""
        value = bearer(request)
        if not value:
            raise errors.no_token()
        token = self._tokens.holder(value)
        if token is None:
            raise errors.invalid_token()
        if token.state != "live":
            raise errors.revoked_token() if token.state == "revoked" else errors.expired_token()
        person = self._world.people.get(token.grant.person_id)
        if person is None:
            raise errors.revoked_token()
        return Caller(person, token)

    def _refuse_version(self, version: str) -> None:
        if not version:
            raise errors.no_version()
        month = version[:6]
        app = self._world.app
        readable = version.isascii() and version.isdigit() and len(version) in {6, 8} and 1 <= int(version[4:6]) <= 12
        if not readable or not app.oldest_version <= month <= app.newest_version:
            raise errors.dead_version(f"{version}01" if len(version) == 6 else version)

    def refuse_foreign_author(self, caller: Caller, author: str) -> None:
        """Write as oneself, or as a page on which one has a role that may."""
        if not author:
            raise errors.missing_field("/author")
        if author == caller.person.urn and caller.may("w_member_social"):
            return
        role = self._world.role(caller.person.id, author)
        if role not in WRITES_FOR_A_PAGE or not caller.may("w_organization_social"):
            raise errors.author_not_permitted()

    def refuse_foreign_reader(self, caller: Caller, author: str) -> None:
        """Read what one has written oneself, or what a page has on which one has a role."""
        if author == caller.person.urn and caller.may("r_member_social"):
            return
        if self._world.role(caller.person.id, author) and caller.may("r_organization_social"):
            return
        raise errors.not_permitted("posts.GET")


def read_body(body: bytes) -> Object:
    """The JSON object of a body; refused where it is none."""
    document = read_object(body)
    if document is None:
        raise errors.bad_request("The body is no JSON object")
    return document


def json_answer(document: Object) -> Response:
    """A document as LinkedIn answers it."""
    return Response(write(document), media_type="application/json")
