"""X's errors, as it words them: problem documents on /2, OAuth's own at the token endpoint."""

from sandbox.json import Object
from sandbox.refusals import Refusal

PROBLEMS = "https://api.x.com/2/problems"
WRONG_CODE = "Value passed for the authorization code was invalid."
WRONG_TOKEN = "Value passed for the token was invalid."  # noqa: S105 - X's words


def problem(status: int, title: str, detail: str, kind: str = "about:blank", **more: object) -> Refusal:
    """A problem document."""
    return Refusal(status, {"title": title, "type": kind, "status": status, "detail": detail, **more})


def unauthorized() -> Refusal:
    """No token came, or one that is none any more."""
    return problem(401, "Unauthorized", "Unauthorized")


def not_in_scope() -> Refusal:
    """The token lacks a scope."""
    return problem(403, "Forbidden", "Forbidden")


def app_only() -> Refusal:
    """What a user must ask for was asked for by the application, or the other way round."""
    detail = "Authenticating with this kind of token is forbidden for this endpoint."
    return problem(403, "Unsupported Authentication", detail, f"{PROBLEMS}/unsupported-authentication")


def duplicate() -> Refusal:
    """The same person has said the same before."""
    return problem(403, "Forbidden", "You are not allowed to create a Tweet with duplicate content.")


def too_long() -> Refusal:
    """The text weighs more than the person's posts may."""
    return problem(403, "Forbidden", "Your Tweet text is too long. Shorten it and try again.")


def invalid(parameter: str, trouble: str) -> Refusal:
    """A part of the request is wrong."""
    found: Object = {"parameters": {parameter: []}, "message": trouble}
    detail = "One or more parameters to your request was invalid."
    return problem(400, "Invalid Request", detail, f"{PROBLEMS}/invalid-request", errors=[found])


def not_found(kind: str, key: str) -> Refusal:
    """There is no such thing."""
    detail = f"Could not find {kind} with id: [{key}]."
    more: dict[str, object] = {"resource_type": kind, "resource_id": key, "parameter": "id", "value": key}
    return problem(404, "Not Found Error", detail, f"{PROBLEMS}/resource-not-found", **more)


def not_yours(detail: str) -> Refusal:
    """The thing is somebody else's, or answering it is not allowed."""
    return problem(403, "Forbidden", detail)


def too_many(headers: dict[str, str]) -> Refusal:
    """The window's calls are used up."""
    refusal = problem(429, "Too Many Requests", "Too Many Requests")
    refusal.headers = headers
    return refusal


def out_of_credits() -> Refusal:
    """Nothing is left of what was paid for."""
    detail = "Your enrolled account does not have any credits to fulfill this request."
    return problem(402, "CreditsDepleted", detail, f"{PROBLEMS}/credits")


def oauth(status: int, error: str, description: str) -> Refusal:
    """An error of the token endpoint."""
    return Refusal(status, {"error": error, "error_description": description})
