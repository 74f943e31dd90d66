"""Who may enter which door of the inbox."""

from typing import Annotated

from fastapi import Depends

from inbox.members.model import ANSWERING
from kit.http.caller import MemberCaller, require_role

Team = Annotated[MemberCaller, Depends(require_role(*ANSWERING))]
"""Those who answer."""

Administrator = Annotated[MemberCaller, Depends(require_role("owner", "admin"))]
"""Those who connect channels."""
