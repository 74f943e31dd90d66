from kit.errors import FieldError, Gone, Invalid


class UnlockLinkForged(Invalid):
    """This is not a link of ours; open the newest mail and follow its link."""

    code = "unlock-link-malformed"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("#/token", self.title())])


class UnlockLinkUsed(Gone):
    """This link was used, or is needed no more; sign in."""

    code = "unlock-link-used"
