from kit.errors import Conflict, NotFound


class TeamNotFound(NotFound):
    """There is no such team in this organization."""

    code = "team-not-found"


class TeamNameTaken(Conflict):
    """Another team of this organization has this name."""

    code = "team-name-taken"


class TooManyTeams(Conflict):
    """This organization has as many teams as there may be; delete some first."""

    code = "too-many-teams"


class NotAllMembers(Conflict):
    """Not all of these are members of this organization; nothing was changed."""

    code = "not-all-members"
