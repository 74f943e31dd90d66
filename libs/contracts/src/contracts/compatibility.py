"""Whether an event still keeps what its frozen schema promised, each breach named in plain words.

Inside one version only optional fields may be added. Both directions count: what was written earlier is still
read from the history (so nothing may be narrowed), and what is written now is read by consumers deployed
earlier, whose classes refuse what they never knew (so nothing may be widened either).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

Schema = Mapping[str, Any]
Known = frozenset[tuple[str, str]]

_ANNOTATIONS: Final = frozenset({"$schema", "$id", "title", "description", "examples", "deprecated", "$comment"})
_LOWER: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_READ_APART: Final = frozenset(
    {"$defs", "properties", "required", "enum", "const", "anyOf", "items", "additionalProperties"}
    | {"patternProperties", "x-event", *_LOWER, *_UPPER}
)
_NULL: Final = {"type": "null"}


def breaches(frozen: Mapping[str, Schema], current: Mapping[str, Schema]) -> list[str]:
    """Every way in which the current schemas break what was frozen, by event type; empty when they keep it."""
    found = [f"{name}: the event vanished" for name in frozen if name not in current]
    for name in frozen:
        if name in current:
            found += [f"{name}: {breach}" for breach in _event(frozen[name], current[name])]
    return found


def _event(old: Schema, new: Schema) -> Iterator[str]:
    """The breaches of one event: the facts of its envelope, then its data."""
    before, after = old["x-event"], new["x-event"]
    if before["type"] != after["type"]:
        yield f"the type changed from {before['type']} to {after['type']}"
    if before["subject"] != after["subject"]:
        yield f"the subject changed from {before['subject']} to {after['subject']}"
    if before["audience"] == "partners" and after["audience"] != "partners":
        yield "the audience was narrowed from partners to internal"
    yield from _Comparison(old, new).parts("data", old, new, frozenset())


class _Comparison:
    """Walks two documents side by side, following their references."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self.old_parts: Schema = old.get("$defs", {})
        self.new_parts: Schema = new.get("$defs", {})

    def parts(self, place: str, old: Any, new: Any, known: Known) -> Iterator[str]:
        """The breaches at one place and below it."""
        pair = (str(old.get("$ref", "")), str(new.get("$ref", "")))
        if all(pair) and pair in known:
            return
        known |= {pair}
        old, old_null = _without_null(_followed(old, self.old_parts))
        new, new_null = _without_null(_followed(new, self.new_parts))
        old, new = _followed(old, self.old_parts), _followed(new, self.new_parts)
        if old_null and not new_null:
            yield f"{place} may no longer be null"
        if new_null and not old_null:
            yield f"{place} may be null now, which earlier consumers refuse"
        if old.get("type") != new.get("type"):
            yield f"{place} changed its type from {_kind(old)} to {_kind(new)}"
            return
        yield from _values(place, old, new)
        yield from _bounds(place, old, new)
        yield from _others(place, old, new)
        yield from self._fields(place, old, new, known)
        yield from self._inner(place, old, new, known)

    def _fields(self, place: str, old: Schema, new: Schema, known: Known) -> Iterator[str]:
        """Fields removed, added as required, or with another obligation; then each field in itself."""
        before, after = old.get("properties", {}), new.get("properties", {})
        needed, needed_now = set(old.get("required", ())), set(new.get("required", ()))
        for name, field in before.items():
            here = f"{place}.{name}"
            if name not in after:
                yield f"{here} was removed"
                continue
            if name in needed_now - needed:
                yield f"{here} became required"
            if name in needed - needed_now:
                yield f"{here} became optional, but earlier consumers require it"
            yield from self.parts(here, field, after[name], known)
        for name in after:
            if name not in before and name in needed_now:
                yield f"{place}.{name} is new and required"

    def _inner(self, place: str, old: Schema, new: Schema, known: Known) -> Iterator[str]:
        """The items of a list, the values of a map, the alternatives of a union."""
        for keyword, word in (("items", "[]"), ("additionalProperties", "{}")):
            before, after = old.get(keyword, True), new.get(keyword, True)
            if isinstance(before, Mapping) and isinstance(after, Mapping):
                yield from self.parts(place + word, before, after, known)
            elif before != after:
                yield f"{place} changed its {keyword}"
        yield from self._maps(place, old, new, known)
        before, after = old.get("anyOf", ()), new.get("anyOf", ())
        if len(before) != len(after):
            yield f"{place} changed its alternatives"
            return
        for number, (one, other) in enumerate(zip(before, after, strict=True), start=1):
            yield from self.parts(f"{place}|{number}", one, other, known)

    def _maps(self, place: str, old: Schema, new: Schema, known: Known) -> Iterator[str]:
        """Maps whose keys follow a pattern."""
        before, after = old.get("patternProperties", {}), new.get("patternProperties", {})
        if before.keys() != after.keys():
            yield f"{place} changed the pattern of its keys"
            return
        for pattern, values in before.items():
            yield from self.parts(place + "{}", values, after[pattern], known)


def _followed(schema: Any, parts: Schema) -> Schema:
    """The schema that a reference stands for."""
    while "$ref" in schema:
        rest = {keyword: value for keyword, value in schema.items() if keyword != "$ref"}
        schema = {**parts[schema["$ref"].removeprefix("#/$defs/")], **rest}
    return dict(schema)


def _without_null(schema: Schema) -> tuple[Schema, bool]:
    """The schema of the values that are not null, and whether null is one."""
    alternatives = [one for one in schema.get("anyOf", ()) if one != _NULL]
    nullable = len(alternatives) < len(schema.get("anyOf", ()))
    if len(alternatives) != 1:
        return ({**schema, "anyOf": alternatives} if alternatives else schema), nullable
    return {**{word: value for word, value in schema.items() if word != "anyOf"}, **alternatives[0]}, nullable


def _kind(schema: Schema) -> str:
    return str(schema.get("type", "several"))


def _values(place: str, old: Schema, new: Schema) -> Iterator[str]:
    """Values of an enumeration that went or came."""
    before, after = _enumerated(old), _enumerated(new)
    if before is None and after is not None:
        yield f"{place} is an enumeration now"
    elif before is not None and after is None:
        yield f"{place} is no enumeration any more, and earlier consumers refuse new values"
    elif before is not None and after is not None:
        yield from (f"{place} lost the value {value!r}" for value in before if value not in after)
        for value in after:
            if value not in before:
                yield f"{place} gained the value {value!r}, which earlier consumers refuse"


def _enumerated(schema: Schema) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    return list(schema["enum"]) if "enum" in schema else None


def _bounds(place: str, old: Schema, new: Schema) -> Iterator[str]:
    """Limits that moved, appeared or went."""
    for keyword in (*_LOWER, *_UPPER):
        before, after = old.get(keyword), new.get(keyword)
        if before == after:
            continue
        up = before is not None and after is not None and after > before
        tighter = after is not None and (before is None or up == (keyword in _LOWER))
        moved = f"{keyword} {'none' if before is None else before} → {'none' if after is None else after}"
        yield f"{place} was {'narrowed' if tighter else 'widened beyond what earlier consumers take'} ({moved})"


def _others(place: str, old: Schema, new: Schema) -> Iterator[str]:
    """Any other keyword that constrains: pattern, format, default, and what nobody thought of."""
    for keyword in sorted((old.keys() | new.keys()) - _ANNOTATIONS - _READ_APART):
        if old.get(keyword) != new.get(keyword):
            yield f"{place} changed its {keyword} from {old.get(keyword)!r} to {new.get(keyword)!r}"
