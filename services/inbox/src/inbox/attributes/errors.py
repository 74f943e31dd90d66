from kit.errors import Conflict, FieldError, Invalid, NotFound


class AttributeNotFound(NotFound):
    """There is no such attribute in this organization."""

    code = "attribute-not-found"


class AttributeTaken(Conflict):
    """There is an attribute of this key."""

    code = "attribute-taken"


class TooManyAttributes(Conflict):
    """The organization has as many attributes as it can have; delete one first."""

    code = "too-many-attributes"


class ChoicesMissing(Invalid):
    """`list` and `several` have choices, and nothing else has."""

    code = "choices-missing"

    def __init__(self) -> None:
        super().__init__(
            errors=[FieldError("#/choices", "Name 1 to 100 different choices for types `list` and `several` alone.")]
        )


class AttributeNotSought(Invalid):
    """Conversations are not listed by this attribute in this way."""

    code = "attribute-not-sought"

    def __init__(self, key: str) -> None:
        detail = (
            f"Nothing is listed so by {key[:64]!r}: name one of conversations that is not personal, with `is`,"
            " or `from` and `to` of numbers and days."
        )
        super().__init__(errors=[FieldError("attribute", detail)])


class ValueRefused(Invalid):
    """A value does not suit its attribute."""

    code = "value-refused"

    def __init__(self, key: str, detail: str) -> None:
        super().__init__(errors=[FieldError(f"#/values/{key}", detail)])
