"""Keys for our other services; the gateway does not lead here."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from compliance.keys.schemas import DestroyedOut, KeyOut, KeysOut, WantCurrent, WantKeys
from compliance.keys.service import KeyService
from kit.http.app import part
from kit.http.peer import CallingService
from kit.seal.elsewhere import PATH
from kit.seal.model import Owner

router = APIRouter(prefix=PATH, tags=["Services"], include_in_schema=False)

Keys = Annotated[KeyService, Depends(part(KeyService))]


@router.post("/current")
async def current_keys(asked: WantCurrent, caller: CallingService, keys: Keys) -> KeysOut:
    """What these owners' fields are sealed with now."""
    found = await keys.current(caller, {each.owner for each in asked.wanted})
    envelope = keys.envelope(caller, asked.question)
    return KeysOut(
        keys=[KeyOut.of(owner, None if key is None else key.id, key, envelope) for owner, key in found.items()]
    )


@router.post("/find")
async def find_keys(asked: WantKeys, caller: CallingService, keys: Keys) -> KeysOut:
    """What something was sealed with."""
    found = await keys.find(caller, asked.refs)
    envelope = keys.envelope(caller, asked.question)
    return KeysOut(
        keys=[
            KeyOut.of(key.owner if key else Owner(ref.organization_id), ref.id, key, envelope)
            for ref, key in found.items()
        ]
    )


@router.get("/destroyed")
async def destroyed_keys(
    _caller: CallingService, keys: Keys, within: Annotated[float, Query(gt=0, le=600)]
) -> DestroyedOut:
    """Whose keys every process must forget."""
    return DestroyedOut.of(await keys.destroyed_within(within))
