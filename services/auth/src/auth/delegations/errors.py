from kit.errors import Conflict, FieldError, Gone, Invalid, NotFound


class DelegationNotFound(NotFound):
    """There is no such delegation of this organization."""

    code = "delegation-not-found"


class OtherSideNotFound(NotFound):
    """There is no organization with this id to agree with."""

    code = "other-organization-not-found"


class DelegatedAlready(Conflict):
    """These two organizations have a delegation already, or one of them waits for the other's word."""

    code = "delegated-already"


class TooManyProposals(Conflict):
    """Too many proposals of this organization wait for an answer; withdraw some first."""

    code = "too-many-proposals"


class DelegationGone(Gone):
    """This delegation has ended."""

    code = "delegation-gone"


class NotYoursToAccept(Conflict):
    """This proposal is your own; it waits for the other side."""

    code = "not-yours-to-accept"


class NotInForce(Conflict):
    """Nobody can be sent before the other side has agreed."""

    code = "delegation-not-in-force"


class EndNotAcceptable(Invalid):
    """A delegation ends in the future, and within two years."""

    code = "end-not-acceptable"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("#/ends_at", self.title())])


class AssignmentNotAcceptable(Invalid):
    """Whom you send must be members or teams of yours, each once, in roles that the client has given."""

    code = "assignment-not-acceptable"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("#/items", self.title())])
