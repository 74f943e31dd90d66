"""Every door of a real application, and requests that come as far as to be let in or refused."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
import httpx
from fastapi import FastAPI

from kit.db.database import Database
from kit.http.app import create_app
from kit.http.caller import TokenVerifier
from kit.http.client import Outbound
from kit.http.doors import Route, routes_of
from kit.http.transport import PyreqwestTransport
from kit.ids import new_id
from kit.messaging.broker import Broker
from kit.messaging.topology import Topology
from kit.seal import Keyring, LocalMasterKey
from kit.service import Backbone
from kit.testing.databases import Databases
from kit.testing.tokens import AUDIENCE, ISSUER, Issuer

MASTER: Final = "A" * 43
NOBODY: Final = "http://127.0.0.1:1"
MODEST: Final = "editor"
"""The role that bodies give: one that who may give any may give."""

_WORDS: Final = {"mail": "someone@example.com", "scopes": "posts:read", "uris": "https://app.example/callback"}
"""What a text must be to mean something, by a part of its name."""

REFUSALS: Final = frozenset(
    {
        "unauthenticated",
        "invalid-token",
        "no-organization",
        "role-missing",
        "person-needed",
        "scope-missing",
        "account-suspended",
        "organization-not-found",
        "permission-missing",
    }
)
"""Codes with which a door refuses; what is behind a door has others."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request."""

    status: int
    code: str
    text: str

    @property
    def refused(self) -> bool:
        """Whether its caller was not let in."""
        return self.status in (401, 403, 404) and self.code in REFUSALS


@dataclass
class Building:
    """One service's real application on a database of its own, and whoever may sign tokens for it."""

    service: str
    app: FastAPI
    http: httpx.AsyncClient
    issuer: Issuer
    database: Database
    keyring: Keyring
    admin: "asyncpg.Connection[asyncpg.Record]"
    bodies: Mapping[tuple[str, str], Json] = field(default_factory=dict)

    @property
    def routes(self) -> list[Route]:
        """The doors that the gateway leads to."""
        return [each for each in routes_of(self.app) if not each.internal and each.path.startswith("/v1/")]

    def token(self, organization_id: UUID | None, role: str, user_id: UUID | None = None, **claims: Any) -> str:
        """A good token."""
        said = {"sub": str(user_id or new_id()), **claims}
        return self.issuer.token(self.database.clock.now(), organization_id, role, **said)

    async def person(self) -> dict[str, Any]:
        """The claims of somebody new whom auth knows, with a session that goes on; elsewhere anybody passes."""
        user_id, session_id = new_id(), new_id()
        if self.service == "auth":
            await self.write("INSERT INTO users (id, password_hash, verified_at) VALUES ($1, 'x', now())", user_id)
            await self.write(
                """
                INSERT INTO sessions (id, user_id, epoch, expires_at, proofs)
                VALUES ($1, $2, 0, now() + interval '1 day', '{password}')
                """,
                session_id,
                user_id,
            )
            identity_id, email = new_id(), f"{user_id}@example.com".encode()
            sealed = await self.keyring.seal(None, email, b"identities.sealed:" + identity_id.bytes)
            await self.write(
                """
                INSERT INTO identities (id, user_id, kind, blind, sealed, verified_at)
                VALUES ($1, $2, 'email', sha256($3), $4, now())
                """,
                identity_id,
                user_id,
                email,
                sealed,
            )
        return {"user_id": user_id, "sid": str(session_id)}

    async def write(self, sql: str, *args: object) -> None:
        """Write rows as nobody may but a test."""
        await self.admin.execute(sql, *args)

    async def knock(
        self, route: Route, token: str | None, organization_id: UUID | None = None, body: Json | None = None
    ) -> Answer:
        """Make the smallest good request there is for a route, about things that do not exist."""
        asked = self._request(route, organization_id)
        if body is not None:
            asked = replace(asked, body=body)
        headers = {"if-match": '"v1"', **({"authorization": f"Bearer {token}"} if token else {})}
        answer = await self.http.request(
            route.method, asked.path, params=asked.query, json=asked.body, headers=headers, follow_redirects=False
        )
        problem = answer.headers.get("content-type", "").startswith("application/problem+json")
        if problem and route.method == "HEAD":  # which is told by its status alone
            code = {401: "unauthenticated", 403: "role-missing"}.get(answer.status_code, "")
        else:
            code = answer.json()["type"].rpartition(":")[2] if problem else ""
        return Answer(answer.status_code, code, f"{answer.status_code} {answer.text[:300]}")

    def _request(self, route: Route, organization_id: UUID | None) -> "_Request":
        operation = self.app.openapi()["paths"].get(route.path, {}).get(route.method.lower(), {})
        path, query = route.path, {}
        for parameter in operation.get("parameters", ()):
            value = self._value(parameter["schema"], parameter["name"])
            if parameter["in"] == "path":
                if parameter["name"] == "organization_id" and organization_id is not None:
                    value = str(organization_id)
                path = path.replace("{" + parameter["name"] + "}", str(value))
            elif parameter["in"] == "query" and parameter.get("required"):
                query[parameter["name"]] = value
        given = self.bodies.get((route.method, route.path))
        wanted = operation.get("requestBody", {}).get("content", {}).get("application/json")
        body = given if given is not None else self._value(wanted["schema"], "") if wanted else None
        return _Request(path, query, body)

    def _value(self, schema: Json, name: str) -> Any:
        """The least that a schema accepts."""
        if "$ref" in schema:
            found: Any = self.app.openapi()
            for step in schema["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            return self._value(found, name)
        for keyword in ("anyOf", "oneOf", "allOf"):
            if keyword in schema:
                return self._value(schema[keyword][0], name)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return MODEST if MODEST in schema["enum"] else schema["enum"][0]
        if schema.get("examples"):
            return schema["examples"][0]
        return self._plain(schema, name)

    def _plain(self, schema: Json, name: str) -> Any:
        kind = schema.get("format", schema.get("type"))
        if kind == "object":
            needed = schema.get("required", ())
            return {each: self._value(schema["properties"][each], each) for each in needed}
        if kind == "array":
            return [self._value(schema["items"], name)] * schema.get("minItems", 0)
        text = next((said for part, said in _WORDS.items() if part in name), "x" * max(schema.get("minLength", 1), 1))
        plain = {
            "uuid": str(new_id()),
            "date-time": "2999-01-01T00:00:00Z",
            "integer": max(schema.get("minimum", 0), schema.get("exclusiveMinimum", -1) + 1),
            "boolean": False,
        }
        return plain.get(kind or "", text)


@dataclass(frozen=True, slots=True)
class _Request:
    path: str
    query: Json
    body: Any


_TOLD: Final[Mapping[str, Json]] = {"auth": {"sealing_key": MASTER}}


@asynccontextmanager
async def building(
    service: str, databases: Databases, folder: Path, bodies: Mapping[tuple[str, str], Json]
) -> AsyncIterator[Building]:
    """Open one service as its process does, but for the broker, which no door talks to."""
    made = import_module(f"{service}.bootstrap").SERVICE
    place = await databases.clone({service: made.migrations})
    database = await Database.open(place.url(service), name=f"{service} doors", pool_size=4, acquire_within=60)
    admin = await asyncpg.connect(place.admin_url, server_settings={"search_path": f"{service}, kit"})
    outbound, issuer = Outbound(transport=PyreqwestTransport(connect=2.0, read=5.0)), Issuer()
    told = {"http_port": 0, "jwks_url": NOBODY, "database_url": place.url(service), **_TOLD.get(service, {})}
    if service == "inbox":
        told |= {"media_folder": str(folder), "meta_graph_url": NOBODY}
    verifier = TokenVerifier(issuer.jwks, ISSUER, AUDIENCE, database.clock)
    backbone = Backbone(
        settings=made.settings(**told),
        database=database,
        broker=Broker("amqp://nobody:nobody@127.0.0.1:1/", name="doors"),
        topology=Topology("doors"),
        verifier=verifier,
        outbound=outbound,
        keys=Keyring(database, LocalMasterKey.from_text(MASTER)),
    )
    try:
        async with made.open_parts(backbone) as parts:
            app = create_app(
                service=service,
                title=made.title,
                routers=made.routers,
                parts=made.endpoint_parts(parts),
                verifier=verifier,
                clock=database.clock,
            )
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://doors.test", timeout=60) as client:
                yield Building(service, app, client, issuer, database, backbone.keyring, admin, bodies)
    finally:
        await admin.close()
        await outbound.close()
        await database.close()
