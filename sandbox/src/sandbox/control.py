"""The control API: what shall go wrong, and what was received."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Body, Depends, HTTPException, Request
from pydantic import BaseModel, Field

from sandbox.faults import Door, RuleOut, misplaced
from sandbox.member import Member
from sandbox.paging import Cursor, Limit, PageOut, page_out
from sandbox.problems import Invalid
from sandbox.received import CallOut
from sandbox.rules import AnyRule
from sandbox.webhooks import Attempt

MOST_AHEAD: Final = 10 * 366 * 86_400.0

router = APIRouter(prefix="/control", tags=["control"])


async def _members(request: Request) -> Sequence[Member]:
    members: Sequence[Member] = request.app.state.members
    return members


Members = Annotated[Sequence[Member], Depends(_members)]


async def _named(member: str, members: Members) -> Member:
    for one in members:
        if one.name == member:
            return one
    raise HTTPException(404, "There is no such member.")


Named = Annotated[Member, Depends(_named)]
Rules = Annotated[list[AnyRule], Body(max_length=100)]


class MemberOut(BaseModel):
    """A member as the control API lists it."""

    name: str
    about: str
    door: Door
    doors: list[str]
    servers: list[str]
    sends_webhooks: bool


class MembersOut(BaseModel):
    """All members."""

    items: list[MemberOut]


class ClockIn(BaseModel):
    """How far the world is ahead of the time."""

    ahead_seconds: float = Field(ge=-MOST_AHEAD, le=MOST_AHEAD)


class FaultsOut(BaseModel):
    """A member's rules in their order, with how often each has struck."""

    items: list[RuleOut]


@router.get("")
async def list_members(members: Members) -> MembersOut:
    """All members, where they are met and what they do."""
    return MembersOut(
        items=[
            MemberOut(
                name=member.name,
                about=member.about,
                door=member.door,
                doors=list(member.doors),
                servers=[server.address for server in member.servers],
                sends_webhooks=member.webhooks is not None,
            )
            for member in members
        ]
    )


@router.post("/reset", status_code=204)
async def reset_all(members: Members) -> None:
    """Every member as it was at the start."""
    for member in members:
        _reset(member)


@router.post("/{member}/reset", status_code=204)
async def reset_member(member: Named) -> None:
    """One member as it was at the start."""
    _reset(member)


@router.put("/clock", status_code=204)
async def set_clock(members: Members, clock: ClockIn) -> None:
    """Let all members date the signatures of their webhooks as if it were later; no reset takes that back."""
    for member in members:
        if member.webhooks is not None:
            member.webhooks.ahead = timedelta(seconds=clock.ahead_seconds)


@router.get("/{member}/received")
async def list_received(member: Named, limit: Limit = 50, cursor: Cursor = None) -> PageOut[CallOut]:
    """What came to the member's door, newest first."""
    return page_out(member.received.calls.page(limit=limit, cursor=cursor), CallOut.of)


@router.get("/{member}/webhooks")
async def list_webhooks(member: Named, limit: Limit = 50, cursor: Cursor = None) -> PageOut[Attempt]:
    """Every attempt of the member to deliver a webhook, newest first."""
    if member.webhooks is None:
        raise HTTPException(404, "This member sends no webhooks.")
    return page_out(member.webhooks.attempts.page(limit=limit, cursor=cursor), lambda attempt: attempt)


@router.get("/{member}/faults")
async def list_faults(member: Named) -> FaultsOut:
    """What shall go wrong, and how often it has."""
    return _faults(member)


@router.put("/{member}/faults")
async def replace_faults(member: Named, rules: Rules) -> FaultsOut:
    """Put these rules in place of all others."""
    _refuse_misplaced(member, rules)
    member.faults.replace(rules)
    return _faults(member)


@router.delete("/{member}/faults", status_code=204)
async def remove_faults(member: Named) -> None:
    """From now on all goes well."""
    member.faults.clear()


def _faults(member: Member) -> FaultsOut:
    live = member.faults.live
    return FaultsOut(items=[RuleOut(rule=one.rule, struck=one.struck, remaining=one.remaining) for one in live])


def _reset(member: Member) -> None:
    member.faults.clear()
    member.received.clear()
    if member.webhooks is not None:
        member.webhooks.reset()
    member.reset()


def _refuse_misplaced(member: Member, rules: list[AnyRule]) -> None:
    sends = member.webhooks is not None
    found = [(i, misplaced(rule, door=member.door, sends_webhooks=sends)) for i, rule in enumerate(rules)]
    errors = [(f"/{i}/{part}", f"has no meaning for {member.name}") for i, part in found if part]
    if errors:
        raise Invalid(errors)
