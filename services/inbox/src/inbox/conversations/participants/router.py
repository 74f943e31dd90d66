from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status
from pydantic import Field

from inbox.conversations.errors import ConversationNotFound, ParticipantNotAMember, TooManyParticipants
from inbox.conversations.participants.service import ParticipantService
from inbox.doors import Reader, Replier
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.models import Out
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/conversations/{conversation_id}/participants",
    tags=["conversations"],
    responses=problems(TokenRefused, NoOrganization, RoleMissing, ConversationNotFound),
)

Participants = Annotated[ParticipantService, Depends(part(ParticipantService))]


class ParticipantOut(Out):
    """Somebody who follows a conversation."""

    user_id: UUID
    since: datetime


class ParticipantsOut(Out):
    """Who follows a conversation; at most fifty."""

    items: list[ParticipantOut] = Field(description="Whoever began first comes first.")


@router.get("")
async def list_participants(conversation_id: UUID, caller: Reader, participants: Participants) -> ParticipantsOut:
    """Who follows a conversation without having it."""
    rows = await participants.of(caller, conversation_id)
    return ParticipantsOut(items=[ParticipantOut(user_id=row["user_id"], since=row["created_at"]) for row in rows])


@router.put("/{user_id}", responses=problems(ParticipantNotAMember, TooManyParticipants))
async def add_participant(
    conversation_id: UUID, user_id: UUID, caller: Replier, participants: Participants
) -> ParticipantsOut:
    """Let somebody follow it; doing it again changes nothing."""
    rows = await participants.add(caller, conversation_id, user_id)
    return ParticipantsOut(items=[ParticipantOut(user_id=row["user_id"], since=row["created_at"]) for row in rows])


@router.delete("/{user_id}", status_code=status.HTTP_204_NO_CONTENT)
async def remove_participant(
    conversation_id: UUID, user_id: UUID, caller: Replier, participants: Participants
) -> None:
    """Let somebody follow it no more; doing it again changes nothing."""
    await participants.remove(caller, conversation_id, user_id)
