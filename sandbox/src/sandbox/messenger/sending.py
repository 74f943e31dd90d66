"""What a page or an account may send, and what is answered."""

import secrets
import time

from starlette.requests import Request
from starlette.responses import Response

from sandbox.json import Object, list_at, object_at, read_object, text_at, write
from sandbox.messenger.telling import Teller
from sandbox.messenger.world import DAY, EndIn, Person, SentOut, World, event
from sandbox.meta import refusals

ATTACHMENTS = frozenset({"image", "video", "audio", "file", "template"})
ACTIONS = frozenset({"mark_seen", "typing_on", "typing_off", "react", "unreact"})
LONGEST = {"messenger": 2000, "instagram": 1000}


class Sending:
    """The Graph API of pages and accounts, as far as messages go."""

    def __init__(self, world: World, teller: Teller) -> None:
        self._world = world
        self._teller = teller

    async def read(self, request: Request) -> Response:
        """A page or account, or the profile of somebody who wrote to it."""
        token, node = _token(request), request.path_params["node"]
        person = self._world.people.get(node)
        if person is not None:
            self._enter(person.is_.end, token)
            first, _, last = person.is_.name.partition(" ")
            told = {"id": node, "first_name": first, "last_name": last, "name": person.is_.name}
            return _json({**told, "username": person.is_.username})
        end = self._enter(node, token)
        return _json({"id": end.id, "name": end.name, "username": end.username})

    async def subscribe(self, request: Request) -> Response:
        """Hear of what happens; asking again changes nothing."""
        end = self._enter(request.path_params["node"], _token(request))
        self._world.subscribed[end.id] = request.query_params.get("subscribed_fields", "")
        return _json({"success": True})

    async def send(self, request: Request) -> Response:
        """A message, or a sign."""
        end = self._enter(request.path_params["node"], _token(request))
        body = read_object(await request.body())
        if body is None:
            raise refusals.wrong_parameter("The body is no JSON object.")
        to = text_at(body, "recipient", "id")
        person = self._world.people.get(to)
        if person is None or person.is_.end != end.id:
            raise refusals.refuse(100, "No matching user found", subcode=2018001)
        code = end.refuses_with if end.refuses_with is not None else person.is_.refuses_with
        if code is not None:
            raise refusals.refuse(code, "Refused as told")
        action = text_at(body, "sender_action")
        return self._act(end, to, action, body) if action else self._say(end, person, body)

    def _act(self, end: EndIn, to: str, action: str, body: Object) -> Response:
        if action not in ACTIONS:
            raise refusals.wrong_parameter("Param sender_action must be one of the known actions.")
        if action in {"react", "unreact"} and not text_at(body, "payload", "message_id"):
            raise refusals.wrong_parameter("Param payload[message_id] is required.")
        self._keep("", end, to, action, body)
        return _json({"recipient_id": to})

    def _say(self, end: EndIn, person: Person, body: Object) -> Response:
        _check(end, object_at(body, "message"))
        _in_time(person, body)
        mid = f"m_{secrets.token_urlsafe(24)}"
        self._keep(mid, end, person.is_.id, "message", body)
        self._tell(end, person, mid, object_at(body, "message"))
        return _json({"recipient_id": person.is_.id, "message_id": mid})

    def _keep(self, mid: str, end: EndIn, to: str, what: str, body: Object) -> None:
        told = {"id": mid, "end": end.id, "to": to, "what": what, "body": body}
        self._world.sent.add(SentOut.model_validate(told))

    def _tell(self, end: EndIn, person: Person, mid: str, message: Object) -> None:
        """The echo, that it arrived, and that it was read."""
        to, now = person.is_.id, int(time.time() * 1000)
        echo: Object = {"mid": mid, "is_echo": True, "text": text_at(message, "text")}
        if end.kind == "messenger":
            echo |= {"app_id": 1, **({"metadata": message["metadata"]} if "metadata" in message else {})}
        if end.echoes:
            self._teller.tell(end, event(end.id, to, {"message": echo}))
        if end.kind == "messenger":
            self._teller.tell(end, event(to, end.id, {"delivery": {"mids": [mid], "watermark": now}}))
        if person.is_.reads:
            read: Object = {"watermark": now + 1} if end.kind == "messenger" else {"mid": mid}
            self._teller.tell(end, event(to, end.id, {"read": read}))

    def _enter(self, node: str, token: str) -> EndIn:
        end = self._world.ends.get(node)
        if not token:
            raise refusals.no_token()
        if all(each.token != token for each in self._world.ends.all()):
            raise refusals.unknown_token()
        if end is None or end.token != token:
            raise refusals.no_object("get", node)
        if end.standing != "live":
            raise refusals.dead_token(end.standing)
        return end


def _check(end: EndIn, message: Object) -> None:
    text, kind = text_at(message, "text"), text_at(message, "attachment", "type")
    if bool(text) == bool(kind):
        raise refusals.wrong_parameter("A message has a text or an attachment.")
    if len(text) > LONGEST[end.kind]:
        raise refusals.wrong_parameter(f"Length of param message[text] must be less than {LONGEST[end.kind]}")
    if kind and (kind not in ATTACHMENTS or (end.kind == "instagram" and kind == "file")):
        raise refusals.wrong_parameter("Param message[attachment][type] must be one of the known types.")
    replies = list_at(message, "quick_replies")
    if len(replies) > 13 or any(isinstance(one, dict) and len(text_at(one, "title")) > 20 for one in replies):
        raise refusals.wrong_parameter("There are at most 13 quick replies, of at most 20 characters.")


def _in_time(person: Person, body: Object) -> None:
    """Twenty-four hours, or seven days for a person who answers."""
    tagged = text_at(body, "messaging_type") == "MESSAGE_TAG" and text_at(body, "tag") == "HUMAN_AGENT"
    if time.time() - person.wrote_at > (7 * DAY if tagged else DAY):
        raise refusals.refuse(10, "This message is sent outside of allowed window.", subcode=2018278, status=403)


def _token(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else request.query_params.get("access_token", "")


def _json(document: object) -> Response:
    return Response(write(document), media_type="application/json; charset=UTF-8")
