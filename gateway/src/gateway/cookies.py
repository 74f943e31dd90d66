"""Tokens in cookies, for browsers: taken out for us, and defended against other pages that make a browser send them.

A browser sends cookies whoever makes it ask. So a request that shows its access token in a cookie, and changes
something, must come from a page of ours or of an allowed origin (`Origin`, or `Sec-Fetch-Site` where a browser sends
none) and state the CSRF token whose hash stands in the access token. The names are auth's; `__Host-` says that they
were set by this very host over TLS, without a domain.
"""

import hmac
from typing import Final

from gateway.headers import Cors, Head
from gateway.problems import CSRF_REFUSED, FOREIGN_PAGE, INVALID_TOKEN, TWO_TOKENS, Refused
from gateway.routes import Route
from gateway.tokens import CHALLENGE_INVALID, Session
from gateway.visit import Visit
from kit.http.tokens import csrf_hash

ACCESS: Final = b"__Host-rostrum-access"
KEPT_BY_AUTH: Final = frozenset({b"__Host-rostrum-refresh", b"__Host-rostrum-device"})
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def take(visit: Visit, route: Route, cors: Cors) -> None:
    """Read the cookies of a request: ours are sorted out, and those of others pass as they are.

    The access token becomes the request's authorization, unless it states one; what auth keeps with a browser passes
    to auth alone, and of a public change only when a page of ours sends it.

    Raises:
        Refused: 400 when there are two access tokens.
    """
    head = visit.head
    access, kept, others = _sorted(head.cookie)
    head.cookie = b""
    if route.upstream == "auth" and not (route.public and _is_foreign_change(visit, cors)):
        others += kept
    if others:
        head.passed += (b"cookie", b": ", b"; ".join(others), b"\r\n")
    if len(access) > 1:
        raise Refused(TWO_TOKENS)
    if access and not head.authorizations and not route.public and not route.staff:
        head.authorization = b"Bearer " + access[0]
        head.authorizations = 1
        head.by_cookie = True


def insist_on_own_page(visit: Visit, session: Session, cors: Cors) -> None:
    """Let a request pass whose token came in a cookie, if a page of ours wants it.

    Raises:
        Refused: 401 when the token is not one for cookies; 403 for a foreign page, or without the CSRF token.
    """
    head = visit.head
    if not session.csrf:
        raise Refused(INVALID_TOKEN, [CHALLENGE_INVALID])
    if head.upgrade:
        if not head.origin or not _is_ours(head, cors):
            raise Refused(FOREIGN_PAGE, [(b"connection", b"close")])
        return
    if visit.method in _SAFE:
        return
    if not _is_ours(head, cors):
        raise Refused(FOREIGN_PAGE)
    if not hmac.compare_digest(csrf_hash(head.csrf), session.csrf):
        raise Refused(CSRF_REFUSED)


def _is_foreign_change(visit: Visit, cors: Cors) -> bool:
    return visit.method not in _SAFE and not _is_ours(visit.head, cors)


def _is_ours(head: Head, cors: Cors) -> bool:
    """Whether a page of ours, or of an allowed origin, has made the browser ask; who says nothing is foreign."""
    if head.origin:
        return cors.allows(head.origin) or head.origin.lower() == b"%b://%b" % (
            head.forwarded_proto,
            head.host.lower(),
        )
    return head.fetch_site == b"same-origin"


def _sorted(cookie: bytes) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """The access tokens, the pairs that are for auth, and all other pairs."""
    access: list[bytes] = []
    kept: list[bytes] = []
    others: list[bytes] = []
    for piece in cookie.split(b";"):
        pair = piece.strip()
        name, _, value = pair.partition(b"=")
        name = name.rstrip()
        if name == ACCESS:
            access.append(value.strip().strip(b'"'))
        elif name in KEPT_BY_AUTH:
            kept.append(pair)
        elif pair:
            others.append(pair)
    return access, kept, others
