"""Idempotency keys: the same request sent twice happens once.

The use-case takes the key inside its own transaction and stores what it made; the answer is rendered again from that,
so no answer and no secret is stored. A twin that arrives meanwhile waits for the first on the unique index.

    async with self.database.transaction(organization_id) as tx:
        if earlier := await idempotency.claim(tx):
            return await Posts(tx).find(earlier.resource_id)
        post = ...
        await idempotency.remember(tx, post.id, post.version)
"""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Annotated, Any, Protocol
from uuid import UUID

from fastapi import Depends, Header, Request

from kit.errors import Conflict, FieldError, Invalid
from kit.http import strict
from kit.http.caller import Caller, CurrentCaller
from kit.http.middleware import is_json, route_of

_VISIBLE = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
_QUOTED = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"', re.ASCII)
_ESCAPE = re.compile(r"\\(.)")


class IdempotencyKeyMalformed(Invalid):
    """The Idempotency-Key must be 1 to 255 visible ASCII characters."""

    code = "idempotency-key-malformed"


class IdempotencyKeyReused(Invalid):
    """This Idempotency-Key was used for another request."""

    code = "idempotency-key-reused"


class IdempotencyKeySpent(Conflict):
    """The request with this Idempotency-Key was accepted before and made nothing that could be shown again."""

    code = "idempotency-key-spent"


class Sql(Protocol):
    """What is needed of a transaction."""

    async def fetchrow(self, sql: str, *args: Any) -> Any:
        """The first row of a statement, if any."""

    async def execute(self, sql: str, *args: Any) -> Any:
        """Run a statement."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What the first request with this key made."""

    resource_id: UUID
    version: int | None


@dataclass(frozen=True, slots=True)
class Idempotency:
    """One request's key; without a key nothing is claimed and nothing remembered."""

    principal: str
    key: str | None
    operation: str
    fingerprint: bytes

    async def claim(self, tx: Sql) -> Earlier | None:
        """Take the key in this transaction, or learn what was made under it before.

        A key older than its retention is taken anew. Waits while another transaction holds the same key.

        Raises:
            IdempotencyKeyReused: the key belongs to another request.
            IdempotencyKeySpent: the earlier request stored no result.
        """
        if self.key is None:
            return None
        while True:
            taken = await tx.fetchrow(_CLAIM, self.principal, self.key, self.operation, self.fingerprint)
            if taken is not None:
                return None
            row = await tx.fetchrow(_FIND, self.principal, self.key)
            if row is not None:
                return self._earlier(row)

    def _earlier(self, row: Any) -> Earlier:
        if bytes(row["fingerprint"]) != self.fingerprint:
            raise IdempotencyKeyReused
        if row["resource_id"] is None:
            raise IdempotencyKeySpent
        return Earlier(row["resource_id"], row["version"])

    async def remember(self, tx: Sql, resource_id: UUID, version: int | None = None) -> None:
        """Store what this request made, in the transaction that made it."""
        if self.key is not None:
            await tx.execute(_REMEMBER, self.principal, self.key, resource_id, version)


_CLAIM = """
    INSERT INTO idempotency_keys (principal, key, operation, fingerprint)
    VALUES ($1, $2, $3, $4)
    ON CONFLICT (principal, key) DO UPDATE
    SET operation = excluded.operation, fingerprint = excluded.fingerprint,
        resource_id = NULL, version = NULL, created_at = kit_now()
    WHERE idempotency_keys.created_at < kit_now() - interval '24 hours'
    RETURNING true AS taken
"""
_FIND = "SELECT fingerprint, resource_id, version FROM idempotency_keys WHERE principal = $1 AND key = $2"
_REMEMBER = "UPDATE idempotency_keys SET resource_id = $3, version = $4 WHERE principal = $1 AND key = $2"
_PURGE = """
    DELETE FROM idempotency_keys
    WHERE (principal, key) IN (
        SELECT principal, key FROM idempotency_keys
        WHERE created_at < kit_now() - interval '24 hours'
        LIMIT $1 FOR UPDATE SKIP LOCKED
    )
"""


async def purge(tx: Sql, limit: int = 1000) -> int:
    """Forget keys past their retention, at most `limit`; returns how many, so a loop knows whether to go on."""
    return int(await tx.execute(_PURGE, limit))


def read_key(header: str) -> str:
    """The key of a header, given bare or as a quoted string (RFC 8941).

    Raises:
        IdempotencyKeyMalformed: it is neither.
    """
    text = header.strip(" \t")
    quoted = _QUOTED.fullmatch(text)
    key = _ESCAPE.sub(r"\1", quoted.group(1)) if quoted else text
    if not _VISIBLE.fullmatch(key):
        raise IdempotencyKeyMalformed(errors=[FieldError("idempotency-key", IdempotencyKeyMalformed.title())])
    return key


def fingerprint(method: str, path: str, principal: str, body: bytes, *, as_json: bool = True) -> bytes:
    """What tells one request from another: method, path with query, caller, and the body's meaning."""
    if as_json and body:
        body = json.dumps(strict.loads(body), sort_keys=True, separators=(",", ":")).encode("ascii")
    digest = hashlib.sha256()
    for part in (method.encode(), path.encode(), principal.encode(), body):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


def principal_of(caller: Caller) -> str:
    """Whose keys these are: a person's, within one organization."""
    return f"{caller.user_id}/{caller.organization_id or '-'}"


KeyHeader = Annotated[
    str | None, Header(description="Makes a repeated request harmless for 24 hours: 1 to 255 visible characters")
]


async def idempotency(request: Request, caller: CurrentCaller, idempotency_key: KeyHeader = None) -> Idempotency:
    """The key of this request; optional for the caller, honoured when sent."""
    return await key_of(request, principal_of(caller), idempotency_key)


async def key_of(request: Request, principal: str, header: str | None) -> Idempotency:
    """The key of a request that somebody makes."""
    operation = f"{request.method} {route_of(request.scope)}"
    if header is None:
        return Idempotency("", None, operation, b"")
    lines = request.headers.getlist("idempotency-key")
    if len(lines) != 1:
        raise IdempotencyKeyMalformed(errors=[FieldError("idempotency-key", "Send it once.")])
    path = f"{request.url.path}?{request.url.query}"
    as_json = is_json(request.headers.get("content-type"))
    mark = fingerprint(request.method, path, principal, await request.body(), as_json=as_json)
    return Idempotency(principal, read_key(lines[0]), operation, mark)


IdempotencyKey = Annotated[Idempotency, Depends(idempotency)]
