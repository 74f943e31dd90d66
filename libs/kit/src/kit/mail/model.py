"""The words of mail: categories, mails to be sent, what a letter is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parseaddr
from enum import StrEnum
from functools import cache
from typing import Final
from uuid import UUID

from kit.ids import new_id

Parameter = str | int | bool
"""What a template is filled with."""

PLACE: Final = b"outgoing_mails:"


class Reason(StrEnum):
    """Why an address is not mailed."""

    HARD_BOUNCE = "hard-bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBED = "unsubscribed"


@dataclass(frozen=True, slots=True)
class Category:
    """A sort of mails that people want or do not want.

    An `essential` one answers what somebody has just asked for: it carries no unsubscribe link, and no wish or
    complaint stops it. `repeat_when_unknown` sends a mail whose fate nobody knows once more, under the same
    Message-ID: SMTP cannot be asked, and a second copy of a link harms less than none. All others are sent at most
    once and end unconfirmed.
    """

    name: str
    essential: bool = False
    repeat_when_unknown: bool = False


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to be sent; of two with the same `dedupe_key` the second changes nothing.

    Either `to` and `parameters` are given, and stored sealed under the key of `subject` or of the organization, or
    the service's `Composer` makes both of `about` and `detail` when the mail leaves. One of many that leave together
    (`for_many`) stands before nobody who waits for theirs, also where its category is essential.
    """

    template: str
    category: str
    dedupe_key: str
    organization_id: UUID | None = None
    locale: str = "en"
    to: str | None = None
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    subject: str | None = None
    about: UUID | None = None
    detail: UUID | None = None
    expires_at: datetime | None = None
    for_many: bool = False
    id: UUID = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A stored mail."""

    id: UUID
    organization_id: UUID | None
    category: str
    template: str
    locale: str
    about: UUID | None
    detail: UUID | None
    address: bytes | None
    address_hash: bytes | None
    parameters: bytes | None
    message_id: str
    unknowns: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Letter:
    """To whom, and what to say; `user_id` is the recipient's account, whose preferences an unsubscription changes.

    `template` takes the place of the mail's own where only now it is known what there is to say.
    """

    to: str = field(repr=False)
    parameters: Mapping[str, Parameter] = field(repr=False)
    user_id: UUID | None = None
    template: str | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """How a service writes: as whom, in which categories, and where a recipient can say that it is enough.

    `unsubscribe_at` is the address to which `?token=…` is added.
    """

    sender: str
    categories: Sequence[Category]
    unsubscribe_at: str = ""

    @property
    def sender_address(self) -> str:
        """The bare address."""
        return _bare(self.sender)

    @property
    def domain(self) -> str:
        """Where the sender is at home."""
        return self.sender_address.rpartition("@")[2].lower()

    @property
    def urgent_lane(self) -> str:
        """Where mails take turns that people wait for; they do not stand behind what goes to many."""
        return f"smtp:{self.domain}"

    def lane_key(self, category: Category, *, for_many: bool = False) -> str:
        """Where those of a category take turns, or those of it that go to many."""
        return self.urgent_lane if category.essential and not for_many else f"smtp:{self.domain}:{category.name}"

    def category(self, name: str) -> Category:
        """The category of this name.

        Raises:
            LookupError: the service has none such.
        """
        for category in self.categories:
            if category.name == name:
                return category
        raise LookupError(f"there is no category {name} of mails")


@cache
def _bare(sender: str) -> str:
    """It is asked for with every mail, and the same for all of a service."""
    return parseaddr(sender)[1]
