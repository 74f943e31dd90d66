from kit.errors import Forbidden, Gone


class LinkUsed(Gone):
    """This address is verified already; sign in."""

    code = "link-used"


class LinkOfAnother(Forbidden):
    """This link belongs to a sign-up with another password; use the link of yours, or sign up again."""

    code = "link-of-another"
