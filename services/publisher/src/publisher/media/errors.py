from kit.errors import Conflict, DomainError, Forbidden, Gone, Invalid, NotFound, PreconditionFailed


class MediaNotFound(NotFound):
    """There is no such picture, video or document."""

    code = "media-not-found"


class MediaNotReady(Conflict):
    """It is still being uploaded or looked at, or was not taken."""

    code = "media-not-ready"


class MediaInUse(Conflict):
    """A post that has not been published uses it; take it out there first."""

    code = "media-in-use"


class UploadNotAcceptable(Invalid):
    """This cannot be uploaded."""

    code = "upload-not-acceptable"


class FileTooLarge(DomainError):
    """The file is larger than is taken."""

    status = 413
    code = "content-too-large"


class TooManyUploads(Forbidden):
    """Too many uploads are under way; finish or delete some."""

    code = "too-many-uploads"


class UploadNotFound(NotFound):
    """There is no such upload, or it has lapsed; begin anew."""

    code = "upload-not-found"


class OffsetMismatch(Conflict):
    """The upload does not stand at this offset; ask by HEAD where it stands and go on there."""

    code = "upload-offset-mismatch"


class UploadTooLong(Invalid):
    """More bytes were sent than were declared."""

    code = "upload-too-long"


class WrongMediaType(DomainError):
    """Send the bytes as application/offset+octet-stream."""

    status = 415
    code = "unsupported-media-type"


class TusVersionNotSupported(PreconditionFailed):
    """Name the protocol's version by the header Tus-Resumable: 1.0.0."""

    code = "tus-version-not-supported"


class LinkEnded(Gone):
    """This address has ended, or what it led to was deleted."""

    code = "link-ended"
