"""What may go wrong, in three kinds: the caller's mistake, a passing trouble, and (anything else) a bug.

A `DomainError` becomes a 4xx problem document (RFC 9457) or a dead letter at once. A `TransientError` becomes 503
with `Retry-After`, or a later attempt. Every other exception is a bug: 500 without detail, logged with its trace.
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field of the input and what to do about it.

    `pointer` is a JSON Pointer into the body as a URI fragment (`#/email`), or the name of a parameter (`limit`).
    """

    pointer: str
    detail: str


class DomainError(Exception):
    """The request cannot be carried out as it stands.

    The first line of a subclass's docstring is its title: a customer may read it. `extensions` become members of the
    problem document; they must hold neither secrets nor another tenant's data.
    """

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad-request"

    def __init__(
        self, detail: str | None = None, *, errors: list[FieldError] | None = None, **extensions: object
    ) -> None:
        super().__init__(detail or self.title())
        self.detail = detail
        self.errors = errors or []
        self.extensions = extensions

    @classmethod
    def title(cls) -> str:
        """The first line of the docstring."""
        return (cls.__doc__ or cls.__name__).strip().splitlines()[0].strip()


class Unauthenticated(DomainError):
    """Sign in first."""

    status = 401
    code = "unauthenticated"


class Forbidden(DomainError):
    """You may not do this here."""

    status = 403
    code = "forbidden"


class NotFound(DomainError):
    """There is no such thing, or it is not yours."""

    status = 404
    code = "not-found"


class Conflict(DomainError):
    """The present state does not allow this."""

    status = 409
    code = "conflict"


class Gone(DomainError):
    """This is no longer available."""

    status = 410
    code = "gone"


class PreconditionFailed(DomainError):
    """The thing has changed since you read it."""

    status = 412
    code = "precondition-failed"


class Invalid(DomainError):
    """The input is not valid."""

    status = 422
    code = "invalid"


class PreconditionRequired(DomainError):
    """Say which version you are changing."""

    status = 428
    code = "precondition-required"


class TooManyRequests(DomainError):
    """Too many requests."""

    status = 429
    code = "too-many-requests"

    def __init__(self, detail: str | None = None, *, retry_after: float = 1.0) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class TransientError(Exception):
    """Something this depends on cannot answer just now; the same request may succeed later.

    `retry_after` is in seconds.
    """

    status: ClassVar[int] = 503
    code: ClassVar[str] = "unavailable"

    def __init__(self, detail: str | None = None, *, retry_after: float = 1.0) -> None:
        super().__init__(detail or "Temporarily unavailable.")
        self.detail = detail
        self.retry_after = retry_after
