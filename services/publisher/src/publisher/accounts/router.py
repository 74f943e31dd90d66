from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems
from publisher.accounts.errors import AccountNotFound
from publisher.accounts.schemas import AccountOut, DisconnectedOut
from publisher.accounts.service import AccountService
from publisher.doors import AccountManager, AccountReader

router = APIRouter(
    prefix="/v1/connected-accounts",
    tags=["connected accounts"],
    responses=problems(TokenRefused, NoOrganization, RoleMissing),
)

Accounts = Annotated[AccountService, Depends(part(AccountService))]


@router.get("", responses=problems(BadCursor))
async def list_connected_accounts(caller: AccountReader, accounts: Accounts, page: Paging) -> Page[AccountOut]:
    """The organization's accounts, in the order they were first connected."""
    after = page.after(UUID)
    found = await accounts.page(caller, after[0] if after else None, page.limit + 1)
    shown, cursor = page.cut(found, lambda named: (named.account.id,))
    now = accounts.now()
    return Page(items=[AccountOut.of(named, now) for named in shown], next_cursor=cursor)


@router.get("/{account_id}", responses=problems(AccountNotFound))
async def read_connected_account(account_id: UUID, caller: AccountReader, accounts: Accounts) -> AccountOut:
    """One account and how it is."""
    return AccountOut.of(await accounts.find(account_id, caller), accounts.now())


@router.delete("/{account_id}", responses=problems(AccountNotFound))
async def disconnect_account(account_id: UUID, caller: AccountManager, accounts: Accounts) -> DisconnectedOut:
    """Forget its tokens. Posts that have not left wait, and leave when the same account is connected again."""
    return DisconnectedOut(id=account_id, waiting=await accounts.disconnect(account_id, caller))
