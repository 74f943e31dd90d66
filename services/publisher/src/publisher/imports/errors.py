from kit.errors import Invalid, NotFound


class ImportNotFound(NotFound):
    """There is no such import."""

    code = "import-not-found"


class FileNotAcceptable(Invalid):
    """The file cannot be imported as it is."""

    code = "file-not-acceptable"
