"""How a use-case audits: one line, in its transaction.

    await tx.emit(MemberRemoved(...), audited("auth.member.removed", caller, "member", member.id, role=member.role))

The line leaves with the commit or not at all, like any fact, and compliance puts it into the audit trail.
"""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import ClassVar, Final, TypeAlias
from uuid import UUID

from contracts.audit import ACTIONS, AuditEntry
from kit.http.caller import Caller
from kit.http.staff import StaffCaller
from kit.telemetry.logging import request_id


@dataclass(frozen=True, slots=True)
class User:
    """A person, where no verified caller stands for them: who signs in, or follows a link."""

    id: UUID | None = None
    kind: ClassVar[str] = "user"


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who runs the platform."""

    id: UUID | None = None
    kind: ClassVar[str] = "operator"


@dataclass(frozen=True, slots=True)
class Staff:
    """A member of the platform's staff, where no verified caller stands for them."""

    id: UUID | None = None
    kind: ClassVar[str] = "staff"


@dataclass(frozen=True, slots=True)
class Provider:
    """A platform or payment provider that told us something."""

    id: UUID | None = None
    kind: ClassVar[str] = "provider"


@dataclass(frozen=True, slots=True)
class System:
    """The platform itself."""

    id: UUID | None = None
    kind: ClassVar[str] = "system"


SYSTEM: Final = System()

Actor: TypeAlias = Caller | StaffCaller | User | Operator | Staff | Provider | System


class UnknownAction(LookupError):
    """No such action stands in contracts.audit: a mistake of whoever wrote the line."""


def audited(
    action: str,
    actor: Actor,
    target_kind: str,
    target_id: UUID | str,
    /,
    *,
    organization_id: UUID | None = None,
    **details: str | int | bool,
) -> AuditEntry:
    """A line of the audit trail, to be emitted in the transaction that does what it tells of.

    It belongs to the organization the transaction is bound to, unless another is named. `details` are words, ids,
    states, counts: texts and addresses are refused. Who acts in a person's place is the actor, and the person stands
    in the details, as does the agency that sent somebody (`via`).

    Raises:
        UnknownAction: the action is not one of `contracts.audit.ACTIONS`.
        pydantic.ValidationError: a detail or id holds what may not stand in the trail.
    """
    if action not in ACTIONS:
        raise UnknownAction(action)
    if isinstance(actor, Caller) and actor.agency_id is not None:
        details = {**details, "via": str(actor.agency_id)}
    if isinstance(actor, Caller) and actor.actor_id is not None:
        details = {**details, "on_behalf_of": str(actor.user_id)}
        actor = Staff(actor.actor_id)
    return _class_of(action.partition(".")[0])(
        organization_id=organization_id,
        action=action,
        actor_kind=actor.kind,
        actor_id=actor.user_id if isinstance(actor, Caller) else actor.id,
        target_kind=target_kind,
        target_id=str(target_id),
        details=details,
        request_id=request_id.get() or None,
    )


@cache
def _class_of(service: str) -> type[AuditEntry]:
    """The event in which a service says its lines, by the name of its module of contracts."""
    recorded: type[AuditEntry] = getattr(import_module(f"contracts.{service}"), f"{service.title()}AuditRecorded")
    return recorded
