from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field

from inbox.conversations.counts.model import Counts, Numbers
from inbox.conversations.counts.service import CountService
from inbox.doors import Reader
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.models import Out
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/conversation-counts",
    tags=["conversations"],
    responses=problems(TokenRefused, NoOrganization, RoleMissing),
)


class NumbersOut(Out):
    """How many conversations there are in each state."""

    open: int
    pending: int
    snoozed: int
    unread: int = Field(description="Open ones with a message that nobody has read.")


class OfOneOut(NumbersOut):
    """The numbers of one assignee, team or channel."""

    id: UUID


class CountsOut(Out):
    """What the views of an inbox show as numbers; resolved conversations are not counted."""

    all: NumbersOut
    mine: NumbersOut
    unassigned: NumbersOut
    assignees: list[OfOneOut] = Field(description="Users who have any.")
    teams: list[OfOneOut] = Field(description="Teams that have any.")
    channels: list[OfOneOut] = Field(description="Channels that have any.")


@router.get("")
async def read_counts(caller: Reader, counts: Annotated[CountService, Depends(part(CountService))]) -> CountsOut:
    """How many conversations there are: all, the caller's, nobody's, and of each assignee, team and channel."""
    return _out(await counts.read(caller), caller.user_id)


def _out(found: Counts, user_id: UUID) -> CountsOut:
    return CountsOut(
        all=NumbersOut.model_validate(found.all),
        mine=NumbersOut.model_validate(found.assignees.get(user_id, Numbers())),
        unassigned=NumbersOut.model_validate(found.unassigned),
        assignees=_each(found.assignees),
        teams=_each(found.teams),
        channels=_each(found.channels),
    )


def _each(groups: Mapping[UUID, Numbers]) -> list[OfOneOut]:
    return [
        OfOneOut(id=key, open=each.open, pending=each.pending, snoozed=each.snoozed, unread=each.unread)
        for key, each in sorted(groups.items())
    ]
