"""Answers that were acceptable, for who asks just the same within the organization: for nothing, and at once."""

import hashlib
import hmac
import json
import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from generation.answers.repository import AnswerRepository
from generation.providers.base import Ask
from kit.db.database import Database
from kit.seal import Keyring

LASTS: Final = timedelta(hours=24)
NEAR: Final = 0.95
"""From which cosine on two questions are nearly the same."""

FEW: Final = 50
"""How many answers are compared at most."""

_PURPOSE: Final = "answers of models"


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that was kept, with what it would cost by the plain way."""

    text: str
    model: str
    plain: int


@dataclass(frozen=True, slots=True)
class AnswerCache:
    """Keeps answers under seal; the key is a keyed hash, so rows do not tell what was asked."""

    database: Database
    keyring: Keyring

    async def key(self, organization_id: UUID, ask: Ask, *besides: str) -> bytes:
        """By what the answer to a question is found: all of it, and what else made it, such as model and voice."""
        question = [[each.role, each.text] for each in ask.messages]
        shape = [ask.shape.name, ask.shape.schema] if ask.shape else None
        whole = json.dumps([question, shape, ask.most_tokens, *besides], sort_keys=True)
        secret = await self.keyring.secret(organization_id, _PURPOSE)
        return hmac.digest(secret, whole.encode(errors="surrogatepass"), hashlib.sha256)

    async def find(self, organization_id: UUID, key: bytes) -> Kept | None:
        """The answer, if it was kept and is still good."""
        async with self.database.transaction(organization_id) as tx:
            row = await AnswerRepository(tx).find(key)
        if row is None:
            return None
        (opened,) = await self.keyring.open_many(organization_id, [(row["answer_sealed"], b"answers/" + key)])
        return None if opened is None else Kept(opened.decode(), row["model"], row["plain"])

    async def near(self, organization_id: UUID, scope: bytes, vector: Sequence[float]) -> Kept | None:
        """The answer to the nearest question of this scope, if it is near enough; looked for among the latest few."""
        async with self.database.snapshot(organization_id) as tx:
            rows = await AnswerRepository(tx).near(scope, FEW)
        values = [(row["vector_sealed"], b"vectors/" + row["key"]) for row in rows]
        opened = await self.keyring.open_many(organization_id, values)
        there = [(row["key"], _vector(each)) for row, each in zip(rows, opened, strict=True) if each is not None]
        near = max(((_cosine(vector, each), key) for key, each in there), default=(0.0, b""))
        return await self.find(organization_id, near[1]) if near[0] >= NEAR else None

    async def place(self, organization_id: UUID, key: bytes, scope: bytes, vector: Sequence[float]) -> None:
        """Let a kept answer be found by who asks nearly the same."""
        plain = array("f", vector).tobytes()
        sealed = await self.keyring.seal(organization_id, plain, b"vectors/" + key)
        async with self.database.transaction(organization_id) as tx:
            await AnswerRepository(tx).place(key, scope, sealed)

    async def keep(self, organization_id: UUID, key: bytes, kept: Kept) -> None:
        """Keep an answer for a day."""
        sealed = await self.keyring.seal(organization_id, kept.text.encode(errors="replace"), b"answers/" + key)
        async with self.database.transaction(organization_id) as tx:
            await AnswerRepository(tx).save(key, sealed, kept.model, kept.plain, LASTS)


def _vector(opened: bytes) -> Sequence[float]:
    found = array("f")
    found.frombytes(opened)
    return found


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """How near two vectors point; those of different models, and so lengths, are not compared."""
    if len(one) != len(other):
        return 0.0
    length = math.sqrt(sum(each * each for each in one) * sum(each * each for each in other))
    return sum(a * b for a, b in zip(one, other, strict=True)) / length if length else 0.0
