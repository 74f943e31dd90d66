"""What is said about a film at YouTube."""

from typing import Any, Final

from publisher.platforms.base import Outgoing
from publisher.platforms.pieces import comparable, with_link

LONGEST_TITLE: Final = 100
PRIVACY: Final = ("public", "unlisted", "private")
PEOPLE_AND_BLOGS: Final = "22"


def title_of(outgoing: Outgoing) -> str:
    """The title: as it was given, else the first line of the text."""
    first = next((line.strip() for line in outgoing.text.splitlines() if line.strip()), "")
    return comparable(outgoing.title or first)[:LONGEST_TITLE]


def about(outgoing: Outgoing) -> dict[str, Any]:
    """The resource that begins an upload."""
    options = outgoing.options
    tags = [tag.strip() for tag in str(options.get("tags") or "").split(",") if tag.strip()]
    wanted = str(options.get("privacy") or "public")
    status: dict[str, Any] = {
        "privacyStatus": wanted if wanted in PRIVACY else "private",
        "selfDeclaredMadeForKids": options.get("made_for_kids") is True,
    }
    if options.get("ai_label") is True:
        status["containsSyntheticMedia"] = True
    snippet: dict[str, Any] = {
        "title": title_of(outgoing),
        "description": with_link(outgoing),
        "categoryId": str(options.get("category") or PEOPLE_AND_BLOGS),
    }
    if tags:
        snippet["tags"] = tags
    return {"snippet": snippet, "status": status}
