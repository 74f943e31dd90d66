from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from inbox.consent.model import Purpose
from inbox.consent.schemas import ChannelKind
from inbox.imports.errors import REFUSALS
from inbox.imports.model import FAULTS, LARGEST, Fault, Import, Mode, Options, Taken, Wishes
from inbox.imports.reading import MOST_COLUMNS
from kit.http.models import Line, Model, Out


class BeginImport(Model):
    """Say how large the file is; its bytes are sent next, piece by piece."""

    size: int = Field(gt=0, le=LARGEST, description="Bytes of the whole file: CSV, TSV or XLSX.")


class Column(Model):
    """What a column is."""

    column: int = Field(ge=0, lt=MOST_COLUMNS, description="From 0.")
    to: Annotated[str, StringConstraints(pattern=r"^(name|phone|email|attribute:[a-z][a-z0-9_]{0,63})$")]


class ImportConsent(Model):
    """That everybody in the file has consented; you answer for it."""

    channel_kinds: list[ChannelKind] = Field(min_length=1, max_length=6)
    purposes: list[Purpose] = Field(min_length=1, max_length=3)
    policy_version: Line


class TakeFile(Model):
    """How the file is to be taken."""

    columns: list[Column] = Field(min_length=1, max_length=MOST_COLUMNS)
    mode: Mode = Field("skip", description="What becomes of who is there: `skip`, `overwrite`, or `fill` gaps.")
    region: Annotated[str, StringConstraints(pattern=r"^([A-Z]{2})?$")] = Field(
        "", description="The country of numbers without a country's code, in two letters."
    )
    heading: bool = Field(True, description="Whether the first row names the columns.")
    whatsapp: bool = Field(True, description="Whether numbers are also known to be WhatsApp's.")
    consent: ImportConsent | None = None

    def options(self) -> Options:
        """As the import keeps it."""
        consent = self.consent
        return Options(
            [Taken(each.column, each.to) for each in self.columns],
            self.mode,
            self.region,
            self.heading,
            self.whatsapp,
            None
            if consent is None
            else Wishes(list(consent.channel_kinds), list(consent.purposes), consent.policy_version),
        )


class FaultOut(Out):
    """Why a row, or one field of it, is not imported; what stands there is not told."""

    row: int = Field(description="The number of the row in the file, from 1, a heading counted.")
    field: str = Field(description="`name`, `phone`, `email` or the key of an attribute; empty for the whole row.")
    code: str
    reason: str

    @classmethod
    def of(cls, fault: Fault) -> Self:
        """As shown."""
        return cls(row=fault.row, field=fault.field, code=fault.code, reason=FAULTS[fault.code])


class InspectionOut(Out):
    """As what a file is read, and what its columns may be."""

    form: Literal["csv", "xlsx"]
    encoding: str
    delimiter: str
    heading: bool = Field(description="Whether the first row seems to name the columns.")
    columns: list[str] = Field(description="What each column may be; empty where nothing is known.")
    sample: list[list[str]] = Field(description="The first rows.")


class DryRunOut(Out):
    """What an import would come to, from its first rows; nothing is written."""

    rows: int = Field(description="How many rows were looked at, 10,000 at most.")
    good: int
    faulty: int
    faults: list[FaultOut] = Field(description="The first 100 faults.")


class ImportOut(Out):
    """An import: how far it is, and what became of its rows."""

    id: UUID
    state: str = Field(
        description="`uploading`, `uploaded`, `running`, `finished`, `cancelled`, `refused`, `undoing`, `undone`."
    )
    size: int
    received: int
    refusal: str = Field(description="Why the file was refused as a whole, by code; nothing of it was imported.")
    refusal_reason: str
    refused_row: int | None
    rows: int = Field(description="Rows of the file, once it is known.")
    made: int
    changed: int
    unchanged: int
    faulty: int
    undone: int = Field(description="Contacts that undoing took away or gave back their name.")
    kept: int = Field(description="Contacts that were in use, or changed, and stayed as they are.")
    job_id: UUID | None = Field(description="Its progress, rate and ETA: `GET /v1/contact-jobs/{id}`.")
    undo_job_id: UUID | None
    created_at: datetime
    version: int

    @classmethod
    def of(cls, told: Import) -> Self:
        """As shown."""
        values = {name: getattr(told, name) for name in cls.model_fields if name != "refusal_reason"}
        return cls(**values, refusal_reason=REFUSALS.get(told.refusal, ""))
