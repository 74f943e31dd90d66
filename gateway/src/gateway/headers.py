"""Which headers pass the gateway in either direction, and which it writes itself."""

from collections.abc import Callable, Iterable

from gateway.problems import Header

# The fate of a request header: passed on, dropped, or read by the gateway.
PASS, DROP, READ = 0, 1, 2

_HOP_BY_HOP = (
    *(b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection"),
    *(b"te", b"trailer", b"http2-settings"),
)
_READ = (
    *(b"authorization", b"connection", b"content-length", b"cookie", b"expect", b"host", b"origin", b"traceparent"),
    *(b"sec-fetch-site", b"x-csrf-token"),
    *(b"transfer-encoding", b"upgrade", b"x-forwarded-for", b"x-forwarded-proto", b"x-request-id"),
    *(b"access-control-request-method", b"x-api-key"),
)
_IMPOSING = (
    *(b"forwarded", b"via", b"x-real-ip", b"x-http-method-override", b"x-http-method", b"x-method-override"),
    *(b"true-client-ip", b"cf-connecting-ip", b"x-correlation-id"),
)
_IMPOSING_PREFIXES = (
    *(b"x-user", b"x-organization", b"x-role", b"x-rostrum", b"x-forwarded-", b"x-auth", b"x-session"),
    *(b"x-tenant", b"x-internal", b"x-original-", b"x-rewrite-", b"x-envoy-", b"x-client-", b"x-b3-"),
    b"x-amzn-",
)
_ANSWER_DROPPED = frozenset(
    (
        *_HOP_BY_HOP,
        *(b"connection", b"transfer-encoding", b"upgrade", b"server", b"date", b"x-powered-by", b"alt-svc"),
        *(b"x-request-id", b"ratelimit", b"ratelimit-policy", b"traceparent", b"tracestate"),
        *(b"strict-transport-security", b"content-security-policy", b"x-content-type-options"),
        *(b"referrer-policy", b"x-frame-options", b"cross-origin-resource-policy"),
    )
)
_MOST_NAMES = 4096

_fates: dict[bytes, int] = dict.fromkeys(_READ, READ)


def fate(name: bytes) -> int:
    """Whether a request header is passed on, dropped or read; the gateway forgets nothing it has decided."""
    decided = _fates.get(name)
    if decided is None:
        decided = DROP if _is_dropped(name) else PASS
        if len(_fates) < _MOST_NAMES:
            _fates[name] = decided
    return decided


def _is_dropped(name: bytes) -> bool:
    """Hop-by-hop, or pretending to an identity or a place that only the gateway may state.

    Names with an underscore go too: some servers read `x_user_id` as `x-user-id`.
    """
    return name in _HOP_BY_HOP or name in _IMPOSING or b"_" in name or name.startswith(_IMPOSING_PREFIXES)


class Head:
    """The headers of a request, read once."""

    authorization: bytes = b""
    authorizations: int = 0
    cookie: bytes = b""
    by_cookie: bool = False
    """Whether the authorization was taken out of a cookie."""
    csrf: bytes = b""
    fetch_site: bytes = b""
    content_length: int = -1
    codings: int = 0
    """How many transfer codings are named; one that is not `chunked` counts twice."""
    hosts: int = 0
    host: bytes = b""
    origin: bytes = b""
    preflight: bool = False
    expects: bool = False
    continues: bool = False
    """Whether the client waits for `100 Continue` before it sends its body."""
    upgrade: bytes = b""
    forwarded_for: bytes = b""
    forwarded_proto: bytes = b""
    request_id: bytes = b""
    traceparent: bytes = b""

    def __init__(self) -> None:
        self.passed: list[bytes] = []
        """What goes on as it is: name, colon, value, line end, one after the other."""

    @property
    def chunked(self) -> bool:
        """Whether the body comes in chunks."""
        return self.codings > 0

    @property
    def has_body(self) -> bool:
        """Whether bytes will follow."""
        return self.codings > 0 or self.content_length > 0


def read_head(headers: Iterable[Header]) -> Head:
    """Sort a request's headers into those that pass, those that are read, and those that end here."""
    head = Head()
    passed = head.passed
    nominated: bytes = b""
    for name, value in headers:
        decided = _fates.get(name)
        if decided is None:
            decided = fate(name)
        if decided == PASS:
            passed += (name, b": ", value, b"\r\n")
        elif name == b"host":
            head.host = value
            head.hosts += 1
        elif name == b"authorization":
            head.authorization = value
            head.authorizations += 1
        elif name == b"connection":
            nominated = nominated + b"," + value if nominated else value
        elif decided == READ:
            _READERS[name](head, value)
    if nominated and nominated.lower() not in (b"keep-alive", b"close"):
        head.passed = _without(passed, nominated)
    return head


def _without(passed: list[bytes], nominated: bytes) -> list[bytes]:
    """Drop the headers that Connection names: they were for us only."""
    names = {token.strip() for token in nominated.lower().split(b",")}
    kept: list[bytes] = []
    for at in range(0, len(passed), 4):
        if passed[at] not in names:
            kept += passed[at : at + 4]
    return kept


_Reader = Callable[[Head, bytes], None]


def _read_forwarded_for(head: Head, value: bytes) -> None:
    head.forwarded_for = head.forwarded_for + b"," + value if head.forwarded_for else value


def _read_cookie(head: Head, value: bytes) -> None:
    head.cookie = head.cookie + b"; " + value if head.cookie else value


def _reader(field: str) -> _Reader:
    return lambda head, value: setattr(head, field, value)


def _read_length(head: Head, value: bytes) -> None:
    head.content_length = int(value)


def _read_coding(head: Head, value: bytes) -> None:
    head.codings += 1 if value.strip().lower() == b"chunked" else 2


def _read_preflight(head: Head, _value: bytes) -> None:
    head.preflight = True


def _read_api_key(head: Head, value: bytes) -> None:
    """Another place for the one token that a request shows; what stands here goes no further."""
    head.authorization = b"ApiKey " + value
    head.authorizations += 1


def _read_expect(head: Head, value: bytes) -> None:
    head.expects = True
    head.continues = value.lower() == b"100-continue"


_READERS: dict[bytes, _Reader] = {
    b"content-length": _read_length,
    b"transfer-encoding": _read_coding,
    b"access-control-request-method": _read_preflight,
    b"expect": _read_expect,
    b"x-api-key": _read_api_key,
    b"cookie": _read_cookie,
    b"x-csrf-token": _reader("csrf"),
    b"sec-fetch-site": _reader("fetch_site"),
    b"origin": _reader("origin"),
    b"upgrade": _reader("upgrade"),
    b"x-forwarded-for": _read_forwarded_for,
    b"x-forwarded-proto": _reader("forwarded_proto"),
    b"x-request-id": _reader("request_id"),
    b"traceparent": _reader("traceparent"),
}


NO_STORE: Header = (b"cache-control", b"no-store")
_answer_fates: dict[bytes, int] = {b"connection": READ}


def _says_who_may_read(name: bytes) -> bool:
    return name.startswith(b"access-control-") or name == b"cross-origin-resource-policy"


def _answer_fate(name: bytes) -> int:
    """Whether a service's header passes; CORS is the gateway's affair alone."""
    dropped = name in _ANSWER_DROPPED or name.startswith((b"access-control-", b"x-accel-"))
    if len(_answer_fates) < _MOST_NAMES:
        _answer_fates[name] = DROP if dropped else PASS
    return DROP if dropped else PASS


def answer_headers(
    headers: list[Header], *, bodiless: bool, store: bool = True, foreign: bool = False
) -> list[Header]:
    """What of a service's headers reaches the client.

    Without `store` an answer of which the service does not say otherwise is marked as not to be kept by anybody. With
    `foreign` the service says which pages may read it.
    """
    kept: list[Header] = []
    nominated = b""
    for header in headers:
        name = header[0]
        decided = _answer_fates.get(name)
        if decided is None:
            decided = _answer_fate(name)
        if decided == PASS or (foreign and _says_who_may_read(name)):
            kept.append(header)
            store = store or name == b"cache-control"
        elif decided == READ:
            nominated = nominated + b"," + header[1] if nominated else header[1]
    if nominated and nominated.lower() not in (b"keep-alive", b"close"):
        names = {token.strip() for token in nominated.lower().split(b",")}
        kept = [(name, value) for name, value in kept if name not in names]
    if bodiless:
        kept = [(name, value) for name, value in kept if name != b"content-length"]
    if not store:
        kept.append(NO_STORE)
    return kept


def lines_of(headers: Iterable[Header]) -> bytes:
    """Headers as they are written."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


_SECURITY: list[Header] = [
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-site"),
]
SECURITY = lines_of(_SECURITY)
_STRICT = b"strict-transport-security: max-age=63072000; includeSubDomains\r\n"
STRICT_SECURITY = SECURITY + _STRICT
"""The same where everything is reached over TLS."""
FOREIGN_SECURITY = lines_of(_SECURITY[:-1])
"""The same where the service says whose pages may use the answer."""
FOREIGN_STRICT_SECURITY = FOREIGN_SECURITY + _STRICT


_CREDENTIALS: Header = (b"access-control-allow-credentials", b"true")


class Cors:
    """Cross-origin access for the origins that are named, and for nobody else; with their cookies."""

    _EXPOSED = (
        b"ETag, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id, Link, Deprecation, Sunset, "
        b"Content-Range, Tus-Extension, Tus-Max-Size, Tus-Resumable, Tus-Version, Upload-Expires, Upload-Length, "
        b"Upload-Offset"
    )
    _METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
    _REQUEST_HEADERS = (
        b"Authorization, Content-Type, Device-Token, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, "
        b"Range, Session-Mode, Traceparent, Tus-Resumable, Upload-Length, Upload-Metadata, Upload-Offset, "
        b"X-CSRF-Token"
    )

    def __init__(self, origins: frozenset[str]) -> None:
        self._origins = frozenset(origin.encode() for origin in origins)
        self.vary = b"vary: Origin\r\n" if origins else b""
        """What an answer says to a request that names no origin."""

    def allows(self, origin: bytes) -> bool:
        """Whether pages of this origin may read answers."""
        return origin.lower() in self._origins

    def lines(self, origin: bytes) -> bytes:
        """What an answer says about it."""
        if not origin or not self.allows(origin):
            return self.vary
        told = [
            (b"access-control-allow-origin", origin),
            _CREDENTIALS,
            (b"access-control-expose-headers", self._EXPOSED),
        ]
        return self.vary + lines_of(told)

    def preflight(self, origin: bytes) -> list[Header]:
        """The answer to a preflight of an allowed origin."""
        return [
            (b"vary", b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"),
            (b"access-control-allow-origin", origin),
            _CREDENTIALS,
            (b"access-control-allow-methods", self._METHODS),
            (b"access-control-allow-headers", self._REQUEST_HEADERS),
            (b"access-control-max-age", b"600"),
        ]
