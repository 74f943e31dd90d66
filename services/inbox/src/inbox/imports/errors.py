from kit.errors import Conflict, FieldError, Invalid, NotFound


class ImportNotFound(NotFound):
    """There is no such import in this organization."""

    code = "import-not-found"


class UploadElsewhere(Conflict):
    """The upload stands at another offset; ask where, and go on from there."""

    code = "upload-offset-mismatch"


class UploadTooLarge(Invalid):
    """More bytes came than the file was said to have."""

    code = "upload-too-large"


class NotUploaded(Conflict):
    """The file is not there as a whole yet."""

    code = "import-not-uploaded"


class ImportBegun(Conflict):
    """This import has begun before, or was given up."""

    code = "import-begun"


class NothingToUndo(Conflict):
    """This import has not ended, or was undone before."""

    code = "nothing-to-undo"


class TooLateToUndo(Conflict):
    """An import can be undone for thirty days; what was there before it is kept no longer."""

    code = "too-late-to-undo"


class MappingRefused(Invalid):
    """The columns cannot be taken like this."""

    code = "import-mapping-refused"

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(errors=[FieldError(pointer, detail)])


class FileRefused(Invalid):
    """This file cannot be read."""

    code = "import-file-refused"

    def __init__(self, why: str, row: int | None = None) -> None:
        where = "" if row is None else f" Row {row}."
        super().__init__(f"{REFUSALS[why]}{where}", reason=why, row=row)
        self.why, self.row = why, row


REFUSALS = {
    "empty": "The file has no rows.",
    "no-table": "The file is packed, or of another program; save it as CSV, TSV or XLSX.",
    "ends-in-a-row": "The file ends within a row: a quotation mark is not closed, or the end of the file is missing.",
    "nul-bytes": "There are NUL bytes in the file: it is not text, or in an encoding nobody knows.",
    "line-too-long": "A line is longer than a mebibyte.",
    "field-too-long": "A field is longer than 128 KiB; perhaps a quotation mark is not closed.",
    "too-many-columns": "The file has more than 200 columns.",
    "too-many-rows": "The file has more than 5,000,000 rows.",
    "not-a-workbook": "The workbook cannot be read.",
    "workbook-too-large": "The workbook unpacks to more than it may.",
    "not-readable": "The file cannot be read in the encoding it begins with.",
}
"""Why a file is refused as a whole, by code."""
