"""Who asks sees only their channels, whatever they ask: the transactions of their request begin with that.

Set by the doors (`inbox.doors`) for everybody but owners and admins, and read where a transaction begins
(`Database.narrowed`). From then on row-level security hides what is of other channels, so nothing that reads or
writes can forget it. Loops and handlers see all.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final
from uuid import UUID

from contracts.names import MANAGERS
from kit.http.caller import MemberCaller

SEE_ALL: Final = MANAGERS
"""The roles that see every channel."""

_LOOKING: Final[ContextVar[UUID | None]] = ContextVar("looking", default=None)


@contextmanager
def looking(caller: MemberCaller) -> Iterator[None]:
    """Until the block ends, transactions of this task see what the caller sees."""
    token = _LOOKING.set(None if caller.role in SEE_ALL else caller.user_id)
    try:
        yield
    finally:
        _LOOKING.reset(token)


def narrowed() -> bool:
    """Whether the caller may see less than all."""
    return _LOOKING.get() is not None


def statement() -> str:
    """What a transaction begins with; empty where it sees all."""
    user_id = _LOOKING.get()
    # Hexadecimal digits need no quoting.
    return (
        ""
        if user_id is None
        else f"SELECT set_config('app.hidden', channels_hidden_from('{user_id.hex}')::text, true)"
    )
