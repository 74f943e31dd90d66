"""POST /{phone number id}/messages: the busiest path, kept free of models."""

import time

from starlette.requests import Request
from starlette.responses import Response

from sandbox.json import Object, object_at, read_object, text_at, write
from sandbox.whatsapp import errors, outgoing
from sandbox.whatsapp.access import Access
from sandbox.whatsapp.conversations import Conversations, Sent, shown_text
from sandbox.whatsapp.media import MediaStore
from sandbox.whatsapp.outgoing import MEDIA
from sandbox.whatsapp.payloads import wamid
from sandbox.whatsapp.templates import Templates
from sandbox.whatsapp.world import Number, Person, World

LARGEST_MESSAGE = 256 * 1024


class Sending:
    """Takes messages of businesses."""

    def __init__(
        self, world: World, access: Access, conversations: Conversations, *, templates: Templates, media: MediaStore
    ) -> None:
        self._world = world
        self._access = access
        self._conversations = conversations
        self._templates = templates
        self._media = media

    async def send(self, request: Request) -> Response:
        """Accept a message, or a sign that one was read."""
        self._access.enter(request)
        node: str = request.path_params["node"]
        number = self._world.numbers.get(node)
        if number is None:
            raise errors.no_object("post", node)
        raw = await request.body()
        body = read_object(raw)
        if body is None or len(raw) > LARGEST_MESSAGE:
            raise errors.wrong_parameter("The body is no JSON object, or too large.")
        if body.get("status") == "read":
            return self._mark_read(body)
        now = time.time()
        try:
            message, person = self._taken(number, body, now)
        except errors.Refusal:
            number.refused.beat(now)
            raise
        number.accepted.beat(now)
        self._conversations.accept(message, person, weight=len(raw))
        return self._accepted(message)

    def _taken(self, number: Number, body: Object, now: float) -> tuple[Sent, Person | None]:
        kind = outgoing.check(body)
        given, recipient = outgoing.recipient(body)
        self._refuse_unknown_media(body, kind)
        rendered, category = "", "service"
        if kind == "template":
            template, rendered = self._templates.render(number.is_.waba_id, object_at(body, "template"))
            category = template.category.lower()
        if recipient == number.is_.display_phone_number:
            raise errors.refused(131021)
        person = self._world.at(recipient)
        self._refuse_too_fast(number, recipient, now)
        self._refuse_as_told(number, person)
        text = shown_text(kind, body, rendered)
        settings = person.is_ if person else None
        message = Sent(wamid(), number.is_, recipient, kind, text, body, given, category, settings, now)
        return message, person

    def _refuse_too_fast(self, number: Number, recipient: str, now: float) -> None:
        rules = number.is_
        if not number.throughput.take(now, rules.throughput):
            raise errors.refused(130429)
        if not number.pair_rate.take(recipient, now, seconds=rules.pair_seconds, burst=rules.pair_burst):
            raise errors.refused(131056)

    def _refuse_as_told(self, number: Number, person: Person | None) -> None:
        code = number.is_.refuses_with
        if code is None and person is not None:
            code = person.is_.refuses_with
        if code is not None:
            raise errors.refused(code)

    def _refuse_unknown_media(self, body: Object, kind: str) -> None:
        media_id = text_at(body, kind, "id") if kind in MEDIA else ""
        if media_id and self._media.find(media_id) is None:
            raise errors.wrong_parameter(
                f"Param {kind}['id'] is not a valid whatsapp business account media attachment ID"
            )

    def _accepted(self, message: Sent) -> Response:
        contact: Object = {"input": message.given}
        contact["user_id" if "." in message.recipient else "wa_id"] = message.recipient
        out: Object = {"messaging_product": "whatsapp", "contacts": [contact], "messages": [{"id": message.id}]}
        if message.kind == "template":
            out["messages"] = [{"id": message.id, "message_status": "accepted"}]
        return Response(write(out), media_type="application/json; charset=UTF-8")

    def _mark_read(self, body: Object) -> Response:
        wanted = text_at(body, "message_id")
        if not wanted:
            raise errors.wrong_parameter("The parameter message_id is required.")
        written = self._conversations.written.find(lambda one: one.id == wanted)
        if written is None:
            raise errors.refused(131009, "message_id does not belong to a message that was received")
        written.read = True
        typing = text_at(body, "typing_indicator", "type")
        if typing not in {"", "text"}:
            raise errors.wrong_parameter("Param typing_indicator['type'] must be 'text'.")
        written.typing += bool(typing)
        return Response(write({"success": True}), media_type="application/json; charset=UTF-8")
