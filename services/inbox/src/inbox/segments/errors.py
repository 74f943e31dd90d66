from collections.abc import Sequence

from kit.errors import Conflict, FieldError, Invalid


class QueryRefused(Invalid):
    """A segment cannot be asked like this."""

    code = "segment-query-refused"

    def __init__(self, breaches: Sequence[tuple[str, str]]) -> None:
        super().__init__(errors=[FieldError(pointer, detail) for pointer, detail in breaches])


class SegmentOutdated(Conflict):
    """The segment asks for an attribute or label that is gone; change it first."""

    code = "segment-outdated"
