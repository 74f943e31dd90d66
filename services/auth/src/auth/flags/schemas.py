from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from auth.flags.model import CountedBy, Flag, Rules
from contracts.names import PlanName
from kit.http.models import Line, Model, Out

FlagKey = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]{0,59}$")]


class SetFlag(Model):
    """What a flag is for, and for whom it is on: first who is named, then the share, else the default."""

    sentence: Line
    by_default: bool = False
    killed: bool = Field(False, description="Off for everybody, whatever else is said.")
    percentage: float = Field(0, ge=0, le=100, multiple_of=0.01, description="Raising it keeps whoever had it.")
    counted_by: CountedBy = Field("organization", description="Of what the percentage is a share.")
    organizations: set[UUID] = Field(default_factory=set, max_length=1000)
    plans: set[PlanName] = Field(default_factory=set, max_length=50)
    users: set[UUID] = Field(default_factory=set, max_length=1000)

    def rules(self) -> Rules:
        """As the model has them."""
        return Rules(
            by_default=self.by_default,
            killed=self.killed,
            percentage=self.percentage,
            counted_by=self.counted_by,
            organizations=frozenset(self.organizations),
            plans=frozenset(self.plans),
            users=frozenset(self.users),
        )


class CreateFlag(SetFlag):
    """A new flag."""

    key: FlagKey


class KillFlag(Model):
    """Switch a flag off for everybody, or let its rules hold again."""

    killed: bool


class FlagOut(Out):
    """A flag as staff reads it."""

    key: str
    sentence: str
    by_default: bool
    killed: bool
    percentage: float
    counted_by: CountedBy
    organizations: list[UUID]
    plans: list[str]
    users: list[UUID]
    version: int
    changed_by: UUID
    changed_at: datetime
    created_at: datetime

    @classmethod
    def of(cls, flag: Flag) -> Self:
        """With its rules, lists in order."""
        rules = flag.rules
        return cls(
            key=flag.key,
            sentence=flag.sentence,
            by_default=rules.by_default,
            killed=rules.killed,
            percentage=rules.percentage,
            counted_by=rules.counted_by,
            organizations=sorted(rules.organizations),
            plans=sorted(rules.plans),
            users=sorted(rules.users),
            version=flag.version,
            changed_by=flag.changed_by,
            changed_at=flag.changed_at,
            created_at=flag.created_at,
        )


class FlagsOut(Out):
    """What is on for the caller, by the key of the flag; who asks for a key that is missing takes it as off."""

    flags: dict[str, bool]
