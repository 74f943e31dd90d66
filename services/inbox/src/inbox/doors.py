"""Who may enter which door of the inbox; whoever has entered sees what is on their channels."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends

from inbox.channels.viewing.narrowing import looking
from kit.http.caller import Door, MemberCaller, Permitted, organization_caller
from kit.http.caller import permitted as permitted_seeing_all


@dataclass(frozen=True, slots=True)
class Seeing:
    """Lets in whom their role permits it; what they ask then shows them their channels alone."""

    let_in: Permitted

    @property
    def door(self) -> Door:
        """What this declares."""
        return self.let_in.door

    async def __call__(
        self, caller: Annotated[MemberCaller, Depends(organization_caller)]
    ) -> AsyncIterator[MemberCaller]:
        """The caller, if their role allows it."""
        with looking(await self.let_in(caller)):
            yield caller


def permitted(permission: str) -> Seeing:
    """A dependency for what a role allows, on the channels that the caller sees."""
    return Seeing(permitted_seeing_all(permission))


Reader = Annotated[MemberCaller, Depends(permitted("conversations.read"))]
"""Those who read conversations, and whatever is in them."""

Replier = Annotated[MemberCaller, Depends(permitted("conversations.reply"))]
"""Those who answer."""

TemplateManager = Annotated[MemberCaller, Depends(permitted("templates.manage"))]
"""Those who write templates and have them reviewed."""

AssignmentManager = Annotated[MemberCaller, Depends(permitted("assignment.manage"))]
"""Those who say to whom conversations are given."""

ChannelReader = Annotated[MemberCaller, Depends(permitted("channels.read"))]
"""Those who see which channels there are."""

ChannelManager = Annotated[MemberCaller, Depends(permitted("channels.manage"))]
"""Those who connect channels."""

Arranger = Annotated[MemberCaller, Depends(permitted("arrangement.manage"))]
"""Those who say with which labels, attributes, replies, macros and filters everybody works."""

BroadcastReader = Annotated[MemberCaller, Depends(permitted("broadcasts.read"))]
"""Those who see broadcasts and what became of them."""

BroadcastManager = Annotated[MemberCaller, Depends(permitted("broadcasts.manage"))]
"""Those who write to many at once."""


Joiner = Annotated[MemberCaller, Depends(permitted_seeing_all("conversations.reply"))]
"""Those who say that two contacts are one: all of their conversations are joined, whoever sees them."""
