"""Keys that another service keeps: they travel sealed, each under what both share and the question's own number."""

import base64
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson

from kit.http.peer import Peer
from kit.seal.model import Key, Owner, wrap_context
from kit.seal.sealer import SealBroken, Sealer
from kit.seal.store import KeyRef

PATH: Final = "/internal/keys"
DEADLINE: Final = 2.0


@dataclass(frozen=True, slots=True)
class Envelope:
    """Seals the keys of one answer.

    Nobody between the two services can read them, and an answer that was recorded does not open for another question:
    a key that has been destroyed since cannot be brought back by repeating it.
    """

    sealer: Sealer

    @classmethod
    def of(cls, secret: Sealer, question: str) -> "Envelope":
        """The envelope for the answer to the question of this number."""
        return cls(Sealer(secret.derive(f"keys/{question}")))

    def seal(self, key: Key) -> str:
        """What travels of a key."""
        return base64.b64encode(self.sealer.seal(key.plain, wrap_context(key.id, key.owner))).decode()

    def open(self, key_id: UUID, owner: Owner, sealed: str) -> Key:
        """The key again.

        Raises:
            SealBroken: it was sealed for another question, service, owner or id.
        """
        return Key(key_id, owner, self.sealer.open(base64.b64decode(sealed), wrap_context(key_id, owner)))


@dataclass(frozen=True, slots=True)
class KeysElsewhere:
    """Asks the other service for keys, at most `deadline` seconds: somebody may hold a transaction open meanwhile.

    Raises:
        PeerUnavailable: it cannot answer now.
        PeerRefused: it does not know us.
    """

    peer: Peer
    deadline: float = DEADLINE

    async def current(self, owners: Collection[Owner]) -> Mapping[Owner, Key | None]:
        """The key that seals for each owner now."""
        found = {owner: key for owner, _, key in await self._ask("current", [_told(owner) for owner in owners])}
        if found.keys() != set(owners):
            raise SealBroken
        return found

    async def find(self, wanted: Collection[KeyRef]) -> Mapping[KeyRef, Key | None]:
        """Keys by id."""
        told = [{"organization_id": _text(ref.organization_id), "id": str(ref.id)} for ref in wanted]
        answers = await self._ask("find", told)
        return {KeyRef(owner.organization_id, key_id): key for owner, key_id, key in answers if key_id is not None}

    async def destroyed_within(self, seconds: float) -> Collection[Owner] | None:
        """Whose keys were destroyed lately."""
        answer = orjson.loads(
            await self.peer.ask("GET", f"{PATH}/destroyed?within={seconds:.3f}", deadline=self.deadline)
        )
        return None if answer["too_many"] else [_owner(told) for told in answer["owners"]]

    async def _ask(self, what: str, told: Sequence[Any]) -> list[tuple[Owner, UUID | None, Key | None]]:
        question = os.urandom(16).hex()
        body = orjson.dumps({"question": question, "wanted": told})
        answer = orjson.loads(await self.peer.ask("POST", f"{PATH}/{what}", body, deadline=self.deadline))
        envelope = Envelope.of(self.peer.secret, question)
        return [_opened(envelope, each) for each in answer["keys"]]


def _opened(envelope: Envelope, told: Mapping[str, Any]) -> tuple[Owner, UUID | None, Key | None]:
    owner, key_id = _owner(told), None if told["id"] is None else UUID(told["id"])
    if key_id is None or told["sealed"] is None:
        return owner, key_id, None
    return owner, key_id, envelope.open(key_id, owner, told["sealed"])


def _told(owner: Owner) -> dict[str, Any]:
    return {"organization_id": _text(owner.organization_id), "subject": owner.subject}


def _text(organization_id: UUID | None) -> str | None:
    return None if organization_id is None else str(organization_id)  # asyncpg's ids are a class of their own


def _owner(told: Mapping[str, Any]) -> Owner:
    organization_id = told["organization_id"]
    return Owner(None if organization_id is None else UUID(organization_id), told["subject"])
