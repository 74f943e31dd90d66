"""Google's errors, as it words them."""

from sandbox.refusals import Refusal

QUOTA = 'The request cannot be completed because you have exceeded your <a href="/youtube/v3/getting-started#quota">quota</a>.'  # noqa: E501 - Google's words
UPLOADS = "The user has exceeded the number of videos they may upload."


def error(status: int, reason: str, message: str, domain: str = "youtube.video") -> Refusal:
    """An error of the API: one code, one message, and a list that gives the reason."""
    found = [{"message": message, "domain": domain, "reason": reason}]
    return Refusal(status, {"error": {"code": status, "message": message, "errors": found}})


def unauthorized() -> Refusal:
    """No token came, or one that is none any more."""
    refusal = error(401, "authError", "Invalid Credentials", "global")
    refusal.headers = {"www-authenticate": 'Bearer realm="https://accounts.google.com/", error="invalid_token"'}
    return refusal


def not_in_scope() -> Refusal:
    """The token lacks a scope."""
    message = "Request had insufficient authentication scopes."
    return error(403, "insufficientPermissions", message, "global")


def no_channel() -> Refusal:
    """The account has no channel."""
    return error(401, "youtubeSignupRequired", "Unauthorized", "youtube.header")


def out_of_quota() -> Refusal:
    """The project's units of the day are used up, until midnight Pacific time."""
    return error(403, "quotaExceeded", QUOTA, "youtube.quota")


def out_of_uploads() -> Refusal:
    """The channel has uploaded too much in 24 hours."""
    return error(400, "uploadLimitExceeded", UPLOADS)


def bad(reason: str, message: str) -> Refusal:
    """A part of the request is wrong."""
    return error(400, reason, message)


def not_found(reason: str, what: str) -> Refusal:
    """There is no such thing, or not for this caller."""
    return error(404, reason, f"The {what} that you are trying to reach cannot be found.")


def oauth(status: int, code: str, description: str) -> Refusal:
    """An error of the token endpoint."""
    return Refusal(status, {"error": code, "error_description": description})
