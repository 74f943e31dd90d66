from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, TypeAdapter

from inbox.arrangement.model import Arranged
from inbox.conversations.model import ConversationState, PriorityName
from inbox.messages.schemas import Template
from kit.http.models import Line, Model, Out

Text = Annotated[str, Field(min_length=1, max_length=4096, description="May hold variables.")]


class Reply(Model):
    """Write to the contact."""

    do: Literal["reply"] = "reply"
    text: Text


class ReplyTemplate(Model):
    """Send an approved template; texts among its parameters may hold variables."""

    do: Literal["template"] = "template"
    template: Template


class Note(Model):
    """Write a note to the team."""

    do: Literal["note"] = "note"
    text: Text


class Label(Model):
    """Put labels on, and take others off."""

    do: Literal["label"] = "label"
    add: list[UUID] = Field(default_factory=list, max_length=30)
    remove: list[UUID] = Field(default_factory=list, max_length=30)


class Assign(Model):
    """Give it to somebody; null gives it back to everybody."""

    do: Literal["assign"] = "assign"
    assignee_id: UUID | None
    to_me: bool = Field(False, description="To whoever runs the macro instead.")


class GiveToTeam(Model):
    """Give it to a team; null to none."""

    do: Literal["team"] = "team"
    team_id: UUID | None


class SetPriority(Model):
    """Say how urgent it is."""

    do: Literal["priority"] = "priority"
    priority: PriorityName


class SetState(Model):
    """Open it, resolve it, or leave it pending."""

    do: Literal["state"] = "state"
    state: Literal[ConversationState.OPEN, ConversationState.PENDING, ConversationState.RESOLVED]


class Snooze(Model):
    """Let it rest for a while."""

    do: Literal["snooze"] = "snooze"
    seconds: int = Field(ge=60, le=90 * 86400)


Action = Annotated[
    Reply | ReplyTemplate | Note | Label | Assign | GiveToTeam | SetPriority | SetState | Snooze,
    Field(discriminator="do"),
]
ACTIONS: TypeAdapter[list[Action]] = TypeAdapter(list[Action])
OnFailure = Literal["undo", "stop", "continue"]


class ChangeMacro(Model):
    """Let a macro do something else."""

    name: Line
    actions: list[Action] = Field(min_length=1, max_length=20, description="In this order.")
    on_failure: OnFailure = Field(
        "undo",
        description="When an action is refused: `undo` lets nothing have happened, `stop` leaves what was done and "
        "does no more, `continue` goes on with the next.",
    )


class MakeMacro(ChangeMacro):
    """Make a macro, for all or for yourself."""

    shared: bool = False


class RunMacro(Model):
    """Run a macro in a conversation. The same id sent again does nothing more, and is answered the same."""

    id: UUID
    conversation_id: UUID


class RunOnMany(Model):
    """Run a macro in many conversations. The same id sent again begins nothing more."""

    id: UUID
    conversation_ids: list[UUID] = Field(min_length=1, max_length=5000)


class MacroOut(Out):
    """Several actions under one name."""

    id: UUID
    name: str
    actions: list[dict[str, Any]]
    on_failure: str
    shared: bool
    created_at: datetime
    version: int = Field(description="Rises with every change; also the ETag.")

    @classmethod
    def of(cls, found: Arranged) -> Self:
        """The macro as shown."""
        return cls(
            id=found.id,
            name=found.document["name"],
            actions=found.document["actions"],
            on_failure=found.document["on_failure"],
            shared=found.shared,
            created_at=found.created_at,
            version=found.version,
        )


class ResultOut(Out):
    """What became of one action."""

    do: str
    outcome: Literal["done", "failed", "skipped", "undone"]
    code: str = Field(description="Of the problem, when it failed.")
    detail: str = Field(description="The same in words.")


class MacroRunOut(Out):
    """What became of a macro in a conversation, action by action."""

    id: UUID
    macro_id: UUID
    conversation_id: UUID
    results: list[ResultOut]
    created_at: datetime
