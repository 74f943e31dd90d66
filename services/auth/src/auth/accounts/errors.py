from kit.errors import FieldError, Forbidden, Gone, Invalid


class LinkMalformed(Invalid):
    """This is not a link of ours; open the newest mail and follow its link."""

    code = "link-malformed"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("#/token", self.title())])


class LinkExpired(Gone):
    """This link has expired; ask for a new mail."""

    code = "link-expired"


class LinkUsed(Gone):
    """This address is verified already; sign in."""

    code = "link-used"


class LinkOfAnother(Forbidden):
    """This link belongs to a sign-up with another password; use the link of yours, or sign up again."""

    code = "link-of-another"
