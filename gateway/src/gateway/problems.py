"""Problem documents (RFC 9457) as the gateway itself gives them, made of bytes without a framework."""

from dataclasses import dataclass, field

import orjson

Header = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Problem:
    """One way in which the gateway says no."""

    status: int
    code: str
    title: str
    detail: str = ""

    def document(self, request_id: str) -> bytes:
        """The JSON body, in the shape that the services give theirs."""
        content: dict[str, object] = {
            "type": f"urn:rostrum:problem:{self.code}",
            "title": self.title,
            "status": self.status,
        }
        if self.detail:
            content["detail"] = self.detail
        if request_id:
            content["request_id"] = request_id
        return orjson.dumps(content)


@dataclass(slots=True)
class Refused(Exception):
    """The gateway answers this request itself, with a problem document."""

    problem: Problem
    headers: list[Header] = field(default_factory=list)


def retry_after(seconds: int) -> Header:
    """The header that says when to come back."""
    return (b"retry-after", b"%d" % max(1, seconds))


MALFORMED = Problem(400, "malformed-request", "The request is not valid HTTP/1.1.")
HOSTLESS = Problem(400, "host-required", "Exactly one Host header is required.")
HOSTILE_PATH = Problem(
    400,
    "ambiguous-path",
    "The path is ambiguous.",
    "Dot segments, empty segments, backslashes and encoded separators or control characters are refused.",
)
MALFORMED_UPGRADE = Problem(400, "malformed-handshake", "The WebSocket handshake is not valid.")
TWO_TOKENS = Problem(400, "two-tokens", "State one access token, in one place.")
UNAUTHENTICATED = Problem(401, "unauthenticated", "Sign in first.", "This route needs a Bearer access token.")
INVALID_TOKEN = Problem(401, "invalid-token", "The access token is not valid.")
REVOKED = Problem(401, "session-revoked", "This session has ended.", "Sign in again.")
INVALID_API_KEY = Problem(401, "invalid-api-key", "The API key is not valid.")
ADDRESS_REFUSED = Problem(403, "address-not-allowed", "This API key may not be used from your address.")
SCOPE_MISSING = Problem(
    403,
    "scope-missing",
    "This key or program was not given the right to do this; ask for a wider scope.",
)
ORIGIN_REFUSED = Problem(403, "origin-not-allowed", "Pages of this origin may not call this interface.")
FOREIGN_PAGE = Problem(
    403,
    "foreign-page",
    "Who is signed in by cookies makes changes from pages of ours only.",
    "Send Origin as browsers do.",
)
CSRF_REFUSED = Problem(
    403,
    "csrf-token-missing",
    "The CSRF token is missing or wrong.",
    "State it as X-CSRF-Token; signing in, refreshing and /v1/sessions/current tell it.",
)
NO_ORGANIZATION = Problem(403, "no-organization", "Choose an organization first.", "The access token names none.")
NOT_WHILE_IMPERSONATING = Problem(403, "not-while-impersonating", "Not while acting for somebody else.")
NO_ROUTE = Problem(404, "not-found", "There is no such address.")
TOO_SLOW = Problem(408, "request-timeout", "The request did not arrive in time.")
TOO_LARGE = Problem(413, "content-too-large", "The request body is too large.")
URL_TOO_LONG = Problem(414, "uri-too-long", "The address of the request is too long.")
UPGRADE_NEEDED = Problem(426, "upgrade-required", "This address speaks WebSocket only.")
UPGRADE_REFUSED = Problem(426, "upgrade-not-offered", "No protocol upgrade is offered here.")
TOO_MANY = Problem(429, "too-many-requests", "Too many requests.")
HEAD_TOO_LARGE = Problem(431, "header-fields-too-large", "The request's header fields are too many or too large.")
METHOD_UNKNOWN = Problem(501, "method-not-implemented", "This method is not known here.")
BAD_UPSTREAM = Problem(502, "bad-gateway", "The service behind this address gave no valid answer.")
OVERLOADED = Problem(503, "overloaded", "There is too much to do just now.")
MAINTENANCE = Problem(
    503, "maintenance", "The platform is closed for maintenance.", "Nothing is lost; come back soon."
)
UPSTREAM_AWAY = Problem(503, "service-unavailable", "The service behind this address cannot be reached.")
KEYS_AWAY = Problem(503, "keys-unavailable", "Access tokens cannot be verified just now.")
API_KEYS_AWAY = Problem(503, "api-keys-unavailable", "API keys cannot be verified just now.")
UPSTREAM_SLOW = Problem(504, "gateway-timeout", "The service behind this address did not answer in time.")
OLD_HTTP = Problem(505, "http-version-not-supported", "Speak HTTP/1.1.")
