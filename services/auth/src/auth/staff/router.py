from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response, status

from auth.accounts.address import AddressInvalid
from auth.challenges.errors import LinkMalformed
from auth.passwords.errors import PasswordRefused, TooManyPasswords
from auth.staff.enrolling import EnrolmentService
from auth.staff.errors import (
    AlreadyStaff,
    EnrolmentCodeWrong,
    EnrolmentOver,
    FreshProofNeeded,
    LastAdmin,
    StaffNotFound,
    StaffSessionNotFound,
)
from auth.staff.schemas import (
    AddStaff,
    BeginEnrolment,
    ChangeStaffRole,
    CompleteEnrolment,
    EnrolmentOut,
    OfferOut,
    StaffMemberOut,
    StaffMeOut,
    StaffSessionOut,
    StaffSessionsOut,
)
from auth.staff.service import StaffService
from kit.http.app import part
from kit.http.caller import OpenToAnybody, TokenRefused
from kit.http.etag import Changed, ConditionMissing, Expected, Versioned
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems
from kit.http.staff import CurrentStaff, PermissionMissing, StaffCaller, staff_permitted

router = APIRouter(
    prefix="/v1/staff", tags=["staff"], responses=problems(TokenRefused, PermissionMissing, FreshProofNeeded)
)
enrolments = APIRouter(prefix="/v1/staff/enrolments", tags=["staff"], dependencies=[OpenToAnybody])

Staff = Annotated[StaffService, Depends(part(StaffService))]
Enrolments = Annotated[EnrolmentService, Depends(part(EnrolmentService))]
Manager = Annotated[StaffCaller, staff_permitted("staff.manage")]
Reader = Annotated[StaffCaller, staff_permitted("staff.read")]


async def never_kept(response: Response) -> None:
    """Secrets are kept by nobody on the way."""
    response.headers["cache-control"] = "no-store"


@enrolments.post("", dependencies=[Depends(never_kept)], responses=problems(LinkMalformed, EnrolmentOver))
async def begin_enrolment(body: BeginEnrolment, enrolments: Enrolments) -> OfferOut:
    """What to tell the code app; asked again it is another secret, and the newest counts."""
    return OfferOut.model_validate(await enrolments.begin(body.token))


@enrolments.post(
    "/completion",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(LinkMalformed, EnrolmentOver, EnrolmentCodeWrong, PasswordRefused, TooManyPasswords),
)
async def complete_enrolment(body: CompleteEnrolment, enrolments: Enrolments) -> None:
    """Set password and code app; then sign in."""
    await enrolments.complete(body.token, body.password.get_secret_value(), body.code)


@router.get("/me")
async def read_own(staff: CurrentStaff, service: Staff) -> StaffMeOut:
    """The caller: everything that is held about them."""
    member = await service.find(staff.staff_id)
    sessions = await service.sessions(staff.staff_id)
    return StaffMeOut(
        member=StaffMemberOut.model_validate(member),
        permissions=sorted(staff.permissions),
        sessions=[StaffSessionOut.model_validate(each) for each in sessions],
    )


@router.post(
    "/members",
    status_code=status.HTTP_201_CREATED,
    dependencies=[Depends(never_kept)],
    responses=problems(AddressInvalid, AlreadyStaff),
)
async def add_member(body: AddStaff, staff: Manager, service: Staff) -> EnrolmentOut:
    """Add somebody to the staff; hand them the link, which is good for a day."""
    member, token = await service.add(body.email, body.role, staff)
    return EnrolmentOut(staff_id=member.id, enrolment_token=token, link=service.link(token))


@router.get("/members", responses=problems(BadCursor))
async def list_staff(_staff: Reader, service: Staff, page: Paging) -> Page[StaffMemberOut]:
    """Who is of the staff, the oldest first."""
    found, cursor = await service.page(page)
    return Page(items=[StaffMemberOut.model_validate(each) for each in found], next_cursor=cursor)


@router.get("/members/{staff_id}", responses=problems(StaffNotFound))
async def read_member(staff_id: UUID, _staff: Reader, service: Staff, versions: Versioned) -> StaffMemberOut:
    """One member of staff."""
    member = await service.find(staff_id)
    versions.tag(member.version)
    return StaffMemberOut.model_validate(member)


@router.patch("/members/{staff_id}", responses=problems(StaffNotFound, LastAdmin, ConditionMissing, Changed))
async def change_staff_role(  # noqa: PLR0917 - FastAPI passes them all by name
    staff_id: UUID, body: ChangeStaffRole, staff: Manager, service: Staff, expected: Expected, versions: Versioned
) -> StaffMemberOut:
    """Give a member another role; their sessions end, so that it takes effect at once."""
    member = await service.change_role(staff_id, body.role, staff, expected)
    versions.tag(member.version)
    return StaffMemberOut.model_validate(member)


@router.delete(
    "/members/{staff_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(StaffNotFound, LastAdmin)
)
async def remove_staff(staff_id: UUID, staff: Manager, service: Staff) -> None:
    """Remove a member of staff; sessions end at once, and nothing is kept but the id in the audit trail."""
    await service.remove(staff_id, staff)


@router.post(
    "/members/{staff_id}/enrolments",
    status_code=status.HTTP_201_CREATED,
    dependencies=[Depends(never_kept)],
    responses=problems(StaffNotFound, LastAdmin),
)
async def enrol_anew(staff_id: UUID, staff: Manager, service: Staff) -> EnrolmentOut:
    """Void password, code app and sessions of a member who lost them; they set new ones by the link."""
    token = await service.enrol_anew(staff_id, staff)
    return EnrolmentOut(staff_id=staff_id, enrolment_token=token, link=service.link(token))


@router.get("/members/{staff_id}/sessions")
async def list_staff_sessions(staff_id: UUID, _staff: Reader, service: Staff) -> StaffSessionsOut:
    """The sessions of a member that go on."""
    found = await service.sessions(staff_id)
    return StaffSessionsOut(items=[StaffSessionOut.model_validate(each) for each in found])


@router.delete(
    "/members/{staff_id}/sessions/{session_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(StaffSessionNotFound),
)
async def end_staff_session(staff_id: UUID, session_id: UUID, staff: Manager, service: Staff) -> None:
    """End a session of a member; its tokens are refused within seconds."""
    await service.end_session(staff_id, session_id, staff)


@router.delete(
    "/me/sessions/{session_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(StaffSessionNotFound)
)
async def end_own_session(session_id: UUID, staff: CurrentStaff, service: Staff) -> None:
    """End one of the caller's own sessions."""
    await service.end_session(staff.staff_id, session_id, staff)
