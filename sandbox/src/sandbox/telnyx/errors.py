"""Refusals in Telnyx's form: a list of errors, each with a code that is text."""

from dataclasses import dataclass, field

from starlette.responses import Response

from sandbox.json import Object, write


@dataclass
class Refusal(Exception):
    """One refusal."""

    status: int
    code: str
    title: str
    detail: str
    pointer: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def answer(self) -> Response:
        """As it is sent."""
        error: Object = {"code": self.code, "title": self.title, "detail": self.detail}
        if self.pointer:
            error["source"] = {"pointer": self.pointer}
        return Response(write({"errors": [error]}), self.status, headers=self.headers, media_type="application/json")


def not_authenticated() -> Refusal:
    """No key, or one that is not known."""
    return Refusal(
        401, "10009", "Authentication failed", "The required authentication headers were either invalid or missing."
    )


def missing(name: str) -> Refusal:
    """A parameter that must be there is not."""
    return Refusal(
        422, "10004", "Missing required parameter", f"The parameter {name} is required.", pointer=f"/{name}"
    )


def invalid(name: str, why: str) -> Refusal:
    """A parameter that cannot be."""
    return Refusal(422, "10015", "Invalid parameter", why, pointer=f"/{name}")


def invalid_to(number: str) -> Refusal:
    """There is no such number to send to."""
    return Refusal(
        400, "40310", "Invalid 'to' address", f"The 'to' address {number} should be in E.164 format.", pointer="/to"
    )


def invalid_from() -> Refusal:
    """The sender is not a number of this account."""
    return Refusal(
        400,
        "40305",
        "Invalid 'from' address",
        "The source number is not valid, or not associated with your messaging profile.",
        pointer="/from",
    )


def blocked() -> Refusal:
    """Who has answered STOP gets no more."""
    return Refusal(
        400, "40300", "Blocked due to STOP message", "Messages cannot be sent from your number to this one.", "/to"
    )


def too_many() -> Refusal:
    """More than the account may send."""
    return Refusal(
        429,
        "10011",
        "Too many requests",
        "You have exceeded the maximum number of allowed requests.",
        headers={"retry-after": "1"},
    )


def no_such_message() -> Refusal:
    """The id is of no message."""
    return Refusal(404, "10005", "Resource not found", "The requested resource or URL could not be found.")
