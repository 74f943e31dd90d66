from kit.errors import Conflict, Gone, Invalid, NotFound


class StaffExportNotFound(NotFound):
    """There is no such export, or somebody else asked for it."""

    code = "export-not-found"


class StaffExportNotReady(Conflict):
    """The export is not ready yet, or has failed."""

    code = "export-not-ready"


class StaffExportExpired(Gone):
    """The export was deleted because its time was over."""

    code = "export-expired"


class StaffExportTooLarge(Invalid):
    """The export would have too many rows; choose fewer."""

    code = "export-too-large"
