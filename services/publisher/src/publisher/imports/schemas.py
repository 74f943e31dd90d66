from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field

from kit.http.models import Model, Out
from kit.jobs.model import Job
from publisher.imports.model import MOST_CHARACTERS, Fault, Import
from publisher.imports.service import MOST_TOLD, Checked

Table = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MOST_CHARACTERS,
        description="CSV with a header: text, accounts; publish_at, zone, kind, title, link, first_comment, "
        "media and cover (ids of the library).",
        examples=[
            "text,accounts,publish_at\r\nGood morning,0190a5c0-6a64-7a53-9c1e-7fd5b1a6a1c4,2026-12-24 09:00\r\n"
        ],
    ),
]


class CheckFile(Model):
    """A file that might be imported."""

    csv: Table
    zone: str = Field("UTC", max_length=64, description="Of times without one.", examples=["Europe/Berlin"])


class ImportFile(CheckFile):
    """A file of posts."""

    name: str = Field("", max_length=200)
    partial: bool = Field(False, description="Import the rows that are well, though others are not.")


class FaultOut(Out):
    """What is wrong with a cell, and how to mend it."""

    line: int
    column: str = Field(description="Empty where it is the whole row, or the file.")
    rule: str
    detail: str
    fix: str

    @classmethod
    def of(cls, fault: Fault) -> Self:
        """As it was found."""
        return cls.model_validate(fault)


class CheckedOut(Out):
    """What importing the file would come to, as far as it shows before."""

    rows: int
    acceptable: int
    faults: list[FaultOut] = Field(description=f"At most {MOST_TOLD}, by line.")

    @classmethod
    def of(cls, checked: Checked) -> Self:
        """As it was found."""
        acceptable = 0 if checked.broken else len({each.number for each in checked.rows} - checked.bad)
        faults = [FaultOut.of(each) for each in checked.faults[:MOST_TOLD]]
        return cls(rows=len(checked.rows), acceptable=acceptable, faults=faults)


class ImportOut(Out):
    """An import, and how far it is."""

    id: UUID
    name: str
    zone: str
    state: str = Field(description="queued, finding, working, reviving, finished, cancelled or failed.")
    total: int
    done: int
    failed: int
    left: int
    eta: datetime | None
    created_by: UUID | None = Field(description="Null once they were forgotten.")
    created_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, found: tuple[Import, Job]) -> Self:
        """As it is now."""
        made, job = found
        return cls(
            id=made.id,
            name=made.name,
            zone=made.zone,
            state=job.state.value,
            total=made.total,
            done=job.done,
            failed=job.failed,
            left=max(0, made.total - job.done - job.failed - job.skipped),
            eta=job.eta,
            created_by=made.created_by,
            created_at=made.created_at,
            ended_at=job.ended_at,
        )
