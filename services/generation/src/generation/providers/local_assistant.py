"""Our own program as the assistant: it follows a few plain commands, so that everything can be tried without a key.

find posts about bread · read post ID · move post ID to 2027-01-08T09:00:00Z · rewrite post ID: text
write a post: text · find conversations · draft a reply in ID: text
"""

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from generation.providers.base import Ask, ToolCall

_ID: Final = r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_AT: Final = r"(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d))"
_COMMANDS: Final[Sequence[tuple[str, str, tuple[str, ...]]]] = (
    ("schedule_post", rf"(?:move|schedule) (?:the )?post {_ID} to {_AT}", ("post_id", "publish_at")),
    ("rewrite_post", rf"rewrite (?:the )?post {_ID}: (.+)", ("post_id", "text")),
    ("read_post", rf"read (?:the )?post {_ID}", ("post_id",)),
    ("draft_reply", rf"draft a reply in {_ID}: (.+)", ("conversation_id", "text")),
    ("read_conversation", rf"read (?:the )?conversation {_ID}", ("conversation_id",)),
    ("write_post", r"write a (?:new )?post: (.+)", ("text",)),
    ("find_conversations", r"find (?:the |my )?conversations", ()),
    ("find_posts", r"find (?:the |my )?posts(?: about (.+))?", ("contains",)),
    ("list_accounts", r"list (?:the |my )?accounts", ()),
)
_ELSE: Final = (
    "I am a small program without a model: I find, read, write, move and rewrite posts when told so plainly."
)


def called(ask: Ask) -> Sequence[ToolCall]:
    """The tool that the person's words ask for, unless it was used already."""
    last = ask.messages[-1]
    if not ask.tools or last.role != "user":
        return ()
    offered = {each.name: each.schema for each in ask.tools}
    for name, pattern, fields in _COMMANDS:
        found = re.search(pattern, last.text, re.IGNORECASE | re.DOTALL)
        if found and name in offered:
            arguments: dict[str, Any] = dict.fromkeys(offered[name]["properties"])
            arguments |= dict(zip(fields, found.groups(), strict=True))
            if name == "write_post":
                arguments["account_ids"] = []
            return [ToolCall(f"call_{name}", name, json.dumps(arguments, ensure_ascii=False))]
    return ()


def answered(ask: Ask) -> str:
    """What is said of what a tool returned."""
    last = ask.messages[-1]
    if last.role != "tool":
        return _ELSE
    found = json.loads(last.text)
    if "refused" in found:
        return f"That does not go: {found['refused']}"
    if "put_before_the_person" in found:
        return f"{found['put_before_the_person']} It waits for your yes."
    return "\n".join(_lines(found)) or "There is nothing of the kind."


def _lines(found: Any) -> Sequence[str]:
    if isinstance(found, dict):
        listed = [each for each in found.values() if isinstance(each, list)]
        return [line for each in listed for one in each for line in _lines(one)] if listed else [_line(found)]
    return [str(found)]


def _line(found: dict[str, Any]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in found.items() if value not in (None, "", []))
