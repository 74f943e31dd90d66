from typing import Annotated

from fastapi import APIRouter, Depends, Response

from billing.subscriptions.errors import NoSubscription
from billing.subscriptions.schemas import SubscriptionOut
from billing.subscriptions.service import SubscriptionService
from kit.http.app import part
from kit.http.caller import MemberCaller, NoOrganization, RoleMissing, TokenRefused, permitted
from kit.http.etag import Versioned
from kit.http.problem import problems

router = APIRouter(prefix="/v1/billing", tags=["billing"])

Subscriptions = Annotated[SubscriptionService, Depends(part(SubscriptionService))]
Reader = Annotated[MemberCaller, Depends(permitted("billing.read"))]


@router.get(
    "/subscription",
    response_model=SubscriptionOut,
    responses=problems(TokenRefused, NoOrganization, RoleMissing, NoSubscription),
)
async def read_subscription(
    caller: Reader, subscriptions: Subscriptions, versions: Versioned
) -> SubscriptionOut | Response:
    """The subscription of the token's organization: what is paid for, until when, and in which state it is."""
    found = await subscriptions.read(caller)
    return versions.unchanged(found.version, found.id) or SubscriptionOut.of(found)
