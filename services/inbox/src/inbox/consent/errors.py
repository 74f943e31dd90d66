from kit.errors import Conflict, FieldError, Invalid


class ContactBlocked(Conflict):
    """This contact is blocked; nothing is sent to them."""

    code = "contact-blocked"


class ConsentInFuture(Invalid):
    """Consent cannot be given or withdrawn in the future."""

    code = "consent-in-future"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("#/at", "Give a time that is over, or leave it out.")])
