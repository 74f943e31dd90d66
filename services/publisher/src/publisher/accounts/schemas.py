from datetime import datetime
from typing import Final, Literal, Self
from uuid import UUID

from pydantic import Field

from kit.http.models import Out
from postrules.limits import Platform
from publisher.accounts.model import AccountKind, Health, Named
from publisher.notifications.model import Notifications

_SHOWN: Final[dict[Notifications, Literal["off", "waiting", "on", "refused"]]] = {
    Notifications.OFF: "off",
    Notifications.WAITING: "waiting",
    Notifications.ON: "on",
    Notifications.REFUSED: "refused",
    Notifications.ENDING: "off",
}


class AccountOut(Out):
    """A connected account. Its tokens are never shown."""

    id: UUID
    platform: Platform
    what: AccountKind = Field(description="Whose it is: a person's, or the page of an organization.")
    external_id: str | None = Field(description="The platform's id of it; null once its key was destroyed.")
    name: str | None
    scopes: list[str]
    health: Health
    reason: str | None = Field(description="Why it is not well, in plain words; null while it is.")
    good_until: datetime | None = Field(description="When it must be connected again at the latest, where known.")
    notifications: Literal["off", "waiting", "on", "refused"] = Field(
        description="Whether the platform tells us what people do there; posts leave whatever this says."
    )
    notifications_reason: str | None = Field(description="Why it waits or was refused, in plain words.")
    connected_by: UUID | None = Field(description="Who connected it; null once they were forgotten.")
    created_at: datetime
    changed_at: datetime
    version: int

    @classmethod
    def of(cls, named: Named, now: datetime) -> Self:
        """The account as shown at this time."""
        account = named.account
        return cls(
            id=account.id,
            platform=account.platform,
            what=account.kind,
            external_id=named.external_id,
            name=named.name,
            scopes=list(account.scopes),
            health=account.health(now),
            reason=account.why(now) or None,
            good_until=account.good_until,
            notifications=_SHOWN[account.notifications],
            notifications_reason=account.notifications_reason or None,
            connected_by=account.connected_by,
            created_at=account.created_at,
            changed_at=account.changed_at,
            version=account.version,
        )


class DisconnectedOut(Out):
    """What became of a disconnected account."""

    id: UUID
    waiting: int = Field(description="How many deliveries wait until it is connected again.")
