from datetime import datetime
from uuid import UUID

from pydantic import Field

from kit.http.models import Model, Out
from postrules.limits import Platform
from publisher.accounts.model import AccountKind


class ConnectAccount(Model):
    """Which account is to be connected."""

    platform: Platform
    what: AccountKind = Field(description="A person's account, or the pages that the person administers.")


class ConnectionOut(Out):
    """Where the person gives the permission; the browser that sent this request must be the one to go there."""

    id: UUID
    authorization_url: str
    expires_at: datetime
