from kit.errors import FieldError, Invalid, NotFound


class ConversationNotFound(NotFound):
    """There is no such conversation in this organization."""

    code = "conversation-not-found"


class AssigneeNotAMember(Invalid):
    """Only a member who works in the inbox can be given a conversation."""

    code = "assignee-not-a-member"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("#/assignee_id", "Name an owner, an admin or an agent.")])
