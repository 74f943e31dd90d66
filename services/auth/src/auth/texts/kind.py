"""Texts as the ledger sends them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol
from uuid import UUID

from auth.accounts.address import SealedAddress
from auth.accounts.sealing import Addresses
from auth.challenges.model import Purpose, TextCodes
from auth.texts.model import KIND, words
from auth.texts.repository import TextContent, TextRepository
from auth.tokens.model import TokenMint
from kit.db.database import Transaction
from kit.ledger.kind import Timing
from kit.ledger.model import Entry, Look, NotFound, Receipt, Settled, Status, Unanswered
from kit.telemetry import metrics

TEXTS = metrics.counter("auth_texts_total", "Text messages by what became of them", ("outcome",))

_TIMING: Final = Timing(
    # A message can be asked for by its id alone, and who has the id knows that it was taken. Two looks see nothing,
    # and the text goes once more: the same code a second time harms less than none.
    call_within=20.0,
    looks_after=(3.0, 5.0, 60.0),
    absent_after=5.0,
    unconfirmed_after=300.0,
    backoff_first=2.0,
    backoff_longest=60.0,
    give_up_after=600.0,
)
_OUTCOMES: Final = {Status.DONE: "sent", Status.PENDING: "postponed"}


class TextSender(Protocol):
    """Takes texts."""

    async def send(self, number: str, text: str) -> Receipt:
        """Hand in one text; raises Refused, NotAccepted, Parked or Unanswered."""


@dataclass(frozen=True, slots=True)
class Work:
    """A text as a worker holds it."""

    number: str = field(repr=False)
    text: str = field(repr=False)
    unknowns: int


@dataclass(frozen=True, slots=True)
class TextKind:
    """TextCodes by text message; leaves out those for numbers that nobody has where only an owner may be told."""

    addresses: Addresses
    codes: TextCodes
    links: TokenMint
    sender: TextSender
    public_url: str
    name: str = KIND
    timing: Timing = _TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Work]:
        """Numbers and words, for those that have something to say."""
        texts = TextRepository(tx)
        found = await texts.contents([each.subject_id for each in entries])
        wanted = {content.id: content for content in found if _what(content) is not None}
        work = await self._written(wanted)
        await texts.withdraw([each.subject_id for each in entries if each.subject_id not in work])
        return {each.id: work[each.subject_id] for each in entries if each.subject_id in work}

    async def _written(self, wanted: Mapping[UUID, TextContent]) -> dict[UUID, Work]:
        proven = [each.proven for each in wanted.values() if each.proven is not None]
        claimed = [each.claimed for each in wanted.values() if each.claimed is not None]
        opened = await self.addresses.open(proven) + await self.addresses.open_claimed(claimed)
        numbers = dict(zip((each.row_id for each in (*proven, *claimed)), opened, strict=True))
        work: dict[UUID, Work] = {}
        for text_id, content in wanted.items():
            place = _place(content)
            number = None if place is None else numbers[place.row_id]
            if number is not None:
                work[text_id] = Work(number, self._words(content), content.unknowns)
        return work

    def _words(self, content: TextContent) -> str:
        match _what(content):
            case "known":
                return words("known", content.locale, link=f"{self.public_url}/sign-in")
            case "changed":
                token = self.links.make(content.challenge_id)
                link = f"{self.public_url}/undo-address-change#token={token}"
                return words("changed", content.locale, link=link)
            case _:
                return words("code", content.locale, code=self.codes.of(content.challenge_id))

    async def call(self, entry: Entry, work: Work) -> Receipt:
        """Hand it in."""
        del entry
        return await self.sender.send(work.number, work.text)

    async def look(self, entry: Entry, work: Work) -> Look:
        """Nothing can be seen without an id; after the first unknown end that is taken for absence."""
        del entry
        if work.unknowns <= 1:
            return NotFound("no message id is known; sent once more")
        raise Unanswered("Nobody can say whether the text was taken.")

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Keep the outcome."""
        await TextRepository(tx).record(settled)
        for each in settled:
            TEXTS.labels(_OUTCOMES.get(each.status, each.status)).inc()


def _place(content: TextContent) -> SealedAddress | None:
    """Where the number stands: as its owner has proven it, but for a former one, which may be another's by now."""
    return content.claimed if content.purpose == Purpose.UNDO else content.proven or content.claimed


def _what(content: TextContent) -> str | None:
    """What there is to say now: a code, that there is an account, or nothing."""
    match Purpose(content.purpose):
        case Purpose.SIGN_UP if content.taken:
            return "known"
        case Purpose.SIGN_UP:
            return "code" if content.has_password else None
        case Purpose.CHANGE:
            return "known" if content.taken else "code"
        case Purpose.UNDO:
            return "changed"
        case _:
            return "code" if content.taken else None
