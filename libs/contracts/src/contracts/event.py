"""The base of every event and its form on the wire: CloudEvents 1.0, structured JSON."""

import os
import re
import time as clocks
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from json import dumps
from types import MappingProxyType
from typing import Any, ClassVar, Final, Literal, Self
from uuid import UUID

from pydantic import AliasGenerator, AliasPath, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

CONTENT_TYPE = "application/cloudevents+json"
LARGEST_BODY = 131_072
LONGEST_TYPE = 100
NOT_STAMPED = datetime.min.replace(tzinfo=UTC)
TRACEPARENT = r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"
SEALED: Final[dict[str, Any]] = {"x-sealed": True}
"""For `Field(json_schema_extra=SEALED)`: the content travels encrypted under its subject's key."""

ENVELOPE = frozenset({"id", "time", "organization_id", "version", "traceparent"})

_TRACEPARENT = re.compile(TRACEPARENT.removesuffix("$") + r"\Z")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)\Z")
_TYPE = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*){2}\.v[1-9][0-9]?\Z")

Audience = Literal["partners", "internal"]


class Malformed(ValueError):
    """The message is not an event: says what is wrong and where, never what it contains."""


class UnknownEvent(LookupError):
    """The message is an event of a type that this reader has no class for."""


def new_id() -> UUID:
    """A UUIDv7: the millisecond, its 4096th part, then 62 random bits; later ids sort after earlier ones."""
    nanoseconds = clocks.time_ns()
    milliseconds, rest = divmod(nanoseconds, 1_000_000)
    fraction = (rest << 12) // 1_000_000
    noise = int.from_bytes(os.urandom(8), "big") & 0x3FFF_FFFF_FFFF_FFFF
    return UUID(int=milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0x2 << 62 | noise)


def _place_on_the_wire(field: str) -> str | AliasPath:
    """Where a field stands in the message: the envelope's beside `data`, an event's own inside it."""
    if field == "organization_id":
        return "organization"
    return field if field in ENVELOPE else AliasPath("data", field)


class Event(BaseModel):
    """A fact: something that happened, named in the past, that will not change any more.

    A subclass states `type`, `subject` (the field with the id of the aggregate it is about) and `audience`;
    its own fields are the data, and its docstring is its public documentation. It may state `browsers`, too.
    """

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        allow_inf_nan=False,
        alias_generator=AliasGenerator(validation_alias=_place_on_the_wire),
        validate_by_name=True,
        validate_by_alias=False,
    )

    type: ClassVar[str]
    subject: ClassVar[str]
    audience: ClassVar[Audience]
    browsers: ClassVar[frozenset[str] | None] = None
    """The roles whose browsers are told at once; None keeps the fact from browsers. It may change."""

    id: UUID = Field(default_factory=new_id, exclude=True)
    time: AwareDatetime = Field(default=NOT_STAMPED, exclude=True)
    organization_id: UUID | None = Field(default=None, exclude=True)
    version: int = Field(default=1, ge=1, lt=2**63, exclude=True)
    traceparent: str | None = Field(default=None, pattern=TRACEPARENT, exclude=True)

    @property
    def organization(self) -> UUID:
        """The organization this fact belongs to.

        Raises:
            ValueError: the fact belongs to no organization.
        """
        if self.organization_id is None:
            raise ValueError(f"{self.type} carries no organization")
        return self.organization_id

    @property
    def listeners(self) -> frozenset[UUID] | None:
        """The users whose browsers are told beside those of owners and admins; None: all of `browsers`."""
        return None

    @property
    def subject_id(self) -> str:
        """The id of the aggregate this fact is about, as it stands in the envelope."""
        value = getattr(self, self.subject)
        if value is None:
            raise ValueError(f"{self.type} has no {self.subject}")
        return str(value)

    def stamped(self, *, time: datetime, organization_id: UUID | None = None, traceparent: str | None = None) -> Self:
        """The event dated by its emitter; an organization or trace that it already states is kept.

        Raises:
            ValueError: the time has no zone, or the traceparent is not one.
        """
        if time.utcoffset() is None:
            raise ValueError("the time of an event needs a zone")
        if traceparent is not None and not _TRACEPARENT.match(traceparent):
            raise ValueError("not a traceparent")
        return self.model_copy(
            update={
                "time": time.astimezone(UTC),
                "organization_id": self.organization_id or organization_id,
                "traceparent": self.traceparent or traceparent,
            }
        )

    @classmethod
    def data_fields(cls) -> tuple[str, ...]:
        """The names of the event's own fields, those that travel in `data`."""
        return tuple(name for name in cls.model_fields if name not in ENVELOPE)


def source_of(event: type[Event]) -> str:
    """The CloudEvents source: the service that owns the type, `/auth` for `auth.user.registered.v1`."""
    return "/" + event.type.partition(".")[0]


def schema_of(event: type[Event]) -> str:
    """The CloudEvents dataschema, a name and not an address."""
    return "urn:rostrum:event:" + event.type


def encode(event: Event) -> bytes:
    """The event as one CloudEvents 1.0 structured JSON message.

    Raises:
        ValueError: it was not stamped, lacks its subject or the organization it must have, or is too large.
    """
    if event.time == NOT_STAMPED:
        raise ValueError(f"{event.type} was not stamped with a time")
    if event.organization_id is None and event.audience == "partners":
        raise ValueError(f"{event.type} is for partners and needs its organization")
    data = event.__pydantic_serializer__.to_json(event)
    body = (_head(event) + ',"data":').encode() + data + b"}"
    if len(body) > LARGEST_BODY:
        raise ValueError(f"{event.type} is larger than {LARGEST_BODY} bytes")
    return body


def _head(event: Event) -> str:
    """The envelope as JSON without its closing brace; values that could need escaping are escaped."""
    kind = event.__class__
    organization = f',"organization":"{event.organization_id}"' if event.organization_id else ""
    trace = f',"traceparent":{dumps(event.traceparent)}' if event.traceparent else ""
    return (
        f'{{"specversion":"1.0","id":"{event.id}","source":"{source_of(kind)}","type":"{kind.type}"'
        f',"subject":{dumps(event.subject_id)},"time":"{rfc3339(event.time)}"'
        f',"datacontenttype":"application/json","dataschema":"{schema_of(kind)}"'
        f'{organization},"version":{event.version}{trace}'
    )


def rfc3339(time: datetime) -> str:
    """A time in UTC with microseconds, always of one length, so that strings sort like times."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


class Decoder:
    """Turns messages back into events of the classes it was given.

    Data fields that a class does not know are ignored, so that an emitter may be newer than its consumer.
    """

    def __init__(self, events: Iterable[type[Event]]) -> None:
        classes = {event.type: event for event in events}
        self.events: Mapping[str, type[Event]] = MappingProxyType(classes)
        self._constants = {
            name: (("source", source_of(event)), ("dataschema", schema_of(event))) for name, event in classes.items()
        }

    def __call__(self, body: bytes) -> Event:
        """The event in a message.

        Raises:
            UnknownEvent: a well-formed event of a type without a class.
            Malformed: anything else that is not one of our events.
        """
        envelope = peek(body)
        kind = self.events.get(envelope["type"])
        if kind is None:
            raise UnknownEvent(envelope["type"])
        for attribute, expected in self._constants[kind.type]:
            if envelope.get(attribute) != expected:
                raise Malformed(f"{kind.type}: {attribute} is not the one of this type")
        return _read(kind, body, envelope)


def peek(body: bytes) -> dict[str, Any]:
    """The message as JSON, known to be a CloudEvents 1.0 object of a well-formed type; the rest is unchecked.

    Raises:
        Malformed: it is not even that.
    """
    if len(body) > LARGEST_BODY:
        raise Malformed(f"larger than {LARGEST_BODY} bytes")
    try:
        envelope = from_json(body, allow_inf_nan=False)
    except ValueError:
        raise Malformed("not JSON in UTF-8") from None
    if type(envelope) is not dict:
        raise Malformed("not a JSON object")
    if envelope.get("specversion") != "1.0":
        raise Malformed("specversion is not 1.0")
    if envelope.get("datacontenttype", "application/json") != "application/json":
        raise Malformed("datacontenttype is not application/json")
    kind = envelope.get("type")
    if type(kind) is not str or len(kind) > LONGEST_TYPE or not _TYPE.match(kind):
        raise Malformed("type is not the name of an event")
    if type(envelope.get("data")) is not dict:
        raise Malformed("data is not an object")
    return envelope


def _read(kind: type[Event], body: bytes, envelope: dict[str, Any]) -> Event:
    """The event, validated from the bytes, whose envelope says what its data says."""
    for required in ("id", "time", "version"):
        if envelope.get(required) is None:
            raise Malformed(f"{kind.type}: {required} is missing")
    if not _TIME.match(str(envelope["time"])):
        raise Malformed(f"{kind.type}: time is not one of RFC 3339")
    try:
        event: Event = kind.__pydantic_validator__.validate_json(body, extra="ignore", by_alias=True, by_name=False)
    except ValidationError as trouble:
        raise Malformed(f"{kind.type}: {_faults(trouble)}") from None
    if event.organization_id is None and (kind.audience == "partners" or kind.subject == "organization_id"):
        raise Malformed(f"{kind.type}: organization is missing")
    if envelope.get("subject") != event.subject_id:
        raise Malformed(f"{kind.type}: subject is not its {kind.subject}")
    return event


def _faults(trouble: ValidationError) -> str:
    """Each fault as place and kind; deeper places can be names from the payload and are cut off."""
    faults = trouble.errors(include_url=False, include_context=False, include_input=False)
    return ", ".join(sorted({f"{'.'.join(map(str, fault['loc'][:2]))} {fault['type']}" for fault in faults}))
