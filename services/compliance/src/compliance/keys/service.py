from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from kit.http.peer import Peers
from kit.seal.elsewhere import Envelope
from kit.seal.model import Key, Owner
from kit.seal.own import OwnKeys
from kit.seal.store import KeyRef
from kit.telemetry import metrics

GIVEN: Final = metrics.counter(
    "compliance_keys_given_total", "Keys that services have asked for", ("caller", "outcome")
)


@dataclass(frozen=True, slots=True)
class KeyService:
    """Gives the keys of organizations and people to our services."""

    keys: OwnKeys
    peers: Peers

    def envelope(self, caller: str, question: str) -> Envelope:
        """What the caller alone can open, as the answer to this question."""
        return Envelope.of(self.peers.secrets[caller], question)

    async def current(self, caller: str, owners: Collection[Owner]) -> Mapping[Owner, Key | None]:
        """The key that seals for each now, made where there is none; None where it was destroyed."""
        found = await self.keys.current(owners)
        _count(caller, found.values())
        return found

    async def find(self, caller: str, refs: Collection[KeyRef]) -> Mapping[KeyRef, Key | None]:
        """Keys by id, None where destroyed; those of other organizations, and our own, are not found."""
        found = {
            ref: key for ref, key in (await self.keys.find(refs)).items() if key is None or not key.owner.is_platforms
        }
        _count(caller, found.values())
        return found

    async def destroyed_within(self, seconds: float) -> Collection[Owner] | None:
        """Whose keys were destroyed lately; None: too many to tell."""
        return await self.keys.destroyed_within(seconds)


def _count(caller: str, keys: Collection[Key | None]) -> None:
    destroyed = sum(key is None for key in keys)
    GIVEN.labels(caller, "destroyed").inc(destroyed)
    GIVEN.labels(caller, "given").inc(len(keys) - destroyed)
