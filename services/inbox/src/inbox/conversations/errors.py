from collections.abc import Sequence

from kit.errors import Conflict, FieldError, Invalid, NotFound


class ConversationNotFound(NotFound):
    """There is no such conversation in this organization."""

    code = "conversation-not-found"


class AssigneeNotAMember(Invalid):
    """Only a member who works in the inbox can be given a conversation."""

    code = "assignee-not-a-member"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("#/assignee_id", "Name an owner, an admin or an agent.")])


class ConversationContinued(Conflict):
    """The contact was merged with another one, with whom this goes on in another conversation."""

    code = "conversation-continued"


class TeamNotThere(Invalid):
    """Only a team of the organization can be given a conversation."""

    code = "team-not-there"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("#/team_id", "Name a team of the organization, or null.")])


class NotThatWay(Conflict):
    """A conversation cannot go from its state into that one."""

    code = "state-not-reachable"

    def __init__(self, before: str, wanted: str, reachable: Sequence[str]) -> None:
        told = f"It is {before}; from there it can become {', '.join(reachable)}, not {wanted}."
        super().__init__(told, state=before, reachable=list(reachable))


class SnoozeWithoutRest(Invalid):
    """Only a conversation that is snoozed wakes at a time."""

    code = "snooze-without-rest"

    def __init__(self) -> None:
        told = "Leave it out, or put the conversation into the state `snoozed`."
        super().__init__(errors=[FieldError("#/snoozed_until", told)])


class SnoozeOutOfRange(Invalid):
    """A conversation can rest until a time in the future, of at most a year."""

    code = "snooze-out-of-range"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("#/snoozed_until", "Name a time that is to come within 366 days.")])


class ParticipantNotAMember(Invalid):
    """Only a member who works in the inbox can follow a conversation."""

    code = "participant-not-a-member"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("#/user_id", "Name an owner, an admin or an agent.")])


class TooManyParticipants(Conflict):
    """A conversation has as many followers as it may have."""

    code = "too-many-participants"
