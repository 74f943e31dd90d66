"""What one message of WhatsApp says, in our words; what nobody knows yet is kept as it came."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import orjson

from inbox.channels.base import About, Identity, Medium, Preference, Report, Said
from inbox.messages.model import Content
from inbox.whatsapp.numbers import is_number
from inbox.whatsapp.payload import Json, moment, text

MEDIA_KINDS: Final = frozenset({"image", "audio", "video", "document", "sticker", "voice"})

_KIND: Final = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_PEOPLE: Final = frozenset({"from", "from_user_id", "from_parent_user_id", "to", "to_user_id", "id", "user_id"})
_FRAME: Final = _PEOPLE | {"timestamp", "type", "group_id"}
_MEDIUM: Final = frozenset({"id", "mime_type", "sha256", "url"})
"""What of a medium stands in its own row, or leads to it."""
_HIDDEN: Final[Mapping[str, frozenset[str]]] = {**dict.fromkeys(MEDIA_KINDS, _MEDIUM), "text": frozenset({"body"})}
_WANTS: Final[Mapping[str, bool]] = {"stop": False, "resume": True, "signup": True}
_LONGEST_TEXT: Final = 100_000
_LONGEST_NAME: Final = 200


def read(content: bytes) -> Said:
    """The message in an item's content."""
    told = orjson.loads(content)
    message, account = told["message"], text(told.get("account"))
    profile = told.get("profile") or {}
    kind = _kind(message)
    part = _part(message, kind)
    formerly: Sequence[Identity] = ()
    known_as = _identities(message, profile, account)
    if kind == "system":
        formerly, known_as = _changed(part, known_as, account)
    return Said(
        provider_id=text(message.get("id")),
        kind=kind,
        time=moment(message.get("timestamp")),
        known_as=known_as,
        name=_name(profile),
        content=Content(_text(message, kind, part), _detail(message, kind, part)),
        reply_to=text(_object(message, "context").get("id")),
        media=_media(kind, part),
        about=_about(kind, part),
        formerly=formerly,
        group=text(message.get("group_id")),
        opens=kind != "system",
    )


def read_preference(content: bytes) -> Preference | None:
    """What a contact wants of marketing; None where it is about something else, or nothing that is known."""
    told = orjson.loads(content)
    preference, account = told["preference"], text(told.get("account"))
    wants = _WANTS.get(text(preference.get("value")))
    if wants is None or text(preference.get("category")) != "marketing_messages":
        return None
    sender = {"from": preference.get("wa_id"), "from_user_id": preference.get("user_id")}
    known_as = _identities(sender, told.get("profile") or {}, account)
    return Preference(known_as, wants, moment(preference.get("timestamp")))


def _kind(message: Json) -> str:
    kind = message.get("type")
    return kind if isinstance(kind, str) and _KIND.fullmatch(kind) else "unknown"


def _object(holder: Json, name: str) -> Json:
    held = holder.get(name)
    return held if isinstance(held, dict) else {}


def _part(message: Json, kind: str) -> Json:
    held = message.get(kind)
    if isinstance(held, list):
        return {kind: held}
    return held if isinstance(held, dict) else {}


def _identities(message: Json, profile: Json, account: str) -> tuple[Identity, ...]:
    """The business-scoped id first, then the number, then the id that linked businesses share."""
    scoped = text(message.get("from_user_id")) or text(profile.get("user_id"))
    number = text(message.get("from")) or text(profile.get("wa_id"))
    parent = text(message.get("from_parent_user_id")) or text(profile.get("parent_user_id"))
    return _known(scoped, number, parent, account)


def _known(scoped: str, number: str, parent: str, account: str) -> tuple[Identity, ...]:
    found = []
    if scoped:
        found.append(Identity("bsuid", scoped[:200], account))
    if number:
        found.append(
            Identity("whatsapp_id", number) if is_number(number) else Identity("bsuid", number[:200], account)
        )
    if parent:
        found.append(Identity("parent_bsuid", parent[:200], account))
    return tuple(dict.fromkeys(found))


def _changed(
    system: Json, sender: tuple[Identity, ...], account: str
) -> tuple[tuple[Identity, ...], tuple[Identity, ...]]:
    """Who they were and who they are now, when the platform reports a change of number or id."""
    if text(system.get("type")) not in ("user_changed_number", "user_changed_user_id", "customer_changed_number"):
        return (), sender
    number = text(system.get("wa_id")) or text(system.get("new_wa_id"))
    now = _known(text(system.get("user_id")), number, text(system.get("parent_user_id")), account)
    before = _known(text(system.get("previous_user_id")), "", text(system.get("previous_parent_user_id")), account)
    former = tuple(dict.fromkeys((*before, *(each for each in sender if each not in now))))
    return (former, now) if former else ((), now or sender)


def _name(profile: Json) -> str:
    inner = _object(profile, "profile")
    return (text(inner.get("name")) or text(inner.get("username")))[:_LONGEST_NAME]


def _text(message: Json, kind: str, part: Json) -> str | None:
    told = _plain(kind, part)
    if told is None and kind not in MEDIA_KINDS:
        unsupported = text(_object(message, "unsupported").get("type"))
        told = f"[{unsupported[:40] or kind}]"
    return told if told is None else told[:_LONGEST_TEXT]


def _plain(kind: str, part: Json) -> str | None:  # noqa: PLR0911 - one line for each kind
    """What a person reads of it; None when there is nothing to read."""
    match kind:
        case "text" | "system":
            return text(part.get("body"))
        case "button":
            return text(part.get("text"))
        case "reaction":
            return text(part.get("emoji"))
        case "interactive":
            return _choice(part)
        case "location":
            return text(part.get("name")) or text(part.get("address")) or "[location]"
        case "order":
            return text(part.get("text")) or "[order]"
        case "edit":
            inner = _object(part, "message")
            return _plain(_kind(inner), _part(inner, _kind(inner)))
        case _:
            return text(part.get("caption")) or None


def _choice(part: Json) -> str | None:
    for name in ("button_reply", "list_reply"):
        if told := text(_object(part, name).get("title")):
            return told
    return text(_object(part, "nfm_reply").get("body")) or None


def _detail(message: Json, kind: str, part: Json) -> dict[str, Any]:
    """Everything else that was told, without who told it, also what nobody knows yet.

    A message without its part, or of an unknown kind, is kept as it came.
    """
    rest = {name: value for name, value in message.items() if name not in _FRAME | {kind}}
    context = rest.pop("context", None)
    if isinstance(context, dict):
        rest["context"] = {name: value for name, value in context.items() if name not in _PEOPLE}
    rest = {name: value for name, value in rest.items() if _holds(value)}
    known = {name: value for name, value in part.items() if name not in _HIDDEN.get(kind, frozenset())}
    if kind == "text" and not known:
        return rest
    if not part:
        return {"message": _without_people(message)} | rest
    return {kind: known} | rest


def _holds(value: object) -> bool:
    """Whether anything was told by it."""
    if isinstance(value, dict):
        return any(_holds(each) for each in value.values())
    return value is not None and value not in ("", [])


def _without_people(message: Json) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name not in _PEOPLE}


def read_call(content: bytes) -> Said:
    """A call as it stands in the conversation: that it came, and how it ended.

    A call of the contact opens the window like a message; one that was ours does not.
    """
    told = orjson.loads(content)
    call, profile, account = told["call"], told.get("profile") or {}, text(told.get("account"))
    theirs, event = text(call.get("direction")) != "BUSINESS_INITIATED", text(call.get("event"))[:40]
    number = text(call.get("from" if theirs else "to"))
    known = _known(text(profile.get("user_id")), number or text(profile.get("wa_id")), "", account)
    outcome = text(call.get("status"))[:40]
    kept = ("event", "direction", "status", "start_time", "end_time", "duration", "errors")
    return Said(
        provider_id=f"{text(call.get('id'))}:{event}" if text(call.get("id")) else "",
        kind="call",
        time=moment(call.get("timestamp")),
        known_as=known,
        name=_name(profile),
        content=Content(
            f"[call {(outcome or event or 'unknown').lower()}]", {"call": {n: call[n] for n in kept if n in call}}
        ),
        opens=theirs and event == "connect",
        counts=theirs and event == "connect",
    )


def read_echo(content: bytes) -> Said:
    """What the organization wrote in the app on its own telephone."""
    told = orjson.loads(content)
    message, account, ours = told["message"], text(told.get("account")), text(told.get("ours"))
    from_them = _digits(text(message.get("to"))) == _digits(ours) and bool(ours)
    number = text(message.get("from" if from_them else "to"))
    said = read(orjson.dumps({"message": message, "account": account}))
    known = _known(text(message.get("to_user_id")), number, "", account)
    return replace(said, known_as=known, formerly=(), direction="out", opens=False, counts=False)


def _digits(number: str) -> str:
    return "".join(char for char in number if char.isdigit())


def _media(kind: str, part: Json) -> tuple[Medium, ...]:
    identity = text(part.get("id"))
    if kind not in MEDIA_KINDS or not identity:
        return ()
    medium = Medium(
        id=identity[:200],
        kind=kind,
        media_type=text(part.get("mime_type"))[:100],
        sha256=text(part.get("sha256"))[:100],
        filename=text(part.get("filename"))[:_LONGEST_NAME],
    )
    return (medium,)


def _about(kind: str, part: Json) -> About | None:
    if kind == "reaction":
        return About("reaction", text(part.get("message_id")))
    if kind == "edit":
        return About("edit", text(part.get("original_message_id")))
    return About("revoke", text(part.get("original_message_id"))) if kind == "revoke" else None


def read_status(content: bytes) -> Report:
    """The report in an item's content."""
    told: Mapping[str, Any] = orjson.loads(content)["status"]
    errors = told.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    code = first.get("code")
    return Report(
        provider_id=text(told.get("id")),
        status=text(told.get("status")),
        time=moment(told.get("timestamp")),
        ours=text(told.get("biz_opaque_callback_data")),
        code=str(code) if isinstance(code, int) else "",
    )
