from kit.errors import Conflict, Forbidden, NotFound


class MemberNotFound(NotFound):
    """There is no such member in this organization."""

    code = "member-not-found"


class NotAllowed(Forbidden):
    """Your role in this organization does not allow this."""

    code = "role-missing"


class LastOwner(Conflict):
    """An organization keeps at least one owner; make somebody else an owner first."""

    code = "last-owner"


class NoSeatLeft(Conflict):
    """Every seat of this organization is taken; its owner can choose a larger plan, or remove somebody."""

    code = "no-seat-left"
