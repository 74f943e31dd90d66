"""A query that was read becomes a plan: with ids, hashes of personal values and times.

The function `segment_sql` of the database makes the SQL of it; the two know the same words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from inbox.attributes.model import Attribute
from inbox.contacts.blind import Blind
from inbox.fields.model import key_of
from inbox.fields.service import blind_value
from inbox.segments.errors import QueryRefused
from inbox.segments.language import Json, moment

Plan = dict[str, Any]

_OF_TYPE: Final[Mapping[str, frozenset[str]]] = {
    "text": frozenset({"is", "in", "begins", "contains", "known"}),
    "link": frozenset({"is", "in", "begins", "contains", "known"}),
    "number": frozenset({"is", "in", "at_least", "at_most", "known"}),
    "date": frozenset({"is", "in", "at_least", "at_most", "known"}),
    "list": frozenset({"is", "in", "known"}),
    "several": frozenset({"is", "in", "known"}),
    "checkbox": frozenset({"is", "known"}),
}
_WORDS: Final = ("all", "any", "not", "attribute", "label", "consent", "identity", "created", "spoken")
_PERSONAL: Final = frozenset({"is", "in", "known"})
"""What can be asked of values that lie sealed."""


@dataclass(frozen=True, slots=True)
class Planning:
    """What a plan is made with: attributes by key, labels that are there, hashes, and the time."""

    attributes: Mapping[str, Attribute]
    labels: frozenset[UUID]
    blind: Blind
    now: datetime

    def plan(self, query: Json, at: str = "#/query") -> Plan:
        """The plan of a query without breaches.

        Raises:
            QueryRefused: an attribute or label is not there, or a value does not suit.
        """
        ((word, told),) = ((word, query[word]) for word in _WORDS if word in query)
        if word in ("all", "any"):
            return {"on": word, "of": [self.plan(each, f"{at}/{word}/{place}") for place, each in enumerate(told)]}
        if word == "not":
            return {"on": "not", "of": self.plan(told, f"{at}/not")}
        if word == "attribute":
            return self._attribute(told, query, at)
        return {"on": word, **self._fact(word, told, at)}

    def _fact(self, word: str, told: Any, at: str) -> Plan:
        match word:
            case "label" if UUID(told) not in self.labels:
                raise QueryRefused([(f"{at}/label", "There is no such label.")])
            case "label":
                return {"id": str(UUID(told))}
            case "identity":
                return {"kind": told}
            case "consent":
                return dict(told)
        kind = {"channel_kind": told["channel_kind"]} if "channel_kind" in told else {}
        return {**self._times(told), **kind}

    def _times(self, times: Json) -> Plan:
        told = {"from": moment(times.get("after")), "to": moment(times.get("before"))}
        if "within_days" in times:
            told["from"] = self.now - timedelta(days=times["within_days"])
        return {name: at.isoformat() for name, at in told.items() if at is not None}

    def _attribute(self, key: str, query: Json, at: str) -> Plan:
        attribute = self.attributes.get(key)
        if attribute is None:
            raise QueryRefused([(f"{at}/attribute", "There is no such attribute of contacts.")])
        given = {word: query[word] for word in query if word != "attribute"}
        offered = _OF_TYPE[attribute.type] & (_PERSONAL if attribute.personal else _OF_TYPE[attribute.type])
        for word in given:
            if word not in offered:
                why = "is sealed" if attribute.personal else f"is of type {attribute.type}"
                detail = f"The attribute {why} and can be asked for {', '.join(sorted(offered))}."
                raise QueryRefused([(f"{at}/{word}", detail)])
        told: Plan = {"on": "attribute", "id": str(attribute.id)}
        if "known" in given:
            known: Plan = told | {"op": "known"}
            return known if given["known"] else {"on": "not", "of": known}
        if "is" in given or "in" in given:
            values = given["in"] if "in" in given else [given["is"]]
            keys = [self._key(attribute, each, at) for each in values]
            if attribute.personal:
                hashes = [blind_value(self.blind, attribute.id, each).hex() for each in keys]
                return {"on": "any", "of": [told | {"op": "blind", "value": each} for each in hashes]}
            return told | {"op": "key", "values": keys}
        if "begins" in given or "contains" in given:
            word = "begins" if "begins" in given else "contains"
            return told | {"op": word, "value": key_of(given[word])}
        return told | self._range(attribute, given, at)

    def _key(self, attribute: Attribute, value: Any, at: str) -> str:
        """A value as it is compared; one that the attribute cannot have is found nowhere, and refused."""
        wanted = {"number": (int, float), "checkbox": (bool,)}.get(attribute.type, (str,))
        if not isinstance(value, wanted) or (isinstance(value, bool) and attribute.type != "checkbox"):
            raise QueryRefused([(at, f"The attribute is of type {attribute.type}.")])
        if attribute.type in ("list", "several") and value not in attribute.choices:
            raise QueryRefused([(at, "The attribute has no such choice.")])
        if attribute.type in ("number", "checkbox", "date"):
            return key_of(attribute.written(value))
        return key_of(str(value))

    def _range(self, attribute: Attribute, given: Json, at: str) -> Plan:
        ends = {"from": given.get("at_least"), "to": given.get("at_most")}
        keys = {name: self._key(attribute, value, at) for name, value in ends.items() if value is not None}
        return {"op": "number" if attribute.type == "number" else "key_range", **keys}
