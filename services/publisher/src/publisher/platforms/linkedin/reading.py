"""What LinkedIn gives back of posts and comments, compared with what was sent."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from kit.http.client import Answer
from kit.ledger.model import Unanswered
from postrules import little
from publisher.platforms.base import Outgoing
from publisher.platforms.pieces import comparable


def is_it(element: dict[str, Any], outgoing: Outgoing, since: datetime, urns: Collection[str]) -> bool:
    """Whether a post is the one that was sent: by what was uploaded for it alone, else by its text."""
    fits = (
        element.get("author") == outgoing.author
        and created(element) >= since
        and isinstance(element.get("id"), str)
        and element["id"] not in outgoing.taken
    )
    if not fits or not urns:
        said = comparable(little.plain(str(element.get("commentary") or "")))
        return fits and said == comparable(little.shown(outgoing.text))
    return bool(_media_of(element) & set(urns))


def is_comment(element: dict[str, Any], outgoing: Outgoing, since: datetime) -> bool:
    """Whether a comment is the one that was sent."""
    created_at = element.get("created")
    at = created_at.get("time") if isinstance(created_at, dict) else None
    message = element.get("message")
    said = str(message.get("text") or "") if isinstance(message, dict) else ""
    written = datetime.fromtimestamp(float(at if isinstance(at, int | float) else 0) / 1000, UTC)
    mine = element.get("actor") == outgoing.author and written >= since
    return mine and comparable(said) == comparable(outgoing.text)


def created(element: dict[str, Any]) -> datetime:
    """When a post was made."""
    milliseconds = element.get("createdAt") or element.get("publishedAt") or 0
    return datetime.fromtimestamp(float(milliseconds) / 1000, UTC)


def elements(answer: Answer) -> list[dict[str, Any]]:
    """The elements of a list.

    Raises:
        Unanswered: it is none.
    """
    found = document(answer).get("elements")
    if not isinstance(found, list) or not all(isinstance(element, dict) for element in found):
        raise Unanswered("LinkedIn's answer cannot be read.", code="unreadable-answer")
    return found


def document(answer: Answer) -> dict[str, Any]:
    """The object of an answer.

    Raises:
        Unanswered: it is none.
    """
    body = answer.json()
    if not isinstance(body, dict):
        raise Unanswered("LinkedIn's answer cannot be read.", code="unreadable-answer")
    return body


def _media_of(element: dict[str, Any]) -> set[str]:
    content = element.get("content")
    if not isinstance(content, dict):
        return set()
    several = content.get("multiImage")
    images = several.get("images") if isinstance(several, dict) else None
    one = content.get("media")
    found = [*(images if isinstance(images, list) else []), *([one] if isinstance(one, dict) else [])]
    return {str(each.get("id")) for each in found if isinstance(each, dict)}
