from uuid import UUID

from pydantic import Field

from generation.drafts.service import Chosen
from generation.generations.model import Language
from kit.http.models import Model, Out


class HandOver(Model):
    """Which texts of a generation become a draft: one language and variation, for each platform its own."""

    language: Language | None = Field(None, description="The first that was asked for unless it is named.")
    variation: int = Field(1, ge=1, le=5)
    account_ids: list[UUID] = Field(
        default_factory=list,
        max_length=50,
        description="Connected accounts; each gets the text of its platform. They can be chosen later, too.",
    )

    def chosen(self) -> Chosen:
        """As the use-case takes it."""
        return Chosen(self.language, self.variation, tuple(dict.fromkeys(self.account_ids)))


class DraftOut(Out):
    """What the draft will be called."""

    post_id: UUID
