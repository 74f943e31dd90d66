"""LinkedIn's errors, as it words them."""

from starlette.responses import Response

from sandbox.json import Object, write


class Refusal(Exception):
    """LinkedIn says no: a status and a body."""

    def __init__(self, status: int, body: Object) -> None:
        super().__init__(self.__doc__)
        self.status = status
        self.body = body

    def answer(self) -> Response:
        """The refusal as a response."""
        return Response(write(self.body), self.status, media_type="application/json")


def api_error(status: int, code: str, message: str, service_code: int | None = None) -> Refusal:
    """An error of the REST API: message, code, status and, where LinkedIn has one, a service code."""
    body: Object = {"status": status, "code": code, "message": message}
    if service_code is not None:
        body["serviceErrorCode"] = service_code
    return Refusal(status, body)


def no_token() -> Refusal:
    """No bearer token came."""
    return api_error(401, "EMPTY_ACCESS_TOKEN", "Empty oauth2 access token", 65604)


def invalid_token() -> Refusal:
    """The bearer token was never issued."""
    return api_error(401, "INVALID_ACCESS_TOKEN", "Invalid access token", 65600)


def revoked_token() -> Refusal:
    """The member took the permission back."""
    message = "The token used in the request has been revoked by the user"
    return api_error(401, "REVOKED_ACCESS_TOKEN", message, 65601)


def expired_token() -> Refusal:
    """The token's time is over."""
    return api_error(401, "EXPIRED_ACCESS_TOKEN", "The token used in the request has expired", 65602)


def not_permitted(what: str) -> Refusal:
    """The token lacks a scope, or the member a role."""
    return api_error(403, "ACCESS_DENIED", f"Not enough permissions to access: {what}", 100)


def author_not_permitted() -> Refusal:
    """The member may not write as this author."""
    message = (
        "Field Value validation failed in REQUEST_BODY: Data Processing Exception while processing fields [/author]"
    )
    return api_error(403, "ACCESS_DENIED", message, 100)


def no_version() -> Refusal:
    """The version header is missing."""
    message = "A version must be present. Please specify a version by adding the LinkedIn-Version header."
    return api_error(400, "VERSION_MISSING", message)


def dead_version(version: str) -> Refusal:
    """The version has been sunset, or there never was one."""
    return api_error(426, "NONEXISTENT_VERSION", f"Requested version {version} is not active")


def throttled(whose: str) -> Refusal:
    """The day's calls are used up: of the application, or of the application and the member."""
    message = f"Resource level throttle {whose} DAY limit for calls to this resource is reached."
    return api_error(429, "TOO_MANY_REQUESTS", message, 101)


def not_found(urn: str) -> Refusal:
    """There is no such thing, or not yet."""
    return api_error(404, "NOT_FOUND", f"Could not find entity {urn}")


def bad_request(message: str) -> Refusal:
    """The request cannot be read."""
    return api_error(400, "ILLEGAL_ARGUMENT", message)


def invalid_field(path: str, trouble: str) -> Refusal:
    """A field of the body is wrong, in the words of Rest.li's validator."""
    return api_error(422, "UNPROCESSABLE_ENTITY", f"ERROR :: {path} :: {trouble}\n")


def missing_field(path: str) -> Refusal:
    """A required field of the body is not there."""
    return invalid_field(path, "field is required but not found and has no default value")


def duplicate(urn: str) -> Refusal:
    """The same author said the same a short while ago."""
    message = f"com.linkedin.content.common.exception.BadRequestResponseException: Content is a duplicate of {urn}"
    found = {"description": "Duplicate post is detected", "input": {}, "code": "DUPLICATE_POST"}
    body: Object = {
        "errorDetailType": "com.linkedin.common.error.BadRequest",
        "message": message,
        "errorDetails": {"inputErrors": [found]},
        "status": 422,
    }
    return Refusal(422, body)


def oauth_error(status: int, error: str, description: str) -> Refusal:
    """An error of the token endpoint."""
    return Refusal(status, {"error": error, "error_description": description})
