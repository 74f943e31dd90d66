from typing import Annotated

from fastapi import APIRouter, Depends, Response, status

from auth.accounts.address import AddressInvalid
from auth.challenges.errors import LinkExpired, LinkMalformed
from auth.magic_links.schemas import AskForLink, LinkAskedOut, RedeemLink
from auth.magic_links.service import MagicLinkService
from auth.mails.language import Language
from auth.organizations.errors import OrganizationNotFound
from auth.sessions.router import never_kept
from auth.sessions.schemas import FactorNeededOut, TokensOut
from auth.sign_ins.answering import CurrentVisitor, answered, factor_needed
from auth.sign_ins.errors import AccountSuspended
from auth.sign_ins.model import Wish
from kit.http.app import part
from kit.http.caller import OpenToAnybody
from kit.http.problem import problems

router = APIRouter(prefix="/v1/magic-links", tags=["sessions"])

MagicLinks = Annotated[MagicLinkService, Depends(part(MagicLinkService))]


@router.post(
    "", dependencies=[OpenToAnybody], status_code=status.HTTP_202_ACCEPTED, responses=problems(AddressInvalid)
)
async def ask_for_link(body: AskForLink, links: MagicLinks, language: Language) -> LinkAskedOut:
    """Ask for a link to sign in with; who has no account is answered alike."""
    return LinkAskedOut(request_token=await links.ask(body.email, language))


@router.post(
    "/redeem",
    status_code=status.HTTP_201_CREATED,
    dependencies=[Depends(never_kept), OpenToAnybody],
    responses=factor_needed | problems(LinkMalformed, LinkExpired, OrganizationNotFound, AccountSuspended),
)
async def redeem_link(
    body: RedeemLink, links: MagicLinks, visitor: CurrentVisitor, response: Response
) -> TokensOut | FactorNeededOut:
    """Sign in with a link, in the browser that asked for it: good once, for ten minutes."""
    wish = Wish(visitor, body.organization_id, body.remember_device)
    return answered(await links.redeem(body.token, body.request_token, wish), response)
