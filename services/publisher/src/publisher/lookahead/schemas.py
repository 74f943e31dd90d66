from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import Field

from kit.http.models import Out
from postrules.limits import Platform
from publisher.lookahead.model import Foreseen


class TroubleOut(Out):
    """Why a post will fail or wait, and what to do."""

    code: str = Field(description="A name for programs: of the rule, or of what stands in the way.")
    detail: str
    fix: str
    pointer: str | None = Field(description="Where it stands in the post, if it does.")


class ForeseenOut(Out):
    """A post that will fail or wait on one account."""

    post_id: UUID
    delivery_id: UUID
    account_id: UUID
    platform: Platform
    publish_at: datetime
    troubles: list[TroubleOut]

    @classmethod
    def of(cls, foreseen: Foreseen) -> Self:
        """As it shows today."""
        return cls.model_validate(foreseen)
