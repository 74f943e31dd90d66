from datetime import datetime
from typing import Literal

from pydantic import Field

from kit.http.models import Out


class DeletionOut(Out):
    """How far a deletion is that somebody asked for at a platform."""

    status: Literal["under way", "done"]
    asked_at: datetime
    done_at: datetime | None
    accounts: int = Field(description="How many connected accounts were forgotten with what opened them.")
