"""The public API as the assistant meets it behind the gateway: posts, conversations and drafts in memory."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

import orjson

from kit.http.client import Answer, NotSent, Unanswered
from kit.http.transport import Outgoing
from kit.ids import new_id

Fault = Literal["lost", "not_sent", "forbidden", "dead"]


@dataclass
class Platform:
    """Answers requests that a person may make; `faults` befall the next changes."""

    posts: dict[str, dict[str, Any]] = field(default_factory=dict)
    conversations: dict[str, dict[str, Any]] = field(default_factory=dict)
    messages: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    drafts: dict[str, dict[str, Any]] = field(default_factory=dict)
    segments: dict[str, Any] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)
    asked: list[Outgoing] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def post(self, text: str, publish_at: str | None = None) -> str:
        """A post that there is."""
        post_id = str(new_id())
        self.posts[post_id] = {
            "id": post_id,
            "text": text,
            "status": "scheduled" if publish_at else "draft",
            "publish_at": publish_at,
            "local": None,
            "zone": None,
            "version": 1,
            "deliveries": [{"platform": "linkedin", "url": "https://linkedin.example/live/1"}],
        }
        return post_id

    def conversation(self, *texts: str) -> str:
        """A conversation with somebody who wrote these."""
        conversation_id = str(new_id())
        self.conversations[conversation_id] = {"id": conversation_id, "contact_name": "Mia", "channel_kind": "sms"}
        self.messages[conversation_id] = [{"direction": "in", "text": each} for each in texts]
        self.drafts[conversation_id] = {"text": "", "version": 0}
        return conversation_id

    @property
    def changes(self) -> list[Outgoing]:
        """What was asked that changes something."""
        return [each for each in self.asked if each.method != "GET" and not each.url.endswith("/preview")]

    async def warm(self) -> None:
        """There is nothing to make ready."""

    async def close(self) -> None:
        """There is nothing to let go of."""

    async def exchange(self, request: Outgoing, *, within: float, at_most: int) -> Answer:
        """Answer, or not."""
        _ = within, at_most
        self.asked.append(request)
        fault = self.faults.pop(0) if request.method != "GET" and self.faults else None
        if fault == "not_sent":
            raise NotSent("connection refused")
        if fault == "forbidden":
            return _problem(403, "Your role in this organization does not allow this.")
        if fault == "dead":
            raise Unanswered("deadline")
        answer = self._answered(request)
        if fault == "lost":
            raise Unanswered("deadline")
        return answer

    def _answered(self, request: Outgoing) -> Answer:
        where = urlsplit(request.url)
        headers, body = dict(request.headers), orjson.loads(request.body or b"{}")
        lists: dict[str, list[Any]] = {
            "/v1/connected-accounts": [],
            "/v1/labels": [],
            "/v1/conversations": list(self.conversations.values()),
        }
        if where.path.startswith("/v1/segments"):
            return self._segments(request.method, headers, body, preview=where.path.endswith("/preview"))
        if where.path == "/v1/posts":
            return self._posts(request.method, headers, body)
        if where.path in lists:
            return _json({"items": lists[where.path]})
        found = re.fullmatch(r"/v1/(posts|conversations)/([^/]+)(/messages|/draft)?", where.path)
        if found is None:
            return _problem(404, "There is no such thing.")
        if found[3] == "/messages":
            return _json({"items": self.messages[found[2]]})
        things = {"posts": self.posts, "conversations": self.conversations}[found[1]]
        return _changed(self.drafts if found[3] else things, found[2], request.method, headers, body)

    def _segments(self, method: str, headers: Mapping[str, str], body: Any, *, preview: bool) -> Answer:
        if "all" not in body["query"]:
            return _problem(422, "This query is not understood.")
        if preview or method == "GET":
            return _json({"contacts": 7, "sample": []})
        self.made.setdefault(headers["idempotency-key"], body["name"])
        self.segments[body["name"]] = body
        return _json({"id": str(new_id())} | body, 201)

    def _posts(self, method: str, headers: Mapping[str, str], body: Any) -> Answer:
        if method == "GET":
            return _json({"items": list(self.posts.values())[::-1]})
        key = headers["idempotency-key"]
        if key not in self.made:
            self.made[key] = self.post(body["text"], body["publish_at"])
        return _json(self.posts[self.made[key]], 201)


def _changed(
    things: dict[str, dict[str, Any]], name: str, method: str, headers: Mapping[str, str], body: Any
) -> Answer:
    thing = things.get(name)
    if thing is None:
        return _problem(404, "There is no such thing.")
    if method != "GET":
        if headers.get("if-match") != f'"v{thing["version"]}"':
            return _problem(412, "The thing has changed since you read it.")
        thing |= body | {"version": thing["version"] + 1}
    return _json(thing)


def _json(document: Any, status: int = 200) -> Answer:
    return Answer(status, {"content-type": "application/json"}, orjson.dumps(document))


def _problem(status: int, title: str) -> Answer:
    return _json({"type": "about:blank", "title": title, "status": status}, status)
