"""For those who watch WhatsApp from outside: set it up, play its people, see what reached them."""

import base64
from typing import Literal

from fastapi import APIRouter, HTTPException
from pydantic import JsonValue

from sandbox.json import Object, is_writable
from sandbox.paging import Cursor, Limit, Newest, PageOut, page_out
from sandbox.problems import Invalid
from sandbox.pulse import Most, PulseOut, Since
from sandbox.staging import stage_app
from sandbox.whatsapp.conversations import Conversations, Sent
from sandbox.whatsapp.notifications import Notifier, WebhookIn
from sandbox.whatsapp.payloads import Item
from sandbox.whatsapp.reviewing import Decision, Review, Reviewing
from sandbox.whatsapp.shown import (
    LATEST,
    MessageOut,
    Raw,
    SaidOut,
    StatusIn,
    Together,
    WrittenOut,
    message_out,
    said_out,
    written_out,
)
from sandbox.whatsapp.templates import Template, Templates
from sandbox.whatsapp.world import FIRST_NUMBER, NumberIn, Person, PersonIn, World


class Watching:
    """The paths below /whatsapp/control."""

    def __init__(
        self,
        world: World,
        conversations: Conversations,
        *,
        templates: Templates,
        notifier: Notifier,
        reviewing: Reviewing,
    ) -> None:
        self._world = world
        self._conversations = conversations
        self._templates = templates
        self._notifier = notifier
        self._reviewing = reviewing

    def routes(self) -> APIRouter:
        """All paths of those who watch."""
        routes = APIRouter(prefix="/whatsapp/control")
        add = routes.add_api_route
        stage_app(routes, self._world)
        add("/webhook", self.put_webhook, methods=["PUT"], status_code=204)
        add("/raw", self.send_raw, methods=["POST"], status_code=202)
        add("/numbers", self.list_numbers, methods=["GET"])
        add("/numbers", self.put_number, methods=["POST"], status_code=201)
        add("/templates", self.list_templates, methods=["GET"])
        add("/templates", self.put_template, methods=["POST"], status_code=201)
        add("/templates/{template_id}/decide", self.decide, methods=["POST"])
        add("/review", self.read_review, methods=["GET"])
        add("/review", self.put_review, methods=["PUT"])
        add("/people", self.list_people, methods=["GET"])
        add("/people", self.put_person, methods=["POST"], status_code=201)
        add("/people/{person_id}/say", self.say, methods=["POST"], status_code=201)
        add("/say", self.say_together, methods=["POST"], status_code=201)
        add("/written", self.list_written, methods=["GET"])
        add("/messages", self.list_messages, methods=["GET"])
        add("/messages/{message_id}/status", self.tell_status, methods=["POST"], status_code=202)
        add("/calls", self.list_calls, methods=["GET"])
        return routes

    async def put_webhook(self, webhook: WebhookIn) -> None:
        """Send webhooks there, once the address has answered the challenge."""
        await self._notifier.register(webhook)

    async def send_raw(self, raw: Raw) -> None:
        """Send these bytes as a webhook."""
        try:
            body = raw.body.encode() if raw.base64 is None else base64.b64decode(raw.base64, validate=True)
        except ValueError as broken:
            raise Invalid([("/base64", "is no base64")]) from broken
        self._notifier.tell_raw(body, {"right": "raw", "wrong": "raw.wrong", "none": "raw.unsigned"}[raw.signature])

    async def list_numbers(self) -> list[NumberIn]:
        """All business numbers."""
        return [number.is_ for number in self._world.numbers.all()]

    async def put_number(self, number: NumberIn) -> NumberIn:
        """A business number, new or changed; what is not given is as at the start."""
        return self._world.put_number(number).is_

    async def list_templates(self, waba_id: str) -> list[Template]:
        """The templates of an account."""
        return self._templates.of(waba_id)

    async def put_template(self, template: Template) -> Template:
        """A template, new or in place of the one of that name and language; the business is told of its state."""
        kept = self._templates.put(template)
        number = next((one.is_ for one in self._world.numbers.all() if one.is_.waba_id == kept.waba_id), None)
        if number is not None:
            self._notifier.tell_template(number, kept)
        return kept

    async def decide(self, template_id: str, decision: Decision) -> Template:
        """Let this become of a template; the business is told of each change."""
        template = self._templates.by_id(template_id)
        if template is None:
            raise HTTPException(404, "There is no such template.")
        return self._reviewing.decide(template, decision)

    async def read_review(self) -> Review:
        """How what is submitted is judged."""
        return self._reviewing.review

    async def put_review(self, review: Review) -> Review:
        """Judge what is submitted from now on so; what is not given is as at the start."""
        self._reviewing.review = review
        return review

    async def list_people(self, limit: Newest = 100) -> list[PersonIn]:
        """People in the order in which they were created."""
        return [person.is_ for person in self._world.people.all()[:limit]]

    async def put_person(self, person: PersonIn) -> PersonIn:
        """A person, new or changed."""
        for i, reply in enumerate(person.replies):
            if not is_writable(reply.message):
                raise Invalid([(f"/replies/{i}/message", "is nested too deep, or holds what cannot be written")])
        return self._world.put_person(person).is_

    async def say(self, person_id: str, said: dict[str, JsonValue]) -> SaidOut:
        """A person writes; the webhook is on its way."""
        person = self._world.people.get(person_id)
        if person is None:
            raise HTTPException(404, "There is no such person.")
        item = self._compose(person, dict(said), "")
        self._notifier.tell(item)
        return said_out(item)

    async def say_together(self, together: Together) -> list[SaidOut]:
        """Several people write, and it comes in one webhook."""
        items: list[Item] = []
        for i, one in enumerate(together.items):
            said: Object = dict(one)
            person = self._world.people.get(str(said.pop("person", "")))
            if person is None:
                raise Invalid([(f"/items/{i}/person", "is no person")])
            items.append(self._compose(person, said, f"/items/{i}"))
        self._notifier.tell_together(items, together.layout)
        return [said_out(item) for item in items]

    async def list_written(
        self, person: str | None = None, limit: Limit = 50, cursor: Cursor = None
    ) -> PageOut[WrittenOut]:
        """What people wrote, newest first."""
        found = self._conversations.written.page(
            limit=limit, cursor=cursor, where=lambda one: person in {None, one.person.id}
        )
        return page_out(found, written_out)

    async def list_messages(
        self,
        to: str | None = None,
        phone_number_id: str | None = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> PageOut[MessageOut]:
        """What businesses sent, newest first; `to` is a number or a user id."""

        def wanted(message: Sent) -> bool:
            return to in {None, message.recipient} and phone_number_id in {None, message.number.id}

        return page_out(self._conversations.sent.page(limit=limit, cursor=cursor, where=wanted), message_out)

    async def tell_status(self, message_id: str, status: StatusIn) -> None:
        """Tell a status of a message by hand."""
        message = self._conversations.sent.find(lambda one: one.id == message_id)
        if message is None:
            raise HTTPException(404, "There is no such message.")
        code = (status.code or 131000) if status.status == "failed" else None
        self._conversations.tell_status(message, status.status, code=code, at=status.at)

    async def list_calls(
        self,
        phone_number_id: str = FIRST_NUMBER,
        outcome: Literal["accepted", "refused"] = "accepted",
        since: Since = 0,
        limit: Most = 1000,
    ) -> PulseOut:
        """When messages of a number came that were accepted, or that were refused."""
        number = self._world.numbers.get(phone_number_id)
        if number is None:
            raise HTTPException(404, "There is no such number.")
        return (number.accepted if outcome == "accepted" else number.refused).read(since=since, limit=limit)

    def _compose(self, person: Person, said: Object, place: str) -> Item:
        number = self._world.numbers.get(str(said.pop("phone_number_id", FIRST_NUMBER)))
        if number is None:
            raise Invalid([(f"{place}/phone_number_id", "is no number")])
        if not is_writable(said):
            raise Invalid([(place, "is nested too deep, or holds text that is no valid Unicode")])
        at = said.pop("at", None)
        if not isinstance(at, int | float | None) or (at is not None and not 0 <= at <= LATEST):
            raise Invalid([(f"{place}/at", "is no time in Unix seconds")])
        return self._conversations.compose(person, number.is_, said, at=at)
