"""Handing a mail to an SMTP server, and saying what became of it."""

import ipaddress
import re
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Final, Self
from urllib.parse import unquote, urlsplit

import aiosmtplib

from kit.ledger.model import NotAccepted, Receipt, Refused, Unanswered
from kit.mail.lines import Line, Lines

TIMEOUT: Final = 20.0
NO_SUCH_MAILBOX: Final = "no-such-mailbox"
_ENHANCED: Final = re.compile(r"\b5\.\d{1,3}\.\d{1,3}\b")


class BadSmtpUrl(ValueError):
    """An SMTP address looks like smtp://host:587, smtps://user:password@host, or smtp://host?starttls=required."""


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mails are handed in.

    `smtps` is encrypted from the start. With `smtp`, encryption is begun when the server offers it, and insisted on
    when there is a password to protect (but on this machine) or with `?starttls=required`.
    """

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    use_tls: bool = False
    start_tls: bool | None = None
    _lines: Lines = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_lines", Lines(self._line))

    @classmethod
    def at(cls, url: str) -> Self:
        """Read the address.

        Raises:
            BadSmtpUrl: it is none.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise BadSmtpUrl(BadSmtpUrl.__doc__)
        use_tls = parts.scheme == "smtps"
        insist = parts.query == "starttls=required" or (bool(parts.username) and not _is_here(parts.hostname))
        return cls(
            host=parts.hostname,
            port=parts.port or (465 if use_tls else 25),
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            use_tls=use_tls,
            start_tls=False if use_tls else (True if insist else None),
        )

    async def send(self, message: EmailMessage, sender: str, recipient: str, *, urgent: bool) -> Receipt:
        """Hand in one mail, on a connection that others may have used right before (`kit.mail.lines`).

        An urgent one does not wait for those that are not.

        Raises:
            Refused: recipient or content was refused for good, with `NO_SUCH_MAILBOX` where that is why.
            NotAccepted: it was not taken this time.
            Unanswered: it was handed over, and the answer was lost.
        """
        async with self._lines.turn(urgent=urgent):
            line = await self._opened()
            if not line.fresh:
                with suppress(_LineGone):
                    return await self._handed_in(line, message, sender, recipient)
                line = await self._opened(anew=True)
            return await self._handed_in(line, message, sender, recipient)

    def _line(self, introduced_as: str) -> Line:
        return Line(
            hostname=self.host,
            port=self.port,
            username=self.username,
            password=self.password,
            local_hostname=introduced_as,
            use_tls=self.use_tls,
            start_tls=self.start_tls,
            timeout=TIMEOUT,
        )

    async def _opened(self, *, anew: bool = False) -> Line:
        try:
            return await self._lines.open(anew=anew)
        except (aiosmtplib.SMTPException, OSError) as trouble:
            raise _unclear(trouble, handed_over=False) from trouble

    async def _handed_in(self, line: Line, message: EmailMessage, sender: str, recipient: str) -> Receipt:
        try:
            receipt = await _taken(line, message, sender, recipient)
        except BaseException:
            await line.leave()
            raise
        await self._lines.hand_on(line)
        return receipt


class _LineGone(NotAccepted):
    """The connection, or the server's mood, was in the way of a mail that was not handed over."""


async def _taken(line: Line, message: EmailMessage, sender: str, recipient: str) -> Receipt:
    try:
        _, said = await line.send_message(message, sender=sender, recipients=[recipient])
    except aiosmtplib.SMTPRecipientsRefused as refused:
        worst = max(refused.recipients, key=lambda each: each.code)
        raise _judged(worst.code, worst.message, at_recipient=True) from refused
    except aiosmtplib.SMTPDataError as refused:
        raise _judged(refused.code, refused.message) from refused
    except (aiosmtplib.SMTPException, OSError) as trouble:
        raise _unclear(trouble, handed_over=line.handed_over) from trouble
    return Receipt(said=said)


def _judged(code: int, said: str, *, at_recipient: bool = False) -> Refused | NotAccepted:
    words = f"{code} {said}"
    if not 500 <= code < 600:
        return NotAccepted("The mail server did not take it this time.", code=str(code), said=words)
    if at_recipient and _means_no_such_mailbox(code, said):
        return Refused("There is no such mailbox.", code=NO_SUCH_MAILBOX, said=words)
    return Refused("The mail server refuses it.", code=str(code), said=words)


def _means_no_such_mailbox(code: int, said: str) -> bool:
    """5.1.1, 5.1.2, 5.1.3, 5.1.6, 5.1.10 and 5.2.1 name the address; 5.7.x is policy and 5.2.2 a full mailbox."""
    enhanced = _ENHANCED.search(said)
    if enhanced is not None:
        return enhanced[0] in {"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"}
    return code in {550, 551, 553}


def _unclear(trouble: Exception, *, handed_over: bool) -> NotAccepted | Unanswered:
    """Greeting, login and sender are our settings, not this mail; what breaks off later is anybody's guess."""
    if isinstance(trouble, aiosmtplib.SMTPResponseException) and not handed_over:
        return _LineGone("The mail server takes no mail of ours.", code=str(trouble.code))
    name = type(trouble).__name__
    if handed_over:
        return Unanswered("The mail server did not answer.", code=name)
    return _LineGone("The mail server cannot be reached.", code=name)


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
