"""What people do: they get messages and read them or not, they write, they answer by themselves."""

import asyncio
import base64
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from sandbox.json import Object, object_at, text_at, write
from sandbox.problems import Invalid
from sandbox.ring import Ring
from sandbox.whatsapp.media import TYPES, Media, MediaStore
from sandbox.whatsapp.notifications import Notifier
from sandbox.whatsapp.outgoing import MEDIA
from sandbox.whatsapp.payloads import Item, State, accounted, contact, failure, receiver, seconds, sender, wamid
from sandbox.whatsapp.world import NumberIn, Person, PersonIn, Reply, World

KEPT_MESSAGES = 50_000
KEPT_BYTES = 128 * 1024 * 1024
LARGEST_MADE_UP = 32 * 1024 * 1024
DEFAULT_MIME = {kind: types[0] for kind, (_, types) in TYPES.items()} | {"audio": "audio/ogg; codecs=opus"}


@dataclass(slots=True)
class Sent:
    """A message of the business, as it was accepted."""

    id: str
    number: NumberIn
    recipient: str
    kind: str
    text: str
    body: Object
    given: str
    category: str = "service"
    person: PersonIn | None = None
    at: float = field(default_factory=time.time)
    statuses: list[tuple[State, float]] = field(default_factory=list)

    @property
    def opaque(self) -> Object:
        """What the business wants to have back with each status."""
        data = self.body.get("biz_opaque_callback_data")
        return {} if data is None else {"biz_opaque_callback_data": data}


@dataclass(slots=True)
class Written:
    """A message that a person wrote; `read` is whether the business has marked it so."""

    person: PersonIn
    number: NumberIn
    content: Object
    read: bool = False
    typing: int = 0
    """How often it was shown that somebody writes."""

    @property
    def id(self) -> str:
        """Its id."""
        return text_at(self.content, "id")


class Conversations:
    """All that is written between the businesses and the people."""

    def __init__(self, world: World, media: MediaStore, notifier: Notifier) -> None:
        self._world = world
        self._media = media
        self._notifier = notifier
        self._era = 0
        self.sent: Ring[Sent] = Ring(most=KEPT_MESSAGES, heaviest=KEPT_BYTES)
        self.written: Ring[Written] = Ring(most=KEPT_MESSAGES, heaviest=KEPT_BYTES)

    def accept(self, message: Sent, person: Person | None, *, weight: int) -> None:
        """Keep a message of the business and let happen what the person does with it."""
        self.sent.add(message, weight=weight)
        if not message.number.webhooks:
            return
        code = self._failure(message, person)
        if code is not None:
            self._later(0.0, partial(self.tell_status, message, "failed", code=code))
            return
        settings = message.person or PersonIn(wa_id=message.recipient)
        self._schedule(message, settings)
        for reply in settings.replies:
            if reply.when is None or reply.when.lower() in message.text.lower():
                self._later(settings.delivered_after + reply.after, partial(self._answer, message, reply))

    def compose(self, person: Person, number: NumberIn, said: Object, *, at: float | None = None) -> Item:
        """A person writes: the message as a webhook will carry it. The person's window is open from then on."""
        kind = text_at(said, "type") or "text"
        content: Object = {
            **sender(person.is_),
            "id": text_at(said, "id") or wamid(),
            "timestamp": seconds(at),
            "type": kind,
            **{name: value for name, value in said.items() if name not in {"id", "type"}},
        }
        content[kind] = self._content(kind, said.get(kind), number.id)
        if content[kind] is None:
            del content[kind]
        person.wrote_at[number.id] = max(person.wrote_at.get(number.id, 0.0), time.time() if at is None else at)
        self.written.add(Written(person.is_, number, content), weight=len(write(content)))
        return Item(number, "messages", content, contact(person.is_))

    def tell_status(self, message: Sent, state: State, *, code: int | None = None, at: float | None = None) -> None:
        """Tell what has become of a message."""
        moment = time.time() if at is None else at
        message.statuses.append((state, moment))
        del message.statuses[:-50]
        content: Object = {
            "id": message.id,
            "status": state,
            "timestamp": seconds(moment),
            **receiver(message.person, message.recipient),
            **message.opaque,
            **accounted(message.id, state, message.category, moment),
            **({} if code is None else failure(code)),
        }
        named = contact(message.person) if message.person and message.person.user_id else None
        self._notifier.tell(Item(message.number, "statuses", content, named))

    def clear(self) -> None:
        """Forget all; whatever was still to come does not."""
        self._era += 1
        self.sent.clear()
        self.written.clear()

    def _failure(self, message: Sent, person: Person | None) -> int | None:
        if person is None:
            return None if message.number.accepts_anyone else 131026
        if not person.is_.on_whatsapp:
            return 131026
        if person.is_.fails_with is not None:
            return person.is_.fails_with
        if message.kind != "template" and not person.may_be_written_to(message.number):
            return None if message.number.accepts_anyone else 131047
        return None

    def _schedule(self, message: Sent, person: PersonIn) -> None:
        """Sent, delivered and read, each at its time; shuffled they come together when the last is due."""
        delivered, read = person.delivered_after, person.delivered_after + person.read_after
        steps: list[tuple[State, float]] = [("sent", 0.0), ("delivered", delivered)]
        if person.reads:
            steps.append(("read", read))
        if not person.shuffled_statuses:
            for state, after in steps:
                self._later(after, partial(self.tell_status, message, state))
            return
        dated = [(state, message.at + after) for state, after in steps]
        random.shuffle(dated)
        if [state for state, _ in dated] == [state for state, _ in steps]:
            dated.reverse()

        def tell() -> None:
            for state, at in dated:
                self.tell_status(message, state, at=at)

        self._later(steps[-1][1], tell)

    def _answer(self, message: Sent, reply: Reply) -> None:
        person = self._world.at(message.recipient)
        if person is not None:
            context = {"from": message.number.display_phone_number, "id": message.id}
            self._notifier.tell(self.compose(person, message.number, {"context": context, **reply.message}))

    def _content(self, kind: str, given: object, phone_number_id: str) -> object:
        """What stands under the type: words become a text, and a file without an id is kept and gets one."""
        if isinstance(given, str):
            return {"body": given} if kind == "text" else given
        if kind not in MEDIA or not isinstance(given, dict | None) or (given and given.get("id")):
            return given
        media = self._media.add(_made(kind, dict(given or {}), phone_number_id))
        own = {name: value for name, value in (given or {}).items() if name not in {"base64", "size", "mime_type"}}
        extra = {"voice": False} if kind == "audio" else {"animated": False} if kind == "sticker" else {}
        return {**media.in_a_webhook(), **extra, **own}

    def _later(self, after: float, happen: Callable[[], None]) -> None:
        era = self._era

        def in_time() -> None:
            if era == self._era:
                happen()

        asyncio.get_running_loop().call_later(after, in_time)


def _made(kind: str, given: Object, phone_number_id: str) -> Media:
    mime = text_at(given, "mime_type") or DEFAULT_MIME[kind]
    size = given.get("size", 1024)
    if not isinstance(size, int) or not 0 <= size <= LARGEST_MADE_UP:
        raise Invalid([(f"/{kind}/size", f"must be between 0 and {LARGEST_MADE_UP}")])
    try:
        content = base64.b64decode(text_at(given, "base64"), validate=True) or bytes(size)
    except ValueError as broken:
        raise Invalid([(f"/{kind}/base64", "is no base64")]) from broken
    return Media(phone_number_id, mime, content)


def shown_text(kind: str, body: Object, rendered: str) -> str:
    """What a person sees of a message as text."""
    if kind == "template":
        return rendered
    if kind == "text":
        return text_at(body, "text", "body")
    if kind == "interactive":
        return text_at(body, "interactive", "body", "text")
    return text_at(object_at(body, kind), "caption")
