from uuid import UUID

from pydantic import Field

from kit.http.models import Model, Out


class PreviewText(Model):
    """Show what a text will say: in a conversation, or with samples where none is named."""

    text: str = Field(min_length=1, max_length=4096)
    conversation_id: UUID | None = None


class PreviewOut(Out):
    """What the text will say."""

    text: str
    missing: list[str] = Field(description="Variables of which nothing is known here, without anything instead.")


class VariableOut(Out):
    """A variable that texts may use."""

    name: str
    says: str
    sample: str


class VariablesOut(Out):
    """All variables of the organization."""

    items: list[VariableOut]
