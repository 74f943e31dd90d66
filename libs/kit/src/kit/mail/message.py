"""A mail as it travels."""

from email.headerregistry import Address, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime, parseaddr
from typing import Any, Final

from kit.mail.model import Outgoing, Post
from kit.mail.templates import Words


class _OneUrl(UnstructuredHeader):
    """A header that holds a URL: folded or encoded like text, it would be none any more."""

    def fold(self, *, policy: Any) -> str:
        return f"{self.name}: {self}{policy.linesep}"  # type: ignore[attr-defined] # the registry adds the name


def _policy() -> "EmailPolicy[EmailMessage]":
    registry = HeaderRegistry()
    registry.map_to_type("list-unsubscribe", _OneUrl)  # type: ignore[arg-type] # a mixin, as its own types are
    return SMTP.clone(header_factory=registry)


POLICY: Final = _policy()


def message(outgoing: Outgoing, post: Post, to: str, words: Words, unsubscribe: str | None) -> EmailMessage:
    """The same bytes, but for the border between its parts, however often it is made."""
    name, address = parseaddr(post.sender)
    made = EmailMessage(policy=POLICY)
    made["From"] = Address(name, addr_spec=address)
    local, _, domain = to.rpartition("@")
    made["To"] = Address(username=local, domain=domain)
    made["Subject"] = words.subject
    made["Date"] = format_datetime(outgoing.created_at)
    made["Message-ID"] = outgoing.message_id
    made["Auto-Submitted"] = "auto-generated"
    if unsubscribe is not None:
        made["List-Unsubscribe"] = f"<{unsubscribe}>"
        made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    made.set_content(words.text)
    made.add_alternative(words.html, subtype="html")
    return made
