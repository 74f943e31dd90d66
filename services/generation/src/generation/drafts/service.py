"""Texts of a generation are handed to the publisher and become a draft: by event, sealed for that draft alone."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson

from contracts.generation import TextsHandedOver
from generation.drafts.errors import NoSuchText, NothingToHandOver
from generation.generations.model import Language, Opened, State, Text
from generation.generations.repository import GenerationRepository
from generation.generations.sealing import GenerationSeal
from kit.audit import audited
from kit.db.database import Database
from kit.errors import FieldError
from kit.http.caller import MemberCaller
from kit.http.idempotency import Idempotency
from kit.ids import new_id


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which texts are handed over, and for which accounts."""

    language: Language | None
    variation: int
    account_ids: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class DraftService:
    """Hands texts over."""

    database: Database
    seal: GenerationSeal

    async def hand_over(
        self, generation_id: UUID, chosen: Chosen, caller: MemberCaller, idempotency: Idempotency
    ) -> UUID:
        """The id of the draft that the publisher makes of it; the same request again is the same draft.

        Raises:
            GenerationNotFound, NothingToHandOver, NoSuchText: there is none, or no such text that may be used.
        """
        organization_id = caller.organization_id
        async with self.database.snapshot(organization_id) as tx:
            found = await GenerationRepository(tx).find(generation_id)
        (opened,) = await self.seal.opened(organization_id, [found])
        texts, post_id = _texts(opened, chosen), new_id()
        document = orjson.dumps([_handed(each) for each in texts])
        sealed = await self.seal.keyring.seal(organization_id, document, place(post_id))
        async with self.database.transaction(organization_id) as tx:
            if earlier := await idempotency.claim(tx):
                return earlier.resource_id
            await idempotency.remember(tx, post_id, 1)
            await tx.emit(
                TextsHandedOver(
                    post_id=post_id,
                    generation_id=generation_id,
                    user_id=caller.user_id,
                    account_ids=list(chosen.account_ids),
                    texts=base64.b64encode(sealed).decode(),
                ),
                audited("generation.texts.handed_over", caller, "generation", generation_id, post=str(post_id)),
            )
        return post_id


def place(post_id: UUID) -> bytes:
    """The place for which texts are sealed that are to become a draft; the publisher opens them there."""
    return f"handovers/{post_id}/texts_sealed".encode()


def _texts(opened: Opened, chosen: Chosen) -> list[Text]:
    if opened.generation.state is not State.DONE or not opened.texts:
        raise NothingToHandOver
    language = chosen.language or opened.texts[0].language
    found = [each for each in opened.texts if each.language == language and each.variation == chosen.variation]
    if not found:
        raise NoSuchText(errors=[FieldError("#/variation", NoSuchText.title())])
    return found


def _handed(text: Text) -> dict[str, object]:
    return {
        "platform": text.platform.value,
        "text": text.published,
        "title": text.title,
        "parts": list(text.parts),
    }
