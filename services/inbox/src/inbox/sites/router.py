from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response, status

from inbox.doors import ChannelManager, ChannelReader
from inbox.sites.errors import NoSecretHere, SiteNotFound
from inbox.sites.model import Site
from inbox.sites.schemas import AddSite, ChangeSite, NewSiteOut, SecretOut, SiteOut
from inbox.sites.service import SiteService
from inbox.sites.snippets import Snippets
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.etag import Changed, Expected, Versioned
from kit.http.idempotency import IdempotencyKey
from kit.http.pagination import Page, Paging
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/site-channels", tags=["channels"], responses=problems(TokenRefused, NoOrganization, RoleMissing)
)

Sites = Annotated[SiteService, Depends(part(SiteService))]
Shown = Annotated[Snippets, Depends(part(Snippets))]


@router.post("", status_code=status.HTTP_201_CREATED)
async def add_site_channel(
    body: AddSite,
    caller: ChannelManager,
    sites: Sites,
    shown: Shown,
    *,
    key: IdempotencyKey,
    versions: Versioned,
) -> NewSiteOut:
    """Make a web chat or a contact form for an organization's own pages; its secret is shown this once."""
    site, secret = await sites.add(caller, body, key)
    versions.tag(site.version)
    return NewSiteOut(**SiteOut.of(site, shown.of(site)).model_dump(), secret=secret)


@router.get("")
async def list_site_channels(caller: ChannelReader, sites: Sites, shown: Shown, page: Paging) -> Page[SiteOut]:
    """The channels on pages, the oldest first."""
    rows = await sites.page(caller, page.after(datetime, UUID), page.limit + 1)
    kept, cursor = page.cut(rows, _place)
    return Page(items=[SiteOut.of(each, shown.of(each)) for each in kept], next_cursor=cursor)


@router.get("/{channel_id}", response_model=SiteOut, responses=problems(SiteNotFound))
async def read_site_channel(
    channel_id: UUID, caller: ChannelReader, sites: Sites, shown: Shown, versions: Versioned
) -> SiteOut | Response:
    """One of them, with what to put into a page."""
    site = await sites.read(caller, channel_id)
    return versions.unchanged(site.version) or SiteOut.of(site, shown.of(site))


@router.patch("/{channel_id}", responses=problems(SiteNotFound, Changed))
async def change_site_channel(
    channel_id: UUID,
    body: ChangeSite,
    caller: ChannelManager,
    sites: Sites,
    shown: Shown,
    *,
    expected: Expected,
    versions: Versioned,
) -> SiteOut:
    """Change how it looks, how it works, or whose pages may use it."""
    site = await sites.change(caller, channel_id, body, expected)
    versions.tag(site.version)
    return SiteOut.of(site, shown.of(site))


@router.post("/{channel_id}/secret", responses=problems(SiteNotFound, NoSecretHere))
async def rotate_site_secret(channel_id: UUID, caller: ChannelManager, sites: Sites) -> SecretOut:
    """Another secret, shown this once; the one before stays good for a day, until your servers have changed over."""
    secret, until = await sites.rotate(caller, channel_id)
    return SecretOut(secret=secret, former_secret_until=until)


def _place(site: Site) -> tuple[datetime, UUID]:
    return site.created_at, site.channel_id
