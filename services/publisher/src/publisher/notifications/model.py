"""Being notified by a platform of what happens on an account."""

from enum import StrEnum
from typing import Protocol

from kit.ledger.model import Receipt, Status

KIND = "publisher.subscription"


class Notifications(StrEnum):
    """Whether the platform notifies us: not asked for, being asked for, yes, it said no, or being ended."""

    OFF = "off"
    WAITING = "waiting"
    ON = "on"
    REFUSED = "refused"
    ENDING = "ending"

    def after(self, status: Status) -> "Notifications":
        """What it is when its effect has come to this."""
        ended = status in (Status.DONE, Status.REFUSED, Status.UNCONFIRMED)
        if self is Notifications.ENDING:
            return Notifications.OFF if ended else self
        if status is Status.DONE:
            return Notifications.ON
        return Notifications.REFUSED if ended else Notifications.WAITING


class Notices(Protocol):
    """How a platform is asked for notifications of a page. What is raised are the ledger's outcomes.

    Both may be repeated without harm: what was asked for before stays as it is.
    """

    @property
    def on(self) -> bool:
        """Whether it can be asked for here."""

    async def subscribe(self, page: str, token: str) -> Receipt:
        """Have our webhook notified of what happens on the page.

        Raises:
            Refused, NotAccepted, Parked: as the ledger means them.
        """

    async def unsubscribe(self, page: str, token: str) -> Receipt:
        """Have it notified no more; what was never subscribed to is done.

        Raises:
            Refused, NotAccepted, Parked: as the ledger means them.
        """
