"""`expand[]`: ids become the objects they name, and what is shown on demand is shown."""

from typing import Any, Final

from sandbox.stripe import errors
from sandbox.stripe.kinds import ANY, Kind, Kinds
from sandbox.stripe.store import Doc, Record, Store

DEEPEST: Final = 4
LISTS: Final = {"list", "search_result"}


class Expansion:
    """Expands documents of one account."""

    def __init__(self, store: Store, kinds: Kinds) -> None:
        self._store, self._kinds = store, kinds

    def expand(self, document: Doc, paths: list[str]) -> Doc:
        """The document with all that was asked for in its place.

        Raises:
            Refusal: Something asked for cannot be expanded.
        """
        for i, path in enumerate(paths):
            steps = path.split(".")
            if len([step for step in steps if step != "data"]) > DEEPEST:
                raise errors.invalid(
                    f"You cannot expand more than {DEEPEST} levels of a property. Property: {path}", f"expand[{i}]"
                )
            if not self._into(document, steps):
                raise errors.invalid(f"This property cannot be expanded ({path}).", f"expand[{i}]")
        return document

    def _into(self, document: Doc, steps: list[str]) -> bool:
        if document.get("object") in LISTS:
            if steps[0] == "total_count" and document["object"] == "search_result":
                return len(steps) == 1
            if steps[0] != "data" or len(steps) == 1:
                return False
            return all(self._into(one, steps[1:]) for one in document["data"])
        kind = self._kinds.get(str(document.get("object")))
        return kind is not None and self._place(kind, document, steps)

    def _place(self, kind: Kind, document: Doc, steps: list[str]) -> bool:
        """Find the longest way into the object that is a place of its own, and go on from there."""
        holder: Any = document
        for length, step in enumerate(steps, start=1):
            place = ".".join(steps[:length])
            rest = steps[length:]
            if place in kind.links:
                return self._link(holder, step, kind.links[place], rest)
            if place in kind.on_demand:
                return self._show(kind, document, holder, place, rest)
            beneath = holder.get(step) if isinstance(holder, dict) else None
            if isinstance(beneath, dict) and "object" in beneath:
                return not rest or self._into(beneath, rest)
            if beneath is None:
                return any(one.startswith(f"{place}.") for one in kind.links)
            holder = beneath
        return False

    def _link(self, holder: Any, step: str, kind: str, rest: list[str]) -> bool:
        if not isinstance(holder, dict) or holder.get(step) is None:
            return True
        value = holder[step]
        if isinstance(value, list):
            holder[step] = [self._object(one, kind) for one in value]
            return not rest or all(self._into(one, rest) for one in holder[step] if isinstance(one, dict))
        holder[step] = self._object(value, kind)
        beneath = holder[step]
        return not rest or not isinstance(beneath, dict) or bool(beneath.get("deleted")) or self._into(beneath, rest)

    def _object(self, value: Any, kind: str) -> Any:
        if not isinstance(value, str):
            return value
        record = self._store.find(value) if kind == ANY else self._store.get(kind, value)
        return value if record is None else record.shown()

    def _show(self, kind: Kind, document: Doc, holder: Any, place: str, rest: list[str]) -> bool:
        step = place.rsplit(".", 1)[-1]
        if step not in holder:
            record = self._record(document)
            holder[step] = None if record is None else kind.on_demand[place](self._store, record)
        beneath = holder[step]
        if not rest or beneath is None:
            return True
        return isinstance(beneath, dict) and self._into(beneath, rest)

    def _record(self, document: Doc) -> Record | None:
        return self._store.get(str(document["object"]), str(document.get("id")))
