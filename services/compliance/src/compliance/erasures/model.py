from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self
from uuid import UUID

from compliance.erasures.errors import ErasureBegunAlready
from compliance.persons.model import PersonKind
from kit.privacy.person import Person


class ErasureState(StrEnum):
    """Where an erasure is: in its grace, every service is asked, the keys are destroyed, all is done."""

    WAITING = "waiting"
    BEGUN = "begun"
    DESTROYING = "destroying"
    FINISHED = "finished"
    CANCELLED = "cancelled"


class Way(StrEnum):
    """What becomes of the rows: they go, or they stay for counting without anything that names the person."""

    ERASE = "erase"
    ANONYMISE = "anonymise"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for; without `grace` it is the platform's."""

    kind: PersonKind
    person_id: UUID
    way: Way
    grace: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What one service said."""

    service: str
    state: str = "asked"
    removed: Mapping[str, int] = field(default_factory=dict)
    anonymised: Mapping[str, int] = field(default_factory=dict)
    kept: Mapping[str, int] = field(default_factory=dict)
    because: Mapping[str, str] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    blocked_by: str = ""
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Erasure:
    """One request to forget a person."""

    id: UUID
    owner_id: UUID
    person: Person
    way: Way
    requested_by: UUID
    state: ErasureState
    begins_at: datetime
    version: int
    created_at: datetime
    begun_at: datetime | None = None
    finished_at: datetime | None = None
    answers: tuple[Answer, ...] = ()

    def cancelled(self) -> Self:
        """The request taken back; again changes nothing.

        Raises:
            ErasureBegunAlready: it is too late.
        """
        if self.state is ErasureState.CANCELLED:
            return self
        if self.state is not ErasureState.WAITING:
            raise ErasureBegunAlready
        return replace(self, state=ErasureState.CANCELLED, version=self.version + 1)

    def begun(self) -> Self:
        """Every service is asked now."""
        return replace(self, state=ErasureState.BEGUN, version=self.version + 1)

    def finished(self) -> Self:
        """The keys are gone."""
        return replace(self, state=ErasureState.FINISHED, version=self.version + 1)
