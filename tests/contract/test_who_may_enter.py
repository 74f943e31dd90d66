"""Every door of every service, knocked at in every role from everywhere, compared with the published matrix.

A request is *refused* when its answer is 401, 403 or 404 with a code of `walking.REFUSALS`; everything else is *let
in*: what it asks for need not exist, and may have conditions of its own. Doors whose permission the rows decide
(`permitted_by_rows`) are named with an organization in their path, all others take it from the token.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest
from tests.architecture.test_layout import SERVICES

from contracts.names import ROLES
from contracts.permissions import allows
from kit.http.doors import Route
from kit.ids import new_id
from kit.testing.databases import Databases

from .walking import Answer, Building, Json, building

AUTH: Final = "/v1/organizations/{organization_id}"
BODIES: Final[dict[tuple[str, str], Json]] = {}
"""Where the least that the schema accepts is refused by its content before anybody is asked who calls."""

ABOUT_PEOPLE: Final = {("POST", "/v1/privacy/exports"), ("POST", "/v1/privacy/erasures")}
"""Doors for one's own affairs that those of an organization's contacts go through, too, for whom a role allows it."""

FOR_PROGRAMS: Final = {("GET", "/v1/oauth/userinfo"), ("POST", "/v1/oauth/userinfo")}
"""Open to programs that a person has granted something, which their token says; nobody here is one."""

_SHARES: Final = 4
"""In so many tests a service's doors are knocked at: one alone takes minutes on a busy machine."""

OURS, CLIENTS, THEIRS = new_id(), new_id(), new_id()


@pytest.fixture(params=SERVICES)
async def house(request: pytest.FixtureRequest, databases: Databases, tmp_path: Path) -> AsyncIterator[Building]:
    async with building(request.param, databases, tmp_path, BODIES) as made:
        yield made


def in_path(route: Route) -> bool:
    return route.path.startswith(AUTH)


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody, and from where they come."""

    what: str
    organization_id: UUID | None
    role: str = "owner"
    claims: tuple[tuple[str, str], ...] = ()

    def token(self, house: Building, **person: Any) -> str:
        return house.token(self.organization_id, self.role, **(person | dict(self.claims)))

    def may_enter(self, route: Route) -> bool:
        """What the matrix says."""
        claims = dict(self.claims)
        match route.door.whose:
            case "anybody":
                return True
            case "person":
                return "principal" not in claims
            case "member":
                return self.organization_id is not None
            case "permitted":
                delegated = "via" in claims
                permission = route.door.permission or ""
                return self.organization_id is not None and allows(permission, self.role, delegated=delegated)
            case _:
                return False


def callers() -> Iterator[Caller]:
    """Whom tokens alone may speak of."""
    for role in (*ROLES, "emperor"):
        yield Caller(f"{role} of the organization", OURS, role)
        yield Caller(f"{role} sent by an agency", CLIENTS, role, (("via", str(OURS)),))
        yield Caller(f"a key that is {role}", OURS, role, (("principal", "key"),))
    yield Caller("somebody without an organization", None)


def about(person_id: str, kind: str = "user") -> Json:
    return {"person": {"kind": kind, "id": person_id}}


async def walk(house: Building, caller: Caller | None) -> list[str]:
    """Knock at every door; those that answer otherwise than the matrix says."""
    wrong = []
    for route in house.routes:
        if in_path(route):
            continue
        person = await house.person()
        body = about(str(person["user_id"])) if (route.method, route.path) in ABOUT_PEOPLE else None
        answer = await house.knock(route, caller.token(house, **person) if caller else None, body=body)
        if (route.method, route.path) in FOR_PROGRAMS:
            assert answer.status == 401, (route, answer.text)
            continue
        expected = route.door.whose == "anybody" or (caller is not None and caller.may_enter(route))
        assert answer.status < 500 or answer.status == 503, (route, answer.text)
        if answer.refused is expected:
            wrong.append(f"{route.method} {route.path} ({route.door.permission or route.door.whose}): {answer.text}")
    return wrong


@pytest.mark.parametrize("share", range(_SHARES))
async def test_doors_let_in_whom_the_matrix_names_and_nobody_else(house: Building, share: int) -> None:
    """Tokens alone: of a member, of an agency's, of a key, of nobody's organization, and none at all."""
    wrong = {}
    for caller in (None, *callers())[share::_SHARES]:
        found = await walk(house, caller)
        if found:
            wrong[caller.what if caller else "nobody"] = found
    assert not wrong, wrong


async def test_who_is_refused_learns_nothing_of_what_is_behind(house: Building) -> None:
    """A refusal is one and the same, whatever was asked for and however wrong the rest of the request is."""
    for route in house.routes:
        if route.door.whose != "permitted" or in_path(route):
            continue
        token = house.token(OURS, "emperor")
        path = route.path.replace("{", "").replace("}", "")
        answer = await house.http.request(
            route.method, path, json={"unheard": "of"}, headers={"authorization": f"Bearer {token}"}
        )
        assert answer.status_code == 403, (route, answer.text)
        if route.method != "HEAD":
            assert answer.json()["type"] == "urn:rostrum:problem:role-missing", route


async def test_about_contacts_asks_only_whose_role_allows_it(databases: Databases, tmp_path: Path) -> None:
    async with building("compliance", databases, tmp_path, BODIES) as house:
        for route in (each for each in house.routes if (each.method, each.path) in ABOUT_PEOPLE):
            for caller in callers():
                token = caller.token(house, **await house.person())
                answer = await house.knock(route, token, body=about(str(new_id()), "contact"))
                claims = dict(caller.claims)
                expected = (
                    caller.organization_id is not None
                    and "principal" not in claims
                    and allows("privacy.manage", caller.role, delegated="via" in claims)
                )
                assert answer.refused is not expected, (caller.what, answer.text)


@dataclass
class Town:
    """Organizations with a member in every role; nothing in it outlasts a knock."""

    house: Building
    members: dict[str, UUID]
    stranger: UUID
    suspended: UUID

    @classmethod
    async def built(cls, house: Building) -> "Town":
        town = cls(house, {role: new_id() for role in ROLES}, new_id(), new_id())
        for user_id in (*town.members.values(), town.stranger, town.suspended):
            await town.admin("INSERT INTO users (id, password_hash, verified_at) VALUES ($1, 'x', now())", user_id)
        for organization_id in (OURS, CLIENTS, THEIRS):
            await town.admin("INSERT INTO organizations (id, name) VALUES ($1, 'x')", organization_id)
        await town.restore()
        return town

    async def admin(self, sql: str, *args: object) -> None:
        await self.house.write(sql, *args)

    async def restore(self) -> None:
        """Everybody is what they were, whatever they have done."""
        members = [*self.members.items(), ("owner", self.suspended)]
        await self.admin(
            """
            INSERT INTO members (id, organization_id, user_id, role)
            SELECT gen_random_uuid(), $1, user_id, role FROM unnest($2::uuid[], $3::text[]) AS m (user_id, role)
            ON CONFLICT (organization_id, user_id) DO UPDATE SET role = excluded.role
            """,
            OURS,
            [user_id for _, user_id in members],
            [role for role, _ in members],
        )
        await self.admin("UPDATE users SET suspended_at = now() WHERE id = $1", self.suspended)

    async def sends(self, people: dict[str, UUID], client: UUID) -> None:
        """Our organization sends its people to a client, each in the role that they have at home."""
        delegation_id, roles = new_id(), [role for role in people if role != "owner"]
        await self.admin(
            """
            INSERT INTO delegations (id, organization_id, agency_id, roles, state, granted_at, ends_at)
            VALUES ($1, $2, $3, $4, 'active', now(), now() + interval '1 day')
            """,
            delegation_id,
            client,
            OURS,
            roles,
        )
        await self.admin(
            """
            INSERT INTO delegation_assignments (id, delegation_id, agency_id, member_id, role)
            SELECT gen_random_uuid(), $1, $2, m.id, m.role FROM members AS m
            WHERE m.organization_id = $2 AND m.role = ANY ($3) AND m.user_id = ANY ($4)
            """,
            delegation_id,
            OURS,
            roles,
            list(people.values()),
        )

    async def knock(self, route: Route, user_id: UUID, at: UUID, **claims: Any) -> Answer:
        """The token says the most that a token can say: what counts are the rows."""
        organization_id = claims.pop("organization_id", at)
        token = self.house.token(organization_id, claims.pop("role", "owner"), user_id, **claims)
        answer = await self.house.knock(route, token, at)
        if route.method == "DELETE":
            await self.restore()
        assert answer.code != "invalid", f"{route.method} {route.path} needs a body in BODIES: {answer.text}"
        assert answer.status < 500 or answer.status == 503, (route, answer.text)
        return answer


@pytest.fixture
async def town(databases: Databases, tmp_path: Path) -> AsyncIterator[Town]:
    async with building("auth", databases, tmp_path, BODIES) as house:
        yield await Town.built(house)


def named(town: Town) -> list[Route]:
    found = [route for route in town.house.routes if in_path(route)]
    assert len(found) > 10
    return found


def code(route: Route, answer: Answer) -> str:
    return f"{route.method} {route.path} ({route.door.permission}): {answer.text}"


async def test_what_the_rows_say_opens_the_doors_of_an_organization(town: Town) -> None:
    """Nine roles at home; the token claims to be an owner, and nobody believes it."""
    for route in named(town):
        for role, user_id in town.members.items():
            answer = await town.knock(route, user_id, OURS)
            expected = allows(route.door.permission or "", role)
            assert answer.refused is not expected, f"{role}: {code(route, answer)}"
            if answer.refused:
                assert answer.code == "role-missing", code(route, answer)


async def test_a_foreign_organization_looks_like_none_to_everybody(town: Town) -> None:
    """Nine roles and a stranger before another's organization and before one that is not: one and the same answer."""
    for route in named(town):
        for user_id in (*town.members.values(), town.stranger):
            answers = {
                (answer.status, answer.code)
                for at in (THEIRS, new_id())
                for answer in [await town.knock(route, user_id, at)]
            }
            assert answers == {(404, "organization-not-found")}, (route, answers)


async def test_who_is_suspended_enters_nowhere(town: Town) -> None:
    for route in named(town):
        answer = await town.knock(route, town.suspended, OURS)
        assert (answer.status, answer.code) == (403, "account-suspended"), code(route, answer)


async def test_a_token_for_another_organization_serves_a_person_and_no_program(town: Town) -> None:
    """A person's rights are where they belong, those of a key or a program for a person where they were given."""
    owner = town.members["owner"]
    for route in named(town):
        assert not (await town.knock(route, owner, OURS, organization_id=THEIRS)).refused, route
        assert not (await town.knock(route, owner, OURS, organization_id=None)).refused, route
        for narrowed in ({"principal": "key"}, {"principal": "client"}, {"client_id": str(new_id())}):
            answer = await town.knock(route, owner, OURS, organization_id=THEIRS, **narrowed)
            assert answer.code == "organization-not-found", code(route, answer)


async def test_a_key_is_what_its_token_says(town: Town) -> None:
    for route in named(town):
        for role in (*ROLES, "emperor"):
            answer = await town.knock(route, new_id(), OURS, role=role, principal="key")
            expected = allows(route.door.permission or "", role)
            assert answer.refused is not expected, f"{role}: {code(route, answer)}"


async def test_whom_an_agency_sends_enters_as_whom_it_sends_them_and_less(town: Town) -> None:
    """Every role that can be given, in a client to which nobody here belongs; what would outlast it stays shut."""
    await town.sends(town.members, CLIENTS)
    for route in named(town):
        for role, user_id in town.members.items():
            answer = await town.knock(route, user_id, CLIENTS)
            if role == "owner":
                assert answer.code == "organization-not-found", code(route, answer)
                continue
            expected = allows(route.door.permission or "", role, delegated=True)
            assert answer.refused is not expected, f"{role}: {code(route, answer)}"


@pytest.mark.parametrize(
    "how", ["state = 'ended', ended_because = 'client'", "ends_at = now() - interval '1 second'"]
)
async def test_a_delegation_that_is_over_opens_nothing(town: Town, how: str) -> None:
    await town.sends(town.members, CLIENTS)
    await town.admin(f"UPDATE delegations SET {how}")
    for route in named(town):
        for user_id in (town.members["admin"], town.members["editor"], town.stranger):
            answer = await town.knock(route, user_id, CLIENTS)
            assert answer.code == "organization-not-found", code(route, answer)
