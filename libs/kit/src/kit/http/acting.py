"""Staff in a person's place (RFC 8693, `act`): every request is put on record before it is answered, or refused."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from kit.audit import Staff, audited
from kit.db.database import Database
from kit.errors import Forbidden
from kit.http.caller import Caller

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_LONGEST: Final = 80


class NotWhileImpersonating(Forbidden):
    """This cannot be done, or seen, while acting for somebody else."""

    code = "not-while-impersonating"


@dataclass(frozen=True, slots=True)
class Acting:
    """How staff may act in a person's place in a service.

    `line` is the action under which each request is put on record. Without `changes` only reads are let in:
    credentials, money and what is kept of people are changed by those people alone.
    """

    line: str
    changes: bool = True


Admission = Callable[[Caller, str, str], Awaitable[None]]
"""Lets a request of somebody in a person's place in, by method and template of its route, or refuses it."""


async def nobody(_caller: Caller, _method: str, _route: str) -> None:
    """Where nothing can be put on record, nobody acts for somebody else."""
    raise NotWhileImpersonating


def recorded(acting: Acting, database: Database) -> Admission:
    """Lets in what has its line in the audit trail: the line is committed first, or the request fails."""

    async def admit(caller: Caller, method: str, route: str) -> None:
        refused = method not in _SAFE and not acting.changes
        bound = () if caller.organization_id is None else (caller.organization_id,)
        async with database.transaction(*bound) as tx:
            await tx.emit(
                audited(
                    acting.line,
                    Staff(caller.actor_id),
                    "user",
                    caller.user_id,
                    impersonation=str(caller.session_id),
                    method=method,
                    route=_plain(route),
                    refused=refused,
                )
            )
        if refused:
            raise NotWhileImpersonating

    return admit


def _plain(route: str) -> str:
    """The template in signs that a detail of a line may have: `/v1/posts/:post_id`."""
    return route.replace("{", ":").replace("}", "")[:_LONGEST]
