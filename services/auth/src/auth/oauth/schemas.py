from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from auth.oauth.authorizing import Shown
from auth.scopes.catalogue import says
from auth.scopes.schemas import ScopeOut
from kit.http.models import Model, Out


class OrganizationChoiceOut(Out):
    """An organization in which the program could act."""

    id: UUID
    name: str
    role: str = Field(description="What you are there; the program is never more.")
    remembered: bool = Field(description="Whether you have agreed to all of this there before.")


class AuthorizationRequestOut(Out):
    """What a program asks you for."""

    client_id: UUID
    client_name: str
    organization_name: str = Field(description="Whose program it is.")
    redirect_uri: str = Field(description="Where you are sent when you have decided.")
    scopes: list[ScopeOut]
    organizations: list[OrganizationChoiceOut]

    @classmethod
    def of(cls, shown: Shown) -> "AuthorizationRequestOut":
        """What is shown of a request."""
        return cls(
            client_id=shown.client.id,
            client_name=shown.client.name,
            organization_name=shown.organization_name,
            redirect_uri=shown.asked.redirect_uri,
            scopes=[ScopeOut(scope=each, allows=says(each)) for each in shown.asked.scopes],
            organizations=[
                OrganizationChoiceOut(
                    id=each.organization_id,
                    name=each.name,
                    role=each.role.value,
                    remembered=each.organization_id in shown.remembered,
                )
                for each in shown.memberships
            ],
        )


class Decide(Model):
    """Your decision, and where the program may act."""

    decision: Literal["grant", "deny"]
    organization_id: UUID | None = None


class DecidedOut(Out):
    """Where to go now; the address holds what the program waits for."""

    redirect_to: str


class AuthorizedAppOut(Out):
    """A program that may act for you in one organization."""

    client_id: UUID
    name: str
    organization_id: UUID
    scopes: list[str]
    given_at: AwareDatetime
    last_used_at: AwareDatetime | None


class AuthorizedAppsOut(Out):
    """The programs that may act for you."""

    items: list[AuthorizedAppOut]
