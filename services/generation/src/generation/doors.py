"""Who may enter which door of generation."""

from typing import Annotated

from fastapi import Depends

from kit.http.caller import MemberCaller, permitted

Reader = Annotated[MemberCaller, Depends(permitted("generation.read"))]
"""Who sees texts and what they cost."""

Author = Annotated[MemberCaller, Depends(permitted("generation.write"))]
"""Who has texts written."""

Drafter = Annotated[MemberCaller, Depends(permitted("posts.write"))]
"""Who hands texts to the publisher, and so writes posts."""

AssistantUser = Annotated[MemberCaller, Depends(permitted("assistant.use"))]
"""Who talks with the assistant, which does what they may do themselves."""

Reviewer = Annotated[MemberCaller, Depends(permitted("generation.review"))]
"""Who decides on texts that were held back."""

Manager = Annotated[MemberCaller, Depends(permitted("generation.manage"))]
"""Who limits what is spent, says what is held back, and keeps brand voices and templates."""
