"""The one table of routes: which path goes where, who may enter, and how much it may bring."""

from dataclasses import dataclass
from typing import Final, Literal

from gateway.problems import HOSTILE_PATH, NO_ROUTE, Refused

MEBIBYTE = 1024 * 1024
FORM = 64 * 1024
"""Bytes of a form that a program or a page sends to the authorization server."""

UpstreamName = Literal["auth", "billing", "compliance", "generation", "inbox", "publisher", "gateway"]
"""Who answers; `gateway` is this program itself."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, until the first byte of the answer, between bytes, and for the whole request body."""

    connect: float = 2.0
    first_byte: float = 30.0
    idle: float = 60.0
    body_idle: float = 15.0
    body_total: float = 60.0


@dataclass(frozen=True, slots=True)
class Route:
    """A path prefix, matched by whole segments; a row that names methods wins over one that does not."""

    prefix: str
    upstream: UpstreamName
    public: bool = False
    methods: frozenset[str] = frozenset()
    rates: tuple[str, ...] = ()
    """The classes of the policy that count this route's requests, besides those that count every request."""
    body_limit: int = MEBIBYTE
    timeouts: Timeouts = Timeouts()
    replaces_address: bool = False
    """Whether the route's own class stands in place of those that count all requests of an address: a platform
    that calls webhooks sends everything from few addresses."""
    through_maintenance: bool = False
    """Whether it stays open while the platform is closed for maintenance; routes of staff do in any case."""
    websocket: bool = False
    """Whether a WebSocket handshake is taken; without it, every upgrade is refused."""
    staff: bool = False
    """Whether it is for the platform's staff: it takes tokens of their audience, and no customer's."""
    cacheable: bool = False
    """Whether the service's answer may be kept by others; all else is marked no-store unless the service says so."""
    foreign: bool = False
    """Whether pages of our customers ask here: which of them may, the service says itself, by the origin that it is
    told of. It takes no cookie and no token of ours, so that such a page acts for nobody."""


GET = frozenset({"GET"})
HEAD = frozenset({"HEAD"})
POST = frozenset({"POST"})
OPTIONS = frozenset({"OPTIONS"})


def _webhook(prefix: str, upstream: UpstreamName) -> Route:
    """Where a platform calls: its body passes as it is, since the service verifies a signature over these bytes."""
    return Route(
        prefix,
        upstream,
        public=True,
        rates=("webhook",),
        replaces_address=True,
        body_limit=4 * MEBIBYTE,
        through_maintenance=True,
    )


GENERATING: Final = Timeouts(first_byte=120.0, idle=120.0)
"""A model may think for a while before its first word."""

PLATFORMS: Final = ("facebook", "instagram", "threads", "linkedin", "x", "youtube", "tiktok")
"""From where browsers come back after connecting an account."""

ROUTES: tuple[Route, ...] = (
    Route(
        "/.well-known/jwks.json",
        "auth",
        public=True,
        rates=("keys",),
        cacheable=True,
        body_limit=0,
        through_maintenance=True,
    ),
    Route(
        "/v1/system",
        "auth",
        public=True,
        methods=GET,
        rates=("keys",),
        cacheable=True,
        body_limit=0,
        through_maintenance=True,
    ),
    Route("/v1/flags", "auth"),
    Route("/v1/announcements", "auth"),
    Route("/v1/accounts", "auth", public=True, methods=POST, rates=("auth", "sign-up")),
    Route("/v1/accounts/verify", "auth", public=True, methods=POST, rates=("auth", "sign-in")),
    Route("/v1/accounts/verify-phone", "auth", public=True, methods=POST, rates=("auth", "sign-in")),
    Route("/v1/accounts", "auth"),
    Route("/v1/password-resets", "auth", public=True, methods=POST, rates=("auth", "password-reset")),
    Route("/v1/magic-links", "auth", public=True, methods=POST, rates=("auth", "password-reset")),
    Route("/v1/magic-links/redeem", "auth", public=True, methods=POST, rates=("auth", "sign-in")),
    Route("/v1/address-changes/undo", "auth", public=True, methods=POST, rates=("auth", "password-reset")),
    Route("/v1/me/address-changes", "auth", methods=POST, rates=("invite",)),
    Route("/v1/sessions", "auth", public=True, methods=POST, rates=("auth", "sign-in")),
    Route("/v1/sessions/federated", "auth", public=True, methods=POST, rates=("auth", "sign-in")),
    Route("/v1/federation/callback", "auth", public=True, methods=GET, rates=("oauth",), body_limit=0),
    Route("/v1/federation/providers", "auth", public=True, methods=GET, rates=("keys",), body_limit=0),
    Route("/v1/sessions/passkey-challenges", "auth", public=True, methods=POST, rates=("sign-in",)),
    Route("/v1/sessions/second-factor/passkey-challenges", "auth", public=True, methods=POST, rates=("sign-in",)),
    Route("/v1/sessions/current/proofs", "auth", methods=POST, rates=("proof",)),
    Route("/v1/sessions/refresh", "auth", public=True, methods=POST, rates=("refresh",)),
    Route("/v1/sessions/unlock", "auth", public=True, methods=POST, rates=("auth", "sign-in")),
    Route("/v1/factor-recoveries/stop", "auth", public=True, methods=POST, rates=("auth", "sign-in")),
    Route("/v1/sessions", "auth"),
    Route("/v1/devices", "auth"),
    Route("/v1/me", "auth"),
    Route("/v1/me/factors", "auth", methods=POST, rates=("proof",)),
    Route("/v1/organizations", "auth", methods=POST, rates=("invite",)),
    Route("/v1/organizations", "auth"),
    Route(
        "/.well-known/oauth-authorization-server",
        "auth",
        public=True,
        methods=GET,
        rates=("keys",),
        cacheable=True,
        body_limit=0,
    ),
    Route(
        "/.well-known/openid-configuration",
        "auth",
        public=True,
        methods=GET,
        rates=("keys",),
        cacheable=True,
        body_limit=0,
    ),
    Route("/v1/oauth/authorize", "auth", public=True, methods=GET, rates=("oauth",), body_limit=0),
    Route("/v1/oauth/consent", "auth", public=True, methods=GET | POST, rates=("oauth",), body_limit=FORM),
    Route("/v1/oauth/consent/sign-in", "auth", public=True, methods=POST, rates=("auth", "sign-in"), body_limit=FORM),
    Route(
        "/v1/oauth/consent/second-factor",
        "auth",
        public=True,
        methods=POST,
        rates=("auth", "sign-in"),
        body_limit=FORM,
    ),
    Route("/v1/oauth/authorization-requests", "auth"),
    Route("/v1/oauth/token", "auth", public=True, methods=POST, rates=("oauth-token",), body_limit=FORM),
    Route("/v1/oauth/introspect", "auth", public=True, methods=POST, rates=("oauth-token",), body_limit=FORM),
    Route("/v1/oauth/revoke", "auth", public=True, methods=POST, rates=("oauth-token",), body_limit=FORM),
    Route("/v1/oauth/userinfo", "auth", public=True, methods=GET | POST, rates=("oauth-token",), body_limit=FORM),
    Route("/v1/scopes", "auth", public=True, methods=GET, rates=("keys",), cacheable=True, body_limit=0),
    Route("/v1/onboarding", "auth", public=True, methods=GET, rates=("keys",), cacheable=True, body_limit=0),
    Route("/v1/roles", "auth", public=True, methods=GET, rates=("keys",), cacheable=True, body_limit=0),
    Route("/v1/invitations", "auth", rates=("invite",)),
    Route("/v1/staff", "auth", staff=True, rates=("staff",)),
    Route("/v1/staff/billing", "billing", staff=True, rates=("staff",)),
    Route("/v1/staff/sessions", "auth", public=True, staff=True, methods=POST, rates=("auth", "sign-in")),
    Route("/v1/staff/sessions/refresh", "auth", public=True, staff=True, methods=POST, rates=("refresh",)),
    Route("/v1/staff/enrolments", "auth", public=True, staff=True, methods=POST, rates=("auth", "sign-in")),
    Route("/v1/billing", "billing"),
    Route("/v1/billing/purchases", "billing", public=True, methods=POST, rates=("auth", "sign-up")),
    Route("/v1/billing/plans", "billing", public=True, methods=GET, rates=("keys",), cacheable=True, body_limit=0),
    Route("/v1/billing/checkout-returns", "billing", public=True, methods=GET, rates=("oauth",), body_limit=0),
    Route("/v1/mail-preferences", "auth"),
    Route("/v1/unsubscribe", "auth", public=True, methods=frozenset({"GET", "POST"}), rates=("unsubscribe",)),
    Route("/v1/partner-queue", "publisher"),
    Route("/v1/posts", "publisher"),
    Route("/v1/library", "publisher"),
    Route(
        "/v1/library/uploads",
        "publisher",
        methods=frozenset({"PATCH"}),
        rates=("upload",),
        body_limit=1000 * 1_000_000,
        timeouts=Timeouts(first_byte=120.0, body_idle=30.0, body_total=3600.0),
    ),
    Route(
        "/v1/library/uploads",
        "publisher",
        public=True,
        methods=frozenset({"OPTIONS"}),
        rates=("keys",),
        body_limit=0,
    ),
    Route(
        "/v1/media-files",
        "publisher",
        public=True,
        methods=GET | HEAD,
        rates=("media",),
        replaces_address=True,
        cacheable=True,
        body_limit=0,
        through_maintenance=True,
    ),
    Route("/v1/publishing", "publisher"),
    Route("/v1/connected-accounts", "publisher"),
    *(
        Route(f"/v1/oauth/{name}/callback", "publisher", public=True, methods=GET, rates=("oauth",), body_limit=0)
        for name in PLATFORMS
    ),
    Route("/v1/generations", "generation", timeouts=GENERATING),
    Route("/v1/generations", "generation", methods=POST, rates=("generation",), timeouts=GENERATING),
    Route("/v1/generation", "generation"),
    Route("/v1/assistant", "generation", timeouts=GENERATING),
    Route(
        "/v1/assistant/conversations",
        "generation",
        methods=POST,
        rates=("generation",),
        body_limit=17 * MEBIBYTE,
        timeouts=GENERATING,
    ),
    Route("/v1/generation/batches", "generation", methods=POST, rates=("generation",), body_limit=4 * MEBIBYTE),
    Route("/v1/conversations", "inbox"),
    Route("/v1/conversation-counts", "inbox"),
    Route("/v1/assignment-policies", "inbox"),
    Route("/v1/agents", "inbox"),
    Route(
        "/v1/forms",
        "inbox",
        public=True,
        methods=POST,
        rates=("contact-form",),
        body_limit=FORM,
        foreign=True,
    ),
    Route("/v1/forms", "inbox", public=True, methods=GET | OPTIONS, rates=("keys",), body_limit=0, foreign=True),
    Route(
        "/v1/chat",
        "inbox",
        public=True,
        rates=("web-chat",),
        body_limit=FORM,
        foreign=True,
        websocket=True,
        timeouts=Timeouts(idle=90.0),
    ),
    Route("/v1/chat-visits", "inbox", public=True, rates=("web-chat-visit",), body_limit=FORM, foreign=True),
    Route("/v1/chat-files", "inbox", public=True, rates=("web-chat",), body_limit=10 * MEBIBYTE, foreign=True),
    Route("/v1/conversation-files", "inbox", body_limit=10 * MEBIBYTE),
    Route("/v1/site-channels", "inbox"),
    Route("/v1/held-submissions", "inbox"),
    Route("/v1/contacts", "inbox"),
    Route("/v1/segments", "inbox"),
    Route("/v1/contact-imports", "inbox"),
    Route("/v1/contact-jobs", "inbox"),
    Route("/v1/contact-exports", "inbox"),
    Route("/v1/contact-export-files", "inbox", public=True, methods=GET, rates=("keys",), body_limit=0),
    Route(
        "/v1/contact-imports",
        "inbox",
        methods=frozenset({"PATCH"}),
        rates=("upload",),
        body_limit=1024 * MEBIBYTE,
        timeouts=Timeouts(first_byte=120.0, body_idle=30.0, body_total=3600.0),
    ),
    Route("/v1/messages", "inbox"),
    Route("/v1/message-templates", "inbox"),
    Route("/v1/labels", "inbox"),
    Route("/v1/macros", "inbox"),
    Route("/v1/broadcasts", "inbox"),
    Route("/v1/broadcast-settings", "inbox"),
    Route("/v1/links", "inbox", public=True, methods=GET | HEAD, rates=("keys",), body_limit=0),
    Route("/v1/macro-jobs", "inbox"),
    Route("/v1/attributes", "inbox"),
    Route("/v1/canned-replies", "inbox"),
    Route("/v1/views", "inbox"),
    Route("/v1/notes", "inbox"),
    Route("/v1/mentions", "inbox"),
    Route("/v1/search", "inbox"),
    Route("/v1/signature", "inbox"),
    Route("/v1/variables", "inbox"),
    Route(
        "/v1/media",
        "inbox",
        methods=POST,
        rates=("upload",),
        body_limit=100 * MEBIBYTE,
        timeouts=Timeouts(body_total=600.0),
    ),
    Route("/v1/media", "inbox"),
    Route("/v1/channels", "inbox"),
    Route("/v1/audit", "compliance"),
    Route("/v1/audit/log", "compliance", public=True, methods=GET, rates=("keys",), body_limit=0),
    Route("/v1/privacy", "compliance"),
    _webhook("/v1/webhooks/whatsapp", "inbox"),
    _webhook("/v1/webhooks/messenger", "inbox"),
    _webhook("/v1/webhooks/instagram", "inbox"),
    _webhook("/v1/webhooks/sms", "inbox"),
    _webhook("/v1/webhooks/linkedin", "publisher"),
    _webhook("/v1/webhooks/meta", "publisher"),
    _webhook("/v1/webhooks/meta-deauthorize", "publisher"),
    _webhook("/v1/webhooks/meta-data-deletion", "publisher"),
    Route("/v1/data-deletions", "publisher", public=True, methods=GET, rates=("keys",), body_limit=0),
    _webhook("/v1/webhooks/x", "publisher"),
    _webhook("/v1/webhooks/tiktok", "publisher"),
    _webhook("/v1/webhooks/stripe", "billing"),
    _webhook("/v1/webhooks/openai", "generation"),
    Route("/v1/presence", "gateway", methods=POST, rates=("presence",), body_limit=1024),
    Route("/v1/events", "gateway", methods=GET, rates=("real-time",), body_limit=0),
    Route("/v1/events/ws", "gateway", methods=GET, rates=("real-time",), body_limit=0, websocket=True),
)

RATES: Final = frozenset(name for route in ROUTES for name in route.rates)
"""The classes that a policy must have."""

_HOSTILE = ("%2f", "%5c", "%2e", "%00", "%0", "%1", "%7f")


def checked_path(path: str, raw_path: bytes) -> str:
    """The decoded path, if every program on its way reads it alike.

    Raises:
        Refused: for dot segments, empty segments, backslashes and encoded separators or control characters.
    """
    if not path.startswith("/") or "//" in path or "/." in path or "\\" in path:
        segments = path.split("/")
        if segments[0] or "\\" in path or "" in segments[1:-1] or "." in segments or ".." in segments:
            raise Refused(HOSTILE_PATH)
    if b"%" in raw_path:
        lowered = raw_path.lower().decode("ascii")
        if any(code in lowered for code in _HOSTILE) or "�" in path:
            raise Refused(HOSTILE_PATH)
    return path


class RouteTable:
    """Finds the row for a path: the longest prefix by segments, in time that does not grow with the path."""

    def __init__(self, routes: tuple[Route, ...] = ROUTES) -> None:
        self._rows: dict[str, tuple[dict[str, Route], Route | None]] = {}
        for prefix in sorted({route.prefix for route in routes}, key=len):
            rows = [route for route in routes if route.prefix == prefix]
            named = {method: route for route in rows for method in route.methods}
            general = [route for route in rows if not route.methods]
            if len(general) > 1 or sum(len(route.methods) for route in rows) != len(named):
                raise ValueError(f"two routes claim {prefix}")
            self._rows[prefix] = self._with_shorter(prefix, named, general[0] if general else None)
        self._depth = max(prefix.count("/") for prefix in self._rows)

    def _with_shorter(
        self, prefix: str, named: dict[str, Route], general: Route | None
    ) -> tuple[dict[str, Route], Route | None]:
        """What a prefix does not say for itself, the next shorter one says."""
        shorter = self._longest(prefix[: prefix.rfind("/")])
        if general is not None or shorter is None:
            return named, general
        return {**shorter[0], **named}, shorter[1]

    def _longest(self, path: str) -> tuple[dict[str, Route], Route | None] | None:
        while path:
            found = self._rows.get(path)
            if found is not None:
                return found
            path = path[: path.rfind("/")]
        return None

    def is_foreign(self, path: str) -> bool:
        """Whether the service behind a path says itself which pages may ask there."""
        try:
            return self.match("OPTIONS", path).foreign
        except Refused:
            return False

    def match(self, method: str, path: str) -> Route:
        """The route of this request.

        Raises:
            Refused: when no row's prefix covers the path.
        """
        found = self._rows.get(path)
        if found is None:
            segments = path.split("/", self._depth + 1)
            while found is None and len(segments) > 1:
                segments.pop()
                found = self._rows.get("/".join(segments))
        if found is not None:
            named, general = found
            route = named.get(method) or general
            if route is not None:
                return route
        raise Refused(NO_ROUTE)
