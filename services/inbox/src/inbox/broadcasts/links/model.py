"""Links of broadcasts by which a click is counted: opaque, one for each recipient, and nothing is stored for one.

A token is the recipient's id with a code that only we can make, so nobody counts clicks of others by guessing, and
where it leads stands with the broadcast: it never comes from the address.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from inbox.templates.components import buttons_of
from inbox.templates.variables import variables_of

LINK: Final = "broadcast.link"
"""The variable of a text that becomes the recipient's own link."""
_CODE: Final = 8
_LENGTH: Final = 32
_NO_PEOPLE: Final = ("whatsapp/", "facebookexternalhit", "facebot", "bot", "preview", "crawler", "spider")


@dataclass(frozen=True, slots=True)
class Links:
    """Makes and reads links; `base` is where they are opened, without a slash at its end."""

    base: str
    secret: bytes = field(repr=False)

    def of(self, recipient_id: UUID) -> str:
        """The link of a recipient."""
        token = urlsafe_b64encode(recipient_id.bytes + self._code(recipient_id)).decode()
        return f"{self.base}/{token}"

    def recipient(self, token: str) -> UUID | None:
        """Whose link it is; None for one that we have not made."""
        if len(token) != _LENGTH or not token.isascii():
            return None
        try:
            told = urlsafe_b64decode(token)
        except (NotBase64, ValueError):
            return None
        if len(told) != 16 + _CODE:
            return None
        recipient_id = UUID(bytes=told[:16])
        return recipient_id if hmac.compare_digest(told[16:], self._code(recipient_id)) else None

    def leads(self, url: object) -> bool:
        """Whether the address of a template's button is ours, with nothing but the variable behind it."""
        return isinstance(url, str) and url.startswith(f"{self.base}/{{{{") and url.endswith("}}")

    def _code(self, recipient_id: UUID) -> bytes:
        return hmac.digest(self.secret, b"broadcast link" + recipient_id.bytes, "sha256")[:_CODE]


def places(components: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    """The buttons whose address ends in a variable, by their index."""
    return {
        index: button["url"]
        for index, button in enumerate(buttons_of(components))
        if button.get("type") == "URL" and isinstance(button.get("url"), str) and variables_of(button["url"])
    }


def by_a_person(headers: Mapping[str, str]) -> bool:
    """Whether somebody opens a link, and not a program that looks ahead or makes a preview."""
    agent = headers.get("user-agent", "").lower()
    ahead = f"{headers.get('purpose', '')} {headers.get('sec-purpose', '')} {headers.get('x-moz', '')}".lower()
    return bool(agent) and "prefetch" not in ahead and not any(each in agent for each in _NO_PEOPLE)
