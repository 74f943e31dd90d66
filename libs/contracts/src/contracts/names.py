"""Names that travel in events.

They are text with known values and not enumerations: inside v1 a role, a plan or a meter may be added, and a
consumer that was deployed earlier must still be able to read the event. Who meets a name it does not know
treats it as one that allows nothing.
"""

from typing import Annotated, Final

from pydantic import Field

ROLES: Final = (
    "owner",
    "admin",
    "editor",
    "approver",
    "agent",
    "analyst",
    "client",
    "provider",
    "navigator",
)
TEAM: Final = frozenset({"owner", "admin", "editor", "approver", "agent", "analyst"})
"""Who works for the organization itself; a client or a provider sees only what is shared with them."""

MANAGERS: Final = frozenset({"owner", "admin"})
"""Who runs the organization."""

PLANS: Final = ("free", "creator", "pro", "agency")
"""The lowest first."""

NAME: Final = r"^[a-z][a-z0-9_]{0,39}$"

Name = Annotated[str, Field(pattern=NAME)]
RoleName = Annotated[str, Field(pattern=NAME, examples=list(ROLES))]
PlanName = Annotated[str, Field(pattern=NAME, examples=list(PLANS))]
