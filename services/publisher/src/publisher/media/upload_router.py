"""Uploads by the protocol tus 1.0 (https://tus.io/protocols/resumable-upload): creation, expiration, termination."""

import base64
import binascii
from email.utils import format_datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request, Response, status

from kit.errors import FieldError
from kit.http.app import part
from kit.http.caller import MemberCaller, NoOrganization, OpenToAnybody, RoleMissing, TokenRefused
from kit.http.idempotency import IdempotencyKey, IdempotencyKeyReused
from kit.http.problem import problems
from kit.quota import QuotaExhausted
from publisher.doors import Author
from publisher.media.errors import (
    FileTooLarge,
    OffsetMismatch,
    TooManyUploads,
    TusVersionNotSupported,
    UploadNotAcceptable,
    UploadNotFound,
    UploadTooLong,
    WrongMediaType,
)
from publisher.media.model import LARGEST_FILM, Declared, MediaState, Medium
from publisher.media.uploads import UploadService

PATH: Final = "/v1/library/uploads"
VERSION: Final = "1.0.0"
_EXTENSIONS: Final = "creation,expiration,termination"
_BYTES: Final = "application/offset+octet-stream"
_LONGEST_METADATA: Final = 20_000

router = APIRouter(
    prefix=PATH,
    tags=["library"],
    responses=problems(TokenRefused, NoOrganization, RoleMissing, TusVersionNotSupported),
)
discovery = APIRouter(prefix=PATH, tags=["library"], dependencies=[OpenToAnybody])

Uploads = Annotated[UploadService, Depends(part(UploadService))]
Length = Annotated[int, Header(ge=0, lt=2**53, description="Bytes of the whole file.")]
Offset = Annotated[int, Header(ge=0, lt=2**53, description="Where the upload stands.")]
Metadata = Annotated[
    str,
    Header(
        max_length=_LONGEST_METADATA,
        description="`filetype`, `filename` and `alt`, each with a space and its value in base64, by commas.",
    ),
]


async def _speaking_tus(
    caller: Author, tus_resumable: Annotated[str, Header(description="1.0.0")] = ""
) -> MemberCaller:
    """The caller, whose request is of this version.

    Raises:
        TusVersionNotSupported: another was named, or none.
    """
    if tus_resumable != VERSION:
        raise TusVersionNotSupported(version=VERSION)
    return caller


Uploader = Annotated[MemberCaller, Depends(_speaking_tus)]


@discovery.options("", status_code=status.HTTP_204_NO_CONTENT)
async def describe_uploads() -> Response:
    """What of tus is spoken here."""
    told = {"tus-version": VERSION, "tus-extension": _EXTENSIONS, "tus-max-size": str(LARGEST_FILM)}
    return Response(status_code=status.HTTP_204_NO_CONTENT, headers=_headers(**told))


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    responses=problems(UploadNotAcceptable, FileTooLarge, TooManyUploads, QuotaExhausted, IdempotencyKeyReused),
)
async def begin_upload(
    caller: Uploader,
    uploads: Uploads,
    key: IdempotencyKey,
    upload_length: Length,
    upload_metadata: Metadata = "",
) -> Response:
    """Begin an upload; `Location` says where its bytes are to be sent, and its last segment is the medium's id."""
    medium = await uploads.begin(declared_in(upload_length, upload_metadata), caller, key)
    return _stands(medium, status.HTTP_201_CREATED, location=f"{PATH}/{medium.id}")


@router.head("/{media_id}", responses=problems(UploadNotFound))
async def look_at_upload(media_id: UUID, caller: Uploader, uploads: Uploads) -> Response:
    """Where an upload stands: go on from there."""
    medium = await uploads.find(media_id, caller)
    told = {"upload-length": str(medium.declared.size), "cache-control": "no-store"}
    return _stands(medium, status.HTTP_200_OK, **told)


@router.patch(
    "/{media_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(UploadNotFound, OffsetMismatch, UploadTooLong, WrongMediaType),
)
async def append_to_upload(
    media_id: UUID, request: Request, caller: Uploader, uploads: Uploads, upload_offset: Offset
) -> Response:
    """Send bytes from where the upload stands, as `application/offset+octet-stream`."""
    if request.headers.get("content-type") != _BYTES:
        raise WrongMediaType
    return _stands(await uploads.append(media_id, upload_offset, request.stream(), caller), 204)


@router.delete("/{media_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(UploadNotFound))
async def stop_upload(media_id: UUID, caller: Uploader, uploads: Uploads) -> Response:
    """Give an upload up that is not finished."""
    await uploads.stop(media_id, caller)
    return Response(status_code=status.HTTP_204_NO_CONTENT, headers=_headers())


def declared_in(length: int, metadata: str) -> Declared:
    """What is said of the file.

    Raises:
        UploadNotAcceptable: it cannot be read.
    """
    told: dict[str, str] = {}
    for pair in filter(None, (each.strip() for each in metadata.split(","))):
        name, _, value = pair.partition(" ")
        try:
            told[name] = base64.b64decode(value.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            detail = "Give each value in base64 of UTF-8."
            raise UploadNotAcceptable(errors=[FieldError(f"Upload-Metadata {name[:50]}", detail)]) from error
    return Declared(length, told.get("filetype", ""), told.get("filename", ""), told.get("alt", ""))


def _stands(medium: Medium, code: int, **more: str) -> Response:
    if medium.state is MediaState.UPLOADING:
        more["upload-expires"] = format_datetime(medium.expires_at, usegmt=True)
    return Response(status_code=code, headers=_headers(**{"upload-offset": str(medium.received)}, **more))


def _headers(**told: str) -> dict[str, str]:
    return {"tus-resumable": VERSION, **told}
