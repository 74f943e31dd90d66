"""Who may enter which door of billing."""

from typing import Annotated

from fastapi import Depends

from kit.http.caller import MemberCaller, permitted

Reader = Annotated[MemberCaller, Depends(permitted("billing.read"))]
"""Who sees plan, limits and what is paid."""

Manager = Annotated[MemberCaller, Depends(permitted("billing.manage"))]
"""Who chooses a plan and pays."""
