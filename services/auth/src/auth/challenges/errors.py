from kit.errors import FieldError, Gone, Invalid, TooManyRequests


class LinkMalformed(Invalid):
    """This is not a link of ours; open the newest mail and follow its link."""

    code = "link-malformed"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("#/token", self.title())])


class LinkExpired(Gone):
    """This link has expired or was used; ask for a new mail."""

    code = "link-expired"


class TextCodeWrong(Invalid):
    """The code is wrong; look at the newest text message."""

    code = "text-code-wrong"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("#/code", self.title())])


class TextCodeOver(Gone):
    """This code has expired, was used, or was tried too often; ask for a new one."""

    code = "text-code-over"


class TooManyTexts(TooManyRequests):
    """Too many text messages were asked for; wait a little."""

    code = "too-many-texts"
