from collections.abc import Collection
from uuid import UUID

from kit.errors import FieldError, Invalid


class ViewersNotThere(Invalid):
    """Only teams of the organization, and members who work in the inbox, can be shown a channel."""

    code = "viewers-not-there"

    def __init__(self, team_ids: Collection[UUID], user_ids: Collection[UUID]) -> None:
        wrong = [FieldError("#/team_ids", f"There is no team {each}.") for each in team_ids]
        wrong += [FieldError("#/user_ids", f"Nobody who answers here is {each}.") for each in user_ids]
        super().__init__(errors=wrong)


class AssigneeDoesNotSee(Invalid):
    """Only somebody who sees the channel can be given a conversation on it."""

    code = "assignee-does-not-see"

    def __init__(self) -> None:
        told = "Name somebody who sees the channel, or show it to them first."
        super().__init__(errors=[FieldError("#/assignee_id", told)])
