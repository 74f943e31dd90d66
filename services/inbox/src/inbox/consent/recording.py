"""What contacts and platforms say of consent while messages come and go, in the transaction that applies it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from inbox.channels.base import Preference
from inbox.consent.model import PROOF, PURPOSES, Purpose, State, Wish
from inbox.consent.repository import ConsentRepository
from inbox.contacts.blind import Blind
from inbox.contacts.recognizing import hashed, subject
from inbox.contacts.repository import ContactRepository
from kit.db.database import Transaction
from kit.seal import Keyring

MARKETING_REFUSED: Final = "131050"
"""WhatsApp's code for a contact who wants no marketing messages of this business."""


@dataclass(frozen=True, slots=True)
class Recorder:
    """Writes wishes with their proofs sealed."""

    keyring: Keyring

    async def record(self, tx: Transaction, wishes: Sequence[Wish]) -> None:
        """Record these, in the order of contacts, so that two who do so do not wait for each other in a ring.

        Raises:
            KeyShredded: a proof is to be sealed for somebody who was forgotten.
        """
        if not wishes:
            return
        ordered = sorted(wishes, key=lambda each: (each.contact_id, each.channel_kind, each.purpose))
        proofs = [await self._sealed(tx, each) for each in ordered]
        await ConsentRepository(tx).record(ordered, proofs)

    async def preferences(
        self, tx: Transaction, blind: Blind, channel_kind: str, several: Sequence[tuple[Preference, datetime]]
    ) -> list[bool]:
        """Record what the platform was told, each at its time; False for somebody nobody knows."""
        wishes: list[Wish] = []
        found = []
        for each, at in several:
            spelled = hashed(blind, each.known_as)
            kinds, blinds = [one.kind for one, _ in spelled], [blinded for _, blinded in spelled]
            held = [one for one in await ContactRepository(tx).holders(kinds, blinds) if one.leads(at)]
            state: State = "granted" if each.wants else "withdrawn"
            when = at if each.wants else _by_the_second(at)
            wishes += [Wish(one.contact_id, channel_kind, "marketing", state, "platform", when) for one in held[:1]]
            found.append(bool(held))
        await self.record(tx, wishes)
        return found

    async def _sealed(self, tx: Transaction, wish: Wish) -> bytes | None:
        if not wish.proof:
            return None
        owner = subject(wish.contact_id)
        return await self.keyring.seal(tx.organization_id, wish.proof.encode(), PROOF, subject=owner)


def by_word(contact_id: UUID, channel_kind: str, word: str, at: datetime) -> list[Wish]:
    """What a STOP or START means: in texts for everything, as carriers demand; elsewhere for marketing.

    Whoever writes STOP on a channel where people talk with each other still wants to be answered.
    """
    purposes: Sequence[Purpose] = PURPOSES if channel_kind == "sms" else ("marketing",)
    state: State = "withdrawn" if word == "stop" else "resumed"
    when = _by_the_second(at) if word == "stop" else at
    return [Wish(contact_id, channel_kind, each, state, "keyword", when) for each in purposes]


def refused(contact_id: UUID, channel_kind: str, code: str, at: datetime) -> list[Wish]:
    """What a platform's refusal tells of the contact's wishes."""
    if code != MARKETING_REFUSED or channel_kind != "whatsapp":
        return []
    return [Wish(contact_id, channel_kind, "marketing", "withdrawn", "platform_error", _by_the_second(at))]


def _by_the_second(at: datetime) -> datetime:
    """When something was withdrawn of which a platform tells the second: at its end, after what was granted in it."""
    return at if at.microsecond else at.replace(microsecond=999_999)
