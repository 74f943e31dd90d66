from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from inbox.channels.viewing.repository import Seen, Visibility
from kit.http.models import Model, Out

Ids = Annotated[list[UUID], Field(max_length=200)]


class ShowChannel(Model):
    """Who sees a channel, and everything that is said on it."""

    visible_to: Seen = Field(
        description="`everyone` who works in the inbox, or only those `chosen` here; owners and admins see all."
    )
    team_ids: Ids = Field(default=[], description="Everybody who is in one of these teams sees it.")
    user_ids: Ids = Field(default=[], description="These members see it.")

    @model_validator(mode="after")
    def _chosen_or_nobody(self) -> Self:
        if self.visible_to == "everyone" and (self.team_ids or self.user_ids):
            raise ValueError("Leave team_ids and user_ids empty where everyone sees the channel.")
        return self

    def of(self, channel_id: UUID) -> Visibility:
        """Of this channel."""
        teams, users = sorted(set(self.team_ids)), sorted(set(self.user_ids))
        return Visibility(channel_id, self.visible_to, team_ids=teams, user_ids=users)


class VisibilityOut(Out):
    """Who sees a channel beside owners and admins."""

    channel_id: UUID
    visible_to: Seen
    team_ids: list[UUID]
    user_ids: list[UUID]
    version: int = Field(description="The channel's; also the ETag.")


class AskViewers(Model):
    """A conversation of which something is to be told that is true for seconds."""

    organization_id: UUID
    conversation_id: UUID


class ViewersOut(Out):
    """The users who may hear it beside owners and admins; null: everyone who works in the inbox."""

    viewers: list[UUID] | None
