"""From where a session was last used: address and user agent, sealed, since both are about a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import orjson

from auth.sign_ins.model import Visitor
from kit.seal import Keyring, KeyShredded

_PLACE: Final = b"sessions.visitor_sealed:"


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Seals under the person's key where it is at hand, else under the platform's, as unproven addresses are.

    So signing in and refreshing wait for nobody's key; the row is gone a day after the session would have been.
    """

    keyring: Keyring

    async def seal(self, session_id: UUID, user_id: UUID, visitor: Visitor) -> bytes:
        """What is stored with the session."""
        said = orjson.dumps([visitor.address, visitor.agent])
        place, subject = _PLACE + session_id.bytes, f"user:{user_id}"
        if self.keyring.at_hand(None, subject):
            try:
                return await self.keyring.seal(None, said, place, subject=subject)
            except KeyShredded:
                pass
        return await self.keyring.seal(None, said, place)

    async def open(self, several: Sequence[tuple[UUID, bytes | None]]) -> list[Visitor]:
        """Those of sessions, with one look-up for all keys; nothing where nothing was stored, or it was forgotten."""
        sealed = [(value, _PLACE + session_id.bytes) for session_id, value in several if value is not None]
        opened = iter(await self.keyring.open_many(None, sealed) if sealed else ())
        return [Visitor() if value is None else _visitor(next(opened)) for _, value in several]


def _visitor(opened: bytes | None) -> Visitor:
    if opened is None:
        return Visitor()
    address, agent = orjson.loads(opened)
    return Visitor(address, agent)
