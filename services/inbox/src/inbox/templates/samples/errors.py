from kit.errors import FieldError, Invalid, NotFound


class SampleNotFound(NotFound):
    """There is no such sample in this organization."""

    code = "template-sample-not-found"


class SampleNotShowable(Invalid):
    """WhatsApp takes JPEG, PNG, MP4 and PDF as samples, of 16 MiB at most."""

    code = "template-sample-not-showable"

    def __init__(self, why: str) -> None:
        super().__init__(errors=[FieldError("#", why)])
