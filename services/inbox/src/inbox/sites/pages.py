"""What answers say to pages of other origins (CORS). Nothing is ever said of credentials: none are taken."""

from fastapi import Response

_REQUEST_HEADERS = "Content-Type, Visitor-Token, File-Name"


def readable_by(origin: str, answer: Response) -> Response:
    """The answer, which a page of this origin may read; the caller knows that it may."""
    answer.headers["vary"] = "Origin"
    if origin:
        answer.headers["access-control-allow-origin"] = origin
        answer.headers["access-control-expose-headers"] = "Retry-After"
    answer.headers["cross-origin-resource-policy"] = "cross-origin"
    return answer


def preflight(origin: str, methods: str) -> Response:
    """The answer to a page that asks before it sends."""
    answer = readable_by(origin, Response(status_code=204))
    answer.headers["access-control-allow-methods"] = methods
    answer.headers["access-control-allow-headers"] = _REQUEST_HEADERS
    answer.headers["access-control-max-age"] = "600"
    return answer
