from kit.errors import Conflict, FieldError, Gone, Invalid, NotFound


class ExportNotFound(NotFound):
    """There is no such export in this organization."""

    code = "export-not-found"


class ExportNotReady(Conflict):
    """The file is not written to its end; see how far its job is, and try again what failed."""

    code = "export-not-ready"


class ExportExpired(Gone):
    """The file is gone; files are kept for a day."""

    code = "export-expired"


class OneSelection(Invalid):
    """Contacts are chosen by a segment or by a query, not by both."""

    code = "one-selection"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("#/query", "Leave out segment_id, or query.")])
