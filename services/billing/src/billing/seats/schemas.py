from pydantic import Field

from kit.http.models import Out


class SeatsOut(Out):
    """Seats as they are paid for and taken."""

    allowed: int | None = Field(description="What the plan in force gives; null without limit.")
    billed: int = Field(description="Those that are bought beside the included ones, whether taken or not.")
    taken: int = Field(description="Members.")
    free: int | None = Field(description="How many members may still be added.")
    unused_billed: int = Field(description="How many could be given up without anybody losing theirs.")
