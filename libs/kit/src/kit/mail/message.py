"""A mail as it travels."""

from email.headerregistry import Address, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from typing import Any, Final

from kit.mail.model import Outgoing, Post
from kit.mail.templates import Words


class _OneUrl(UnstructuredHeader):
    """A header that holds a URL: folded or encoded like text, it would be none any more."""

    def fold(self, *, policy: Any) -> str:
        return f"{self.name}: {self}{policy.linesep}"  # type: ignore[attr-defined] # the registry adds the name


_SAME: Final = frozenset({"from", "auto-submitted", "mime-version", "content-type", "content-transfer-encoding"})
"""Headers that are the same in many mails, and say nothing about anybody."""


class _Headers(HeaderRegistry):
    """Makes the class of each header once, and what many mails have in common once.

    The standard library's makes a class for every header that is stored, or asked about, which is most of its work.
    """

    def __init__(self) -> None:
        super().__init__()
        self._classes: dict[str, type[Any]] = {}
        self._same = lru_cache(maxsize=64)(self._made)

    def __getitem__(self, name: str) -> type[Any]:
        lower = name.lower()
        if lower not in self._classes:
            self._classes[lower] = super().__getitem__(lower)
        return self._classes[lower]

    def __call__(self, name: str, value: Any) -> Any:
        return self._same(name, str(value)) if name.lower() in _SAME else self._made(name, value)

    def _made(self, name: str, value: Any) -> Any:
        return self[name](name, value)


def _policy() -> "EmailPolicy[EmailMessage]":
    registry = _Headers()
    registry.map_to_type("list-unsubscribe", _OneUrl)  # type: ignore[arg-type] # a mixin, as its own types are
    return SMTP.clone(header_factory=registry)


POLICY: Final = _policy()


def message(outgoing: Outgoing, post: Post, to: str, words: Words, unsubscribe: str | None) -> EmailMessage:
    """The same bytes, however often it is made.

    The border between its parts is given, since finding one takes a while; nobody who chooses words knows the id.
    """
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
    made.make_alternative(boundary=f"=={outgoing.id.hex}==")
    made.add_alternative(words.html, subtype="html")
    return made
