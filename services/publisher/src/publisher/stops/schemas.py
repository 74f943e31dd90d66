from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from kit.http.models import Model, Out


class StopPublishing(Model):
    """What is stopped, and why."""

    account_id: UUID | None = Field(
        None, description="One account; all of them, also later ones, where it is missing."
    )
    reason: str = Field(min_length=1, max_length=300, examples=["A wrong price was announced."])


class ResumePublishing(Model):
    """What is done with posts that came due while nothing left."""

    overdue: Literal["spread", "cancel"] = Field(
        "spread", description="They leave one after the other for each account, beginning now; or they are cancelled."
    )
    minutes_apart: int = Field(10, ge=1, le=1440, description="How far apart they leave.")


class StopOut(Out):
    """A stop, and what became of it."""

    id: UUID
    account_id: UUID | None = Field(description="Null where all accounts are stopped.")
    reason: str
    stopped_by: UUID | None = Field(description="Null once they were forgotten.")
    stopped_at: datetime
    lifted_by: UUID | None
    lifted_at: datetime | None = Field(description="Null while nothing leaves.")
    overdue: Literal["spread", "cancel"] | None
    minutes_apart: int | None
    affected: int = Field(description="How many posts had come due, each account counted.")
    version: int
