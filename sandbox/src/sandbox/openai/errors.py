"""Refusals in OpenAI's form: one error with message, type, param and code."""

from dataclasses import dataclass, field

from starlette.responses import Response

from sandbox.json import Object, write


@dataclass
class Refusal(Exception):
    """One refusal."""

    status: int
    message: str
    type: str = "invalid_request_error"
    code: str | None = None
    param: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def body(self) -> Object:
        """As it is written, in an answer or in a stream."""
        error: Object = {"message": self.message, "type": self.type, "param": self.param, "code": self.code}
        return {"error": error}

    def answer(self) -> Response:
        """As it is sent."""
        return Response(write(self.body()), self.status, headers=self.headers, media_type="application/json")


def no_key() -> Refusal:
    """No key, or one that is not known."""
    return Refusal(401, "Incorrect API key provided.", code="invalid_api_key")


def missing(name: str) -> Refusal:
    """A parameter that must be there is not."""
    return Refusal(400, f"Missing required parameter: '{name}'.", code="missing_required_parameter", param=name)


def invalid(name: str, why: str) -> Refusal:
    """A parameter that cannot be."""
    return Refusal(400, f"Invalid value for '{name}': {why}", code="invalid_value", param=name)


def no_such(what: str, name: str) -> Refusal:
    """The id is of nothing."""
    return Refusal(404, f"No such {what}: {name}", code=f"{what}_not_found" if what == "model" else None)


def too_many(seconds: float = 1.0) -> Refusal:
    """More than the project may ask in a minute."""
    headers = {"retry-after": str(int(seconds)), "x-ratelimit-remaining-requests": "0"}
    return Refusal(429, "Rate limit reached for requests.", "requests", "rate_limit_exceeded", headers=headers)


def quota() -> Refusal:
    """The project has no money left."""
    return Refusal(
        429, "You exceeded your current quota, please check your plan.", "insufficient_quota", "insufficient_quota"
    )


def failed() -> Refusal:
    """Something broke over there."""
    return Refusal(500, "The server had an error while processing your request.", "server_error")


def overloaded() -> Refusal:
    """Too much to do over there."""
    return Refusal(503, "The engine is currently overloaded, please try again later.", "server_error")
