from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, Field

from auth.onboarding.choices import GOALS, STEPS, TEMPLATES
from auth.onboarding.model import Progress
from auth.onboarding.service import Moves
from kit.http.models import Model, Out

Step = Literal["goals", "brand", "organization", "accounts", "team", "first_post"]
Goal = Literal["be_seen", "post_regularly", "answer_faster", "win_customers", "understand_numbers"]
Template = Literal["craft", "food", "advice", "shop", "health", "community"]
Steps = Annotated[list[Step], Field(max_length=6)]
Goals = Annotated[list[Goal], Field(max_length=5)]


class MoveOn(Model):
    """What was done, skipped, taken up again, or chosen; what is left out stays."""

    done: Steps = Field(default_factory=list)
    skip: Steps = Field(default_factory=list)
    reopen: Steps = Field(default_factory=list)
    goals: Goals | None = None
    template: Template | None = None

    def moves(self) -> Moves:
        """As a value."""
        return Moves(self.done, self.skip, self.reopen, self.goals, self.template)


class CompleteOnboarding(Model):
    """The last choices, where they were not made before."""

    goals: Goals | None = None
    template: Template | None = None

    def moves(self) -> Moves:
        """As a value."""
        return Moves(goals=self.goals, template=self.template)


class StepOut(Out):
    """One step."""

    name: str
    state: Literal["open", "done", "skipped"]


class OnboardingOut(Out):
    """How far one has come."""

    step: str | None = Field(description="Where to go on; null when nothing is open.")
    steps: list[StepOut]
    goals: list[str]
    template: str | None
    completed_at: AwareDatetime | None
    post_id: UUID | None = Field(description="The draft that completion makes; it may take a moment to be there.")
    version: int = Field(description="Also the ETag; 0 before the first step.")

    @classmethod
    def of(cls, progress: Progress) -> Self:
        """The progress as shown."""
        return cls.model_validate(
            {
                "step": progress.step,
                "steps": [{"name": step, "state": progress.state_of(step)} for step in STEPS],
                "goals": list(progress.goals),
                "template": progress.template,
                "completed_at": progress.completed_at,
                "post_id": progress.post_id,
                "version": progress.version,
            }
        )


class ChoiceOut(Out):
    """Something to do or to choose."""

    name: str
    says: str


class ChoicesOut(Out):
    """What there is to do and to choose: the same for everybody."""

    steps: list[ChoiceOut]
    goals: list[ChoiceOut]
    templates: list[ChoiceOut]

    @classmethod
    def all(cls) -> Self:
        """Everything."""
        kinds = {"steps": STEPS, "goals": GOALS, "templates": TEMPLATES}
        return cls.model_validate(
            {kind: [{"name": name, "says": says} for name, says in each.items()] for kind, each in kinds.items()}
        )
