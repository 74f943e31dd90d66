"""Mails as the ledger sends them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from typing import Final, Protocol
from uuid import UUID

import orjson
import structlog

from kit.db.database import Transaction
from kit.ledger.kind import Kind, Timing
from kit.ledger.model import Entry, Look, NotAccepted, NotFound, Receipt, Refused, Settled, Status, Unanswered
from kit.mail.links import MailSecret, Unsubscription
from kit.mail.message import message
from kit.mail.model import PLACE, Category, Letter, Outgoing, Post, Reason
from kit.mail.repository import MailRepository, SuppressionRepository
from kit.mail.smtp import NO_SUCH_MAILBOX
from kit.mail.templates import Templates
from kit.seal import Keyring, KeyShredded
from kit.telemetry import metrics

log = structlog.get_logger(__name__)

MAILS = metrics.counter("mails_total", "Mails by what became of them", ("kind", "outcome"))

REPEATED: Final = "mail.repeated"
ONCE: Final = "mail.once"
BOUNCED_FOR: Final = timedelta(days=30)
"""How long an address that does not exist is not tried again; mailboxes are made, and mended."""

_TIMING: Final = {
    # Nobody can ask an SMTP server. Two looks see nothing, and the mail goes once more under the same Message-ID.
    REPEATED: Timing(
        call_within=60.0,
        looks_after=(5.0, 10.0, 60.0),
        absent_after=10.0,
        unconfirmed_after=900.0,
        backoff_first=15.0,
        backoff_longest=3600.0,
    ),
    ONCE: Timing(
        call_within=60.0, looks_after=(60.0,), unconfirmed_after=60.0, backoff_first=15.0, backoff_longest=3600.0
    ),
}


_OUTCOMES: Final = {Status.DONE: "sent", Status.PENDING: "postponed"}


class MailServer(Protocol):
    """Takes mails."""

    async def send(self, message: EmailMessage, sender: str, recipient: str, *, urgent: bool) -> Receipt:
        """Hand in one mail, an urgent one whatever waits that is not; raises Refused, NotAccepted or Unanswered."""


class Composer(Protocol):
    """Says what mails are about, when they leave."""

    async def compose(self, tx: Transaction, mails: Sequence[Outgoing]) -> Mapping[UUID, Letter]:
        """The letter for each mail by its id, read set-based; one that is left out has nothing to say any more."""


class Fillings:
    """The composer of a service whose mails all carry what they say."""

    async def compose(self, tx: Transaction, mails: Sequence[Outgoing]) -> Mapping[UUID, Letter]:
        """There is nothing to compose."""
        del tx
        raise LookupError(f"{mails[0].template} was queued without address, and nobody composes it")


@dataclass(frozen=True, slots=True)
class Work:
    """A mail as a worker holds it; a sealed one has no letter yet."""

    mail: Outgoing
    letter: Letter | None = field(repr=False)
    address_hash: bytes
    suppressed: frozenset[tuple[Reason, str]]


@dataclass(frozen=True, slots=True)
class MailKind:
    """Mails of the categories that are repeated when unknown, or of those that are not."""

    name: str
    keyring: Keyring
    server: MailServer
    templates: Templates
    composer: Composer
    post: Post

    @property
    def timing(self) -> Timing:
        """Its patience."""
        return _TIMING[self.name]

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Work]:
        """Mails with their letters, and whether their recipients may be mailed."""
        mails = {mail.id: mail for mail in await MailRepository(tx).find([each.subject_id for each in entries])}
        letters = await self._compose(tx, [mail for mail in mails.values() if mail.address is None])
        secret = await MailSecret.of(self.keyring)
        composed = {mail_id: secret.hashed(letter.to) for mail_id, letter in letters.items()}
        await MailRepository(tx).keep_hashes(composed)
        hashes = composed | {
            mail.id: mail.address_hash for mail in mails.values() if mail.address and mail.address_hash
        }
        suppressed = await SuppressionRepository(tx).reasons(hashes.values())
        ready = {
            mail_id: Work(mails[mail_id], letters.get(mail_id), found, frozenset(suppressed.get(found, ())))
            for mail_id, found in hashes.items()
        }
        return {entry.id: ready[entry.subject_id] for entry in entries if entry.subject_id in ready}

    async def _compose(self, tx: Transaction, mails: Sequence[Outgoing]) -> Mapping[UUID, Letter]:
        if not mails:
            return {}
        letters = await self.composer.compose(tx, mails)
        await MailRepository(tx).withdraw([mail.id for mail in mails if mail.id not in letters])
        return letters

    async def call(self, entry: Entry, work: Work) -> Receipt:
        """Render and hand in."""
        mail, category = work.mail, self.post.category(work.mail.category)
        reason = forbidden(category, work.suppressed)
        if reason is not None:
            raise Refused("The recipient is not to be mailed.", code="suppressed", said=reason)
        try:
            letter = work.letter or await self._opened(mail)
            words = self.templates.render(letter.template or mail.template, mail.locale, letter.parameters)
            unsubscribe = None if category.essential else await self._unsubscribe(work, letter)
            ready = message(mail, self.post, letter.to, words, unsubscribe)
        except Refused:
            raise
        except Exception as bug:
            log.exception("mail.not_written", mail_id=str(mail.id), template=mail.template)
            raise NotAccepted("The mail could not be written.", code=type(bug).__name__) from bug
        urgent = entry.lane_key == self.post.urgent_lane
        return await self.server.send(ready, self.post.sender_address, letter.to, urgent=urgent)

    async def look(self, entry: Entry, work: Work) -> Look:
        """Nothing can be seen; after the first unknown end of a repeated mail that is taken for absence."""
        del entry
        if self.name == REPEATED and work.mail.unknowns <= 1:
            return NotFound("SMTP cannot be asked; sent again under the same Message-ID")
        raise Unanswered("Nobody can say whether the mail was taken.")

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Keep the outcome, and the addresses that do not exist."""
        await MailRepository(tx).record(settled)
        bounced = [each.entry.subject_id for each in settled if each.code == NO_SUCH_MAILBOX]
        if bounced:
            await SuppressionRepository(tx).add_bounced(bounced, BOUNCED_FOR)
        for each in settled:
            MAILS.labels(self.name, _OUTCOMES.get(each.status, each.status)).inc()

    async def _opened(self, mail: Outgoing) -> Letter:
        place = PLACE + mail.id.bytes
        try:
            address = await self.keyring.open(mail.organization_id, mail.address or b"", place + b"address")
            parameters = await self.keyring.open(mail.organization_id, mail.parameters or b"", place + b"parameters")
        except KeyShredded as gone:
            raise Refused("The recipient was forgotten.", code="forgotten") from gone
        return Letter(address.decode(), orjson.loads(parameters))

    async def _unsubscribe(self, work: Work, letter: Letter) -> str:
        secret = await MailSecret.of(self.keyring)
        said = Unsubscription(work.address_hash, work.mail.category, letter.user_id)
        return f"{self.post.unsubscribe_at}?token={secret.token(said)}"


def kind_of(category: Category) -> str:
    """The ledger's kind that sends this category."""
    return REPEATED if category.repeat_when_unknown else ONCE


def forbidden(category: Category, suppressed: frozenset[tuple[Reason, str]]) -> str | None:
    """Why this address gets no mail of this category: an essential one is stopped by a dead mailbox alone."""
    for reason, of in sorted(suppressed):
        if reason is Reason.HARD_BOUNCE:
            return reason
        if not category.essential and (reason is Reason.COMPLAINT or of == category.name):
            return reason
    return None


def mail_kinds(
    keyring: Keyring, server: MailServer, templates: Templates, post: Post, composer: Composer | None = None
) -> tuple[Kind[Work], ...]:
    """What the service's ledger must know to send its mails."""
    return tuple(
        MailKind(name, keyring, server, templates, composer or Fillings(), post) for name in (REPEATED, ONCE)
    )
