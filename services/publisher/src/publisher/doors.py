"""Who may enter which door of the publisher."""

from typing import Annotated

from fastapi import Depends

from kit.http.caller import MemberCaller, permitted

Reader = Annotated[MemberCaller, Depends(permitted("posts.read"))]
"""Who sees posts."""

Author = Annotated[MemberCaller, Depends(permitted("posts.write"))]
"""Who writes, schedules and cancels posts, and decides on those that nobody could confirm."""

Stopper = Annotated[MemberCaller, Depends(permitted("publishing.stop"))]
"""Who stops whatever leaves."""

Resumer = Annotated[MemberCaller, Depends(permitted("publishing.resume"))]
"""Who lets things leave again."""

AccountReader = Annotated[MemberCaller, Depends(permitted("connected_accounts.read"))]
"""Who sees accounts."""

AccountManager = Annotated[MemberCaller, Depends(permitted("connected_accounts.manage"))]
"""Who connects and disconnects accounts."""

QueueManager = Annotated[MemberCaller, Depends(permitted("partner_queue.manage"))]
"""Who opens and closes the queue of a partner."""
