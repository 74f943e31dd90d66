from kit.errors import Conflict, FieldError, Forbidden, Invalid, NotFound


class AddressNotVerified(Forbidden):
    """Prove your address first; a subscription is linked to nobody unknown."""

    code = "address-not-verified"


class SubscribedAlready(Conflict):
    """This organization has a subscription already."""

    code = "subscribed-already"


class ClaimPending(Conflict):
    """This organization has claimed a subscription that is being looked for; withdraw that claim first."""

    code = "claim-pending"


class CodeTaken(Conflict):
    """This code has been claimed before."""

    code = "code-taken"


class ClaimNotFound(NotFound):
    """There is no such claim of this organization."""

    code = "claim-not-found"


class ClaimSettled(Conflict):
    """This claim has led to a subscription and can no longer be withdrawn."""

    code = "claim-settled"


class CodeMalformed(Invalid):
    """This is not the code of a purchase; it has 26 letters and digits."""

    code = "code-malformed"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("#/code", self.title())])
