from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self
from uuid import UUID

from auth.onboarding.choices import STEPS
from auth.onboarding.errors import OnboardingOver, TemplateMissing


@dataclass(frozen=True, slots=True)
class Progress:
    """How far somebody has come; version 0 is that of somebody who has not begun."""

    id: UUID
    done: frozenset[str] = frozenset()
    skipped: frozenset[str] = frozenset()
    goals: tuple[str, ...] = ()
    template: str | None = None
    post_id: UUID | None = None
    completed_at: datetime | None = None
    version: int = 0

    @property
    def step(self) -> str | None:
        """Where to go on: the first step that is neither done nor skipped; after the last, nowhere."""
        if self.completed_at is not None:
            return None
        return next((step for step in STEPS if step not in self.done and step not in self.skipped), None)

    def state_of(self, step: str) -> str:
        """`done`, `skipped` or `open`."""
        if step in self.done or self.completed_at is not None:
            return "done"
        return "skipped" if step in self.skipped else "open"

    def moved(
        self,
        done: Collection[str] = (),
        skipped: Collection[str] = (),
        reopened: Collection[str] = (),
        goals: Sequence[str] | None = None,
        template: str | None = None,
    ) -> Self:
        """After some steps were done, skipped or taken up again; what is done counts before what is skipped.

        Raises:
            OnboardingOver: they are completed.
        """
        if self.completed_at is not None:
            raise OnboardingOver
        now_done = (self.done | set(done)) - set(reopened)
        return replace(
            self,
            done=now_done,
            skipped=(self.skipped | set(skipped)) - set(reopened) - now_done,
            goals=self.goals if goals is None else tuple(dict.fromkeys(goals)),
            template=template or self.template,
        )

    def check_completion(self) -> str:
        """The template from which the first post is written.

        Raises:
            TemplateMissing: none was chosen.
        """
        if self.template is None:
            raise TemplateMissing
        return self.template
