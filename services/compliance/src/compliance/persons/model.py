"""Whom a request is about, and who may make it."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from compliance.persons.errors import NoManager, NotYourself
from contracts.audit import AuditEntry
from contracts.permissions import allows
from kit.audit import Actor, audited
from kit.http.caller import Caller
from kit.privacy.person import Person


class PersonKind(StrEnum):
    """What a person is to us."""

    CONTACT = "contact"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Scope:
    """A person and whose request it is: the organization of a contact, or the user who asks about themselves."""

    person: Person
    owner_id: UUID

    @classmethod
    def of(cls, kind: PersonKind, person_id: UUID, caller: Caller) -> "Scope":
        """What the caller asks for.

        Raises:
            NotYourself: only one's own account can be asked about.
            NoManager: contacts are asked about by who runs the organization.
        """
        if kind is PersonKind.USER:
            if person_id != caller.user_id:
                raise NotYourself
            return cls(Person(kind, person_id), person_id)
        if caller.organization_id is None or not _manages(caller):
            raise NoManager
        return cls(Person(kind, person_id, caller.organization_id), caller.organization_id)


def line(
    action: str, actor: Actor, noun: str, request_id: UUID, person: Person, **details: str | int | bool
) -> AuditEntry:
    """A line of the audit trail about a request: in that of the organization, or the platform's for a user."""
    return audited(
        action,
        actor,
        noun,
        request_id,
        organization_id=person.organization_id,
        person_kind=person.kind,
        person_id=str(person.id),
        **details,
    )


def owners_of(caller: Caller) -> tuple[UUID, ...]:
    """Whose requests the caller sees: their own, and those of an organization that they run."""
    if caller.organization_id is not None and _manages(caller):
        return caller.organization_id, caller.user_id
    return (caller.user_id,)


def _manages(caller: Caller) -> bool:
    return allows("privacy.manage", caller.role, delegated=caller.agency_id is not None)
