from typing import Annotated

from fastapi import APIRouter, Depends

from inbox.doors import Replier
from inbox.signatures.schemas import ChangeSignature, SignatureOut
from inbox.signatures.service import SignatureService
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/signature", tags=["variables"], responses=problems(TokenRefused, NoOrganization, RoleMissing)
)

Signatures = Annotated[SignatureService, Depends(part(SignatureService))]


@router.get("")
async def read_signature(caller: Replier, signatures: Signatures) -> SignatureOut:
    """Under which name you answer in this organization."""
    return SignatureOut(name=await signatures.read(caller))


@router.put("")
async def change_signature(body: ChangeSignature, caller: Replier, signatures: Signatures) -> SignatureOut:
    """Answer under another name from now on."""
    return SignatureOut(name=await signatures.change(caller, body))
