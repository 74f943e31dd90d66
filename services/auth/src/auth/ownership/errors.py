from kit.errors import Conflict, Gone, NotFound


class TransferNotFound(NotFound):
    """There is no such offer of this organization, or it is not for you."""

    code = "transfer-not-found"


class TransferPending(Conflict):
    """This organization is offered to somebody already; withdraw that first."""

    code = "transfer-pending"


class OwnerAlready(Conflict):
    """This member is an owner already."""

    code = "owner-already"


class TransferGone(Gone):
    """This offer has expired, was withdrawn, or is not the giver's to make any more."""

    code = "transfer-gone"
