from kit.errors import FieldError, Invalid, NotFound


class PolicyNotFound(NotFound):
    """There is no assignment policy for this."""

    code = "assignment-policy-not-found"


class ScopeNotThere(NotFound):
    """There is no such team or channel in this organization."""

    code = "assignment-scope-not-found"


class AnsweringTeamNotThere(Invalid):
    """Only a team of the organization can answer."""

    code = "answering-team-not-there"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("#/team_id", "Name a team of the organization; for a team's own, none.")])


class AgentNotFound(NotFound):
    """There is no such member who answers conversations."""

    code = "agent-not-found"
