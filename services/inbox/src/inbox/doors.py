"""Who may enter which door of the inbox."""

from typing import Annotated

from fastapi import Depends

from kit.http.caller import MemberCaller, permitted

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
