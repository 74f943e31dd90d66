from pydantic import Field

from kit.http.models import Out


class RoleOut(Out):
    """What a member may be."""

    name: str
    says: str = Field(description="What somebody in this role is, in a sentence.")
    permissions: list[str] = Field(description="What it allows.")


class PermissionOut(Out):
    """One thing that may be done."""

    name: str
    says: str = Field(description="What it allows to do, in a sentence.")
    roles: list[str] = Field(description="The roles that have it.")
    delegable: bool = Field(description="Whether people of an agency may do it for a client.")


class RolesOut(Out):
    """All roles and permissions: the same for every organization."""

    roles: list[RoleOut]
    permissions: list[PermissionOut]
