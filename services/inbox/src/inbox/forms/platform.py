"""Contact forms as the inbox knows a platform: what comes in comes by a page, what goes out leaves as mail."""

from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Final
from uuid import UUID

from inbox.channels.base import (
    Account,
    Capabilities,
    Identity,
    Line,
    MediaPlace,
    Medium,
    Outgoing,
    Window,
    Wish,
)
from inbox.channels.catalogue import Catalogue
from inbox.forms.outcomes import ERRORS, REPLIES_OFF
from inbox.sites.errors import SiteNotFound
from inbox.sites.service import SiteService
from kit.ledger.model import NotAccepted, Refused, Unanswered
from kit.mail.kind import MailServer
from kit.mail.message import POLICY
from kit.mail.templates import one_line

CONTACT_FORM: Final = "contact_form"
CAPABILITIES: Final = Capabilities(
    sends=frozenset({"text"}),
    reached_by=("email",),
    window=Window(None),
    text_length=4096,
    rate=5,
)


@dataclass(frozen=True, slots=True)
class ContactForms:
    """Forms on pages. A reply is a mail to the address in the form, at most once: SMTP cannot be asked."""

    sites: SiteService
    server: MailServer
    sender: str
    on: bool = True
    kind: str = CONTACT_FORM
    capabilities: Capabilities = CAPABILITIES
    errors: Catalogue = ERRORS

    async def account(self, wish: Wish, token: str, attempt: int) -> Account:
        """A form is made here (`inbox.sites`); there is nothing to connect to."""
        _ = wish, token, attempt
        raise Refused("A contact form is made at /v1/site-channels.")

    async def send(self, outgoing: Outgoing, attempt: int) -> str:
        """Hand the mail in; its id is always the same, so that mailboxes would know a second one."""
        _ = attempt
        try:
            site = (await self.sites.enter(CONTACT_FORM, outgoing.line.external_id)).site
        except SiteNotFound as gone:
            raise Refused("The form was given up before this left.", code="channel-disconnected") from gone
        reply_to = site.options.get("reply_to")
        if not reply_to:
            raise Refused(ERRORS.rules[REPLIES_OFF].plain, code=REPLIES_OFF)
        letter = self._letter(outgoing, site.name, reply_to)
        try:
            await self.server.send(letter, parseaddr(self.sender)[1], outgoing.to.value, urgent=True)
        except (Refused, NotAccepted, Unanswered) as trouble:
            trouble.said = ""  # a mail server repeats the address
            raise
        return str(letter["Message-ID"])

    def _letter(self, outgoing: Outgoing, name: str, reply_to: str) -> EmailMessage:
        """Plain text alone: what somebody types here is never a page there."""
        _, address = parseaddr(self.sender)
        shown = one_line(name)
        made = EmailMessage(policy=POLICY)
        made["From"] = Address(shown, addr_spec=address)
        made["To"] = _address(outgoing.to.value)
        made["Reply-To"] = _address(reply_to)
        made["Subject"] = f"Your message to {shown}"[:120]
        made["Date"] = format_datetime(self.sites.database.clock.now())
        made["Message-ID"] = message_id(outgoing.message_id, address)
        made.set_content((outgoing.content.text or "").replace("\0", "") + "\n")
        return made

    async def mark_read(self, line: Line, to: Identity, provider_id: str, attempt: int) -> None:
        """Mail cannot show it."""

    async def type(self, line: Line, to: Identity, provider_id: str, attempt: int) -> None:
        """Mail cannot show it."""

    async def name(self, line: Line, of: Identity, attempt: int) -> str:
        """Nobody knows."""
        _ = line, of, attempt
        return ""

    async def place(self, line: Line, medium: Medium, attempt: int) -> MediaPlace:
        """Forms take no files."""
        _ = line, attempt
        return MediaPlace(medium.url)

    async def download(self, line: Line, place: MediaPlace, at_most: int, attempt: int) -> bytes:
        """Forms take no files."""
        _ = line, place, at_most, attempt
        raise Refused("Forms take no files.")


def message_id(of: UUID, sender: str) -> str:
    """The id of the mail that a message of ours becomes."""
    return f"<{of}@{sender.rpartition('@')[2].lower()}>"


def _address(text: str) -> Address:
    local, _, domain = text.rpartition("@")
    return Address(username=local, domain=domain)
