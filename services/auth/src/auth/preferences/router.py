from typing import Annotated

from fastapi import APIRouter, Depends, Query

from auth.preferences.errors import MailCategoryEssential, MailCategoryUnknown
from auth.preferences.model import Preferences, Wish
from auth.preferences.schemas import (
    ChangeMailPreferences,
    MailPreferencesOut,
    UnsubscribeToken,
    UnsubscriptionOut,
    WishOut,
)
from auth.preferences.service import PreferenceService
from kit.http.app import part
from kit.http.caller import OpenToAnybody, PersonalCaller, TokenRefused
from kit.http.etag import Changed, ConditionMissing, Expected, Versioned
from kit.http.problem import problems
from kit.mail import UnsubscribeLinkForged

router = APIRouter(prefix="/v1", tags=["mail preferences"])

Service = Annotated[PreferenceService, Depends(part(PreferenceService))]
Token = Annotated[UnsubscribeToken, Query()]


@router.get("/mail-preferences", responses=problems(TokenRefused))
async def read_mail_preferences(
    caller: PersonalCaller, preferences: Service, versions: Versioned
) -> MailPreferencesOut:
    """Which mails I want."""
    held = await preferences.read(caller)
    versions.tag(held.version)
    return _out(held)


@router.put(
    "/mail-preferences",
    responses=problems(TokenRefused, MailCategoryUnknown, MailCategoryEssential, Changed, ConditionMissing),
)
async def change_mail_preferences(
    body: ChangeMailPreferences, caller: PersonalCaller, preferences: Service, expected: Expected, versions: Versioned
) -> MailPreferencesOut:
    """Say which mails I want; for all my addresses."""
    wishes = [Wish(each.category, each.wanted) for each in body.items]
    held = await preferences.change(caller, wishes, expected)
    versions.tag(held.version)
    return _out(held)


@router.get("/unsubscribe", dependencies=[OpenToAnybody], responses=problems(UnsubscribeLinkForged))
async def explain_unsubscription(token: Token, preferences: Service) -> UnsubscriptionOut:
    """What a POST to this address will refuse; reading changes nothing, as programs that scan mails read it too."""
    return UnsubscriptionOut.model_validate(await preferences.explain(token))


@router.post("/unsubscribe", dependencies=[OpenToAnybody], responses=problems(UnsubscribeLinkForged))
async def unsubscribe(token: Token, preferences: Service) -> UnsubscriptionOut:
    """Refuse the category of a mail (RFC 8058): without signing in, as often as one likes, whatever the body says."""
    return UnsubscriptionOut.model_validate(await preferences.unsubscribe(token))


def _out(preferences: Preferences) -> MailPreferencesOut:
    return MailPreferencesOut(items=[WishOut.model_validate(each) for each in preferences.wishes])
