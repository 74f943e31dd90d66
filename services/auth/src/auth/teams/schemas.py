from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from auth.teams.model import MOST_AT_ONCE
from kit.http.models import Line, Model, Out

Members = Annotated[list[UUID], Field(max_length=MOST_AT_ONCE)]


class CreateTeam(Model):
    """A new team."""

    name: Line


class RenameTeam(Model):
    """Another name."""

    name: Line


class ChangeTeamMembers(Model):
    """Who comes in, and who goes out."""

    add: Members = Field(default_factory=list, description="Members, by id of the membership.")
    remove: Members = Field(default_factory=list)


class TeamOut(Out):
    """A named group of members."""

    id: UUID
    name: str
    members: int = Field(description="How many are in it.")
    version: int = Field(description="Also the ETag; rises with the name and with who is in it.")
    created_at: AwareDatetime


class TeamMemberOut(Out):
    """A member's place in a team."""

    member_id: UUID
    user_id: UUID
    added_at: AwareDatetime
