from kit.errors import Conflict, Gone, Invalid, NotFound


class ExportNotReady(Conflict):
    """The archive is not ready yet; ask again in a moment."""

    code = "export-not-ready"


class ExportExpired(Gone):
    """The archive has expired and was deleted; ask for a new export."""

    code = "export-expired"


class PersonBeingErased(Conflict):
    """This person is being erased; there is nothing to hand over any more."""

    code = "person-being-erased"


class PieceNotWanted(Conflict):
    """Nobody waits for this piece."""

    code = "piece-not-wanted"


class ExportNotFound(NotFound):
    """There is no such export."""

    code = "export-not-found"


class PieceRefused(Invalid):
    """The piece is no sealed content."""

    code = "piece-refused"
