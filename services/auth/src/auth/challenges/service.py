"""Asking whoever has an address: the same is done for every address, known or not.

A request counts what was typed, writes one row and one message by reference; whether somebody has the address is
looked up when the message leaves, and then it tells the truth or is withdrawn. So status, body, work, rows and limits
are equal by construction, and not by care.
"""

from dataclasses import dataclass
from typing import Final, NoReturn
from uuid import UUID

from auth.accounts.handle import Handle
from auth.accounts.phone import PhoneNumber
from auth.accounts.sealing import Addresses
from auth.challenges.errors import LinkExpired, LinkMalformed, TextCodeOver, TextCodeWrong
from auth.challenges.model import CODE_LIFE, LINK_LIFE, MOST_CHALLENGES, WITHIN, Challenge, Purpose, TextCodes
from auth.challenges.repository import ChallengeRepository, Wanted, begin_at_once, lock_of
from auth.mails.model import challenge_mail
from auth.texts.service import Texts
from auth.tokens.mints import Mints
from auth.tokens.model import TokenForged, TokenMint
from contracts import Event
from kit.audit import User, audited
from kit.db.database import Database, Transaction
from kit.ids import new_id
from kit.mail import Mail, Mailer

_TO_ANYBODY: Final = frozenset({Purpose.SIGN_UP, Purpose.CHANGE})
"""What is sent to the address as it was typed; all else goes to its owner alone, as they have proven it."""


@dataclass(frozen=True, slots=True)
class Challenges:
    """Begins and reads challenges."""

    database: Database
    addresses: Addresses
    mints: Mints
    codes: TextCodes
    mailer: Mailer
    texts: Texts

    async def ask(
        self, purpose: Purpose, handle: Handle, locale: str, password_hash: str = "", *, again: bool = False
    ) -> str:
        """Send a link or code to whoever has the address, and say by which token the one who asked is known.

        Raises:
            TooManyTexts: to this number, numbers like it, or all numbers.
        """
        challenge = await self._wanted(purpose, handle, locale, password_hash)
        event = audited("auth.challenge.begun", User(), "address", challenge.blind.hex()[:16], purpose=purpose)
        if isinstance(handle, PhoneNumber):
            await self._text(Wanted(challenge, CODE_LIFE, MOST_CHALLENGES, WITHIN, again), handle, event)
        else:
            wanted = Wanted(challenge, LINK_LIFE[purpose], MOST_CHALLENGES, WITHIN, again)
            if await begin_at_once(self.database, wanted, await self.mailer.queueing(_mail(challenge)), event):
                self.mailer.wake()
        return self.mints.request.make(challenge.id)

    async def _text(self, wanted: Wanted, number: PhoneNumber, event: Event) -> None:
        blind, network = wanted.challenge.blind, await self.addresses.network(number)
        async with self.database.transaction(alone=lock_of(blind)) as tx:
            await self.texts.insist_on_room(tx, blind, network)
            begun = await ChallengeRepository(tx).add(wanted)
            if begun is not None:
                await self.texts.queue(tx, begun, network)
                await tx.emit(event)

    async def send(self, tx: Transaction, challenge: Challenge, network: bytes | None = None) -> None:
        """Let the message of a challenge leave with the commit."""
        if network is not None:
            await self.texts.queue(tx, challenge, network)
        else:
            await self.mailer.queue(tx, _mail(challenge))

    async def repeat(self, request_token: str) -> None:
        """Send the same code once more.

        Raises:
            TextCodeOver: there is none that is still good.
            TooManyTexts: it was sent just now, or too many were.
        """
        challenge_id = read(self.mints.request, request_token)
        if challenge_id is None:
            raise TextCodeOver
        async with self.database.transaction() as tx:
            challenges = ChallengeRepository(tx)
            found = await challenges.find(challenge_id)
            if found is None or not found.open or found.kind != "phone":
                raise TextCodeOver
            await challenges.lock_address(found.blind)
            await self.texts.repeat(tx, found)

    async def find(self, token: str, purpose: Purpose) -> Challenge:
        """The open challenge of a link.

        Raises:
            LinkMalformed: it is no link of ours, or one of another purpose.
            LinkExpired: it has expired or was used.
        """
        found = await self.seen(token, purpose)
        if not found.open:
            raise LinkExpired
        return found

    async def seen(self, token: str, purpose: Purpose) -> Challenge:
        """The challenge of a link, whatever became of it."""
        challenge_id = read(self.mints.challenge, token)
        if challenge_id is None:
            raise LinkMalformed
        async with self.database.transaction() as tx:
            found = await ChallengeRepository(tx).find(challenge_id)
        if found is None:
            raise LinkExpired
        if found.purpose is not purpose or (found.kind != "email" and purpose is not Purpose.UNDO):
            raise LinkMalformed
        return found

    async def solved(self, request_token: str, code: str, purpose: Purpose) -> Challenge:
        """The challenge whose code this is, with the try counted although it may fail.

        Raises:
            TextCodeOver: there is none such that could still be tried.
            TextCodeWrong: this is not the code.
        """
        challenge_id = read(self.mints.request, request_token)
        if challenge_id is None:
            raise TextCodeOver
        async with self.database.transaction() as tx:
            found = await ChallengeRepository(tx).attempt(challenge_id)
        if found is None or found.purpose is not purpose:
            raise TextCodeOver
        if not self.codes.match(found.id, code):
            await self._wrong(found)
        return found

    async def _wrong(self, challenge: Challenge) -> NoReturn:
        async with self.database.transaction() as tx:
            target = challenge.blind.hex()[:16]
            await tx.emit(audited("auth.challenge.failed", User(), "address", target, purpose=challenge.purpose))
        raise TextCodeWrong

    async def _wanted(self, purpose: Purpose, handle: Handle, locale: str, password_hash: str) -> Challenge:
        challenge_id = new_id()
        return Challenge(
            id=challenge_id,
            purpose=purpose,
            kind=handle.kind,
            blind=await self.addresses.blind(handle),
            identity_id=new_id(),
            user_id=new_id(),
            known=False,
            sealed=await self.addresses.seal_claimed(challenge_id, handle) if purpose in _TO_ANYBODY else None,
            password_hash=password_hash,
            epoch=None,
            locale=locale,
            expired=False,
            used=False,
        )


def _mail(challenge: Challenge) -> Mail:
    return challenge_mail(challenge.purpose, challenge.identity_id, challenge.id, challenge.locale)


def read(mint: TokenMint, token: str) -> UUID | None:
    """The id in a token; None when the token is not ours."""
    try:
        return mint.read(token).ids[0]
    except TokenForged:
        return None
