"""Stripe's search language: https://docs.stripe.com/search#search-query-language."""

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from sandbox.stripe import errors
from sandbox.stripe.kinds import Kind
from sandbox.stripe.operations import Call, Operation
from sandbox.stripe.params import Integer, Text
from sandbox.stripe.store import Doc, Record

Condition = Callable[[Doc], bool]

_CLAUSE: Final = re.compile(
    r"""
    \s*(?P<not>-)?
    (?P<field>[a-z_][a-z_.]*)
    (?:\[(?P<quote>["'])(?P<key>(?:\\.|(?!(?P=quote)).)*)(?P=quote)\])?
    \s*(?P<sign>:|~|>=|<=|>|<)\s*
    (?: (?P<mark>["'])(?P<text>(?:\\.|(?!(?P=mark)).)*)(?P=mark) | (?P<bare>[^\s"']+) )
    """,
    re.VERBOSE,
)
_JOIN: Final = re.compile(r"\s+(AND|OR|and|or)\s+|\s+(?=\S)")
_ESCAPED: Final = re.compile(r"\\(.)")


def searching(kind: Kind, path: str) -> Operation:
    """The operation that searches a kind."""

    def run(call: Call) -> Doc:
        holds = read_query(call.given["query"], kind)
        found = [one for one in call.world.store.all(kind.name) if holds(one.data)]
        return _answer(call, found)

    params = {"query": Text(required=True), "limit": Integer(least=1, most=100), "page": Text(unsets=False)}
    return Operation("GET", path, run, params)


def read_query(query: str, kind: Kind) -> Condition:
    """What a query asks: clauses that must all hold, or of which one must.

    Raises:
        Refusal: It is no query, names a field that is not searched, or mixes AND and OR.
    """
    conditions: list[Condition] = []
    joins: set[str] = set()
    at = 0
    while True:
        clause = _CLAUSE.match(query, at)
        if clause is None:
            raise errors.invalid(
                'We were unable to parse your search query. Try using the format `metadata["key"]:"value"` to query '
                'for metadata or key:"value" to query for other fields.',
                "query",
            )
        conditions.append(_condition(clause, kind))
        at = clause.end()
        if not query[at:].strip():
            break
        join = _JOIN.match(query, at)
        if join is None:
            raise errors.invalid("We were unable to parse your search query.", "query")
        joins.add((join[1] or "AND").upper())
        at = join.end()
    if len(joins) > 1:
        raise errors.invalid("You cannot combine AND and OR in the same search query.", "query")
    if len(conditions) > 10:
        raise errors.invalid("Search queries are limited to 10 clauses.", "query")
    together = any if joins == {"OR"} else all
    return lambda document: together(condition(document) for condition in conditions)


def _condition(clause: re.Match[str], kind: Kind) -> Condition:
    name, key, sign = clause["field"], clause["key"], clause["sign"]
    wanted = clause["bare"] if clause["text"] is None else _ESCAPED.sub(r"\1", clause["text"])
    read = _reader(name, key, kind)
    denied = bool(clause["not"])

    def holds(document: Doc) -> bool:
        found = read(document)
        if wanted == "null" and clause["text"] is None:
            matches = found is None or found == ""
        else:
            matches = _compare(found, sign, wanted)
        return matches != denied

    return holds


def _reader(name: str, key: str | None, kind: Kind) -> Callable[[Doc], Any]:
    if name == "metadata" and key is not None:
        return lambda document: document.get("metadata", {}).get(key)
    if name == "created":
        return lambda document: document.get("created")
    place = kind.searched.get(name)
    if place is None:
        raise errors.invalid(f"Field `{name}` is an unsupported search field for resource `{kind.name}s`.", "query")
    return lambda document: _at(document, place.split("."))


def _at(document: Any, steps: list[str]) -> Any:
    for step in steps:
        document = document.get(step) if isinstance(document, dict) else None
    return document


def _compare(found: Any, sign: str, wanted: str) -> bool:
    if found is None:
        return False
    if sign == ":":
        text = str(found).lower() if not isinstance(found, bool) else ("true" if found else "false")
        return text == wanted.lower()
    if sign == "~":
        if len(wanted) < 3:
            raise errors.invalid("Substring matches need at least 3 characters.", "query")
        return wanted.lower() in str(found).lower()
    try:
        left, right = Decimal(str(found)), Decimal(wanted)
    except InvalidOperation:
        raise errors.invalid(f"`{wanted}` is no number.", "query") from None
    return {">": left > right, "<": left < right, ">=": left >= right, "<=": left <= right}[sign]


def _answer(call: Call, found: list[Record]) -> Doc:
    start = call.get("page", "0")
    if not start.isdigit():
        raise errors.invalid("Invalid page.", "page")
    begin, limit = int(start), call.get("limit", 10)
    more = len(found) > begin + limit
    return {
        "object": "search_result",
        "data": [one.shown() for one in found[begin : begin + limit]],
        "has_more": more,
        "next_page": str(begin + limit) if more else None,
        "url": call.path,
    }
