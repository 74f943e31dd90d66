from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Response
from hypothesis import given
from hypothesis import strategies as st

from kit.http.app import create_app
from kit.http.etag import Changed, Condition, ConditionMalformed, Expected, Versioned, etag, parse_tags
from kit.http.pagination import BadCursor, Page, Paging, decode_cursor, encode_cursor

Serving = Callable[[FastAPI], AbstractAsyncContextManager[httpx.AsyncClient]]

KINDS = {
    str: st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    int: st.integers(-(2**63), 2**63 - 1),
}
KINDS |= {UUID: st.uuids(), bool: st.booleans(), float: st.floats(allow_nan=False, allow_infinity=False)}
KINDS |= {datetime: st.datetimes(timezones=st.just(UTC))}
TYPED = st.sampled_from(list(KINDS)).flatmap(lambda kind: st.tuples(st.just(kind), KINDS[kind]))

router = APIRouter()


@router.get("/numbers")
async def numbers(page: Paging) -> Page[int]:
    (after,) = page.after(int) or (0,)
    items, following = page.cut(range(after + 1, min(after + page.limit + 2, 61)), lambda number: (number,))
    return Page(items=items, next_cursor=following)


@router.get("/thing", response_model=dict)
async def thing(versions: Versioned) -> dict[str, str] | Response:
    return versions.unchanged(3) or {"name": "a"}


@router.patch("/thing")
async def change(expected: Expected) -> dict[str, int | None]:
    expected.check(3)
    return {"version": expected.version}


@pytest.fixture
def app() -> FastAPI:
    return create_app(service="sample", title="Sample", routers=[router])


@given(st.lists(TYPED, min_size=1, max_size=4))
def test_a_cursor_gives_back_its_sort_values(typed: Any) -> None:
    values = tuple(value for _, value in typed)
    assert decode_cursor(encode_cursor(*values), *(kind for kind, _ in typed)) == values


@given(st.text(max_size=60) | st.binary(max_size=40).map(lambda raw: raw.decode("latin-1")))
def test_anything_else_is_refused_as_a_bad_cursor(text: str) -> None:
    try:
        decode_cursor(text, str, int)
    except BadCursor:
        return
    assert decode_cursor(text, str, int)


@pytest.mark.parametrize("values", [("a",), ("a", "b"), ("a", True), ("a", 1, 2), ("a", 1.5), (None, 1), ("\0", 1)])
def test_a_cursor_of_another_list_is_refused(values: Any) -> None:
    with pytest.raises(BadCursor):
        decode_cursor(encode_cursor(*values), str, int)


def test_a_time_in_a_cursor_must_say_its_offset() -> None:
    with pytest.raises(ValueError, match="offset"):
        encode_cursor(datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(BadCursor):
        decode_cursor(encode_cursor("2026-01-01T00:00:00"), datetime)
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=1)
    assert decode_cursor(encode_cursor(moment, uuid4()), datetime, UUID)[0] == moment


async def test_all_pages_together_are_the_list_without_gap_or_repetition(app: FastAPI, serving: Serving) -> None:
    seen, cursor = [], None
    async with serving(app) as client:
        while True:
            page = (await client.get("/numbers", params={"cursor": cursor} if cursor else {})).json()
            seen += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
    assert seen == list(range(1, 61))


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("cursor=***", "cursor"),
        ("cursor=", "cursor"),
    ],
)
async def test_a_wrong_page_is_told_by_its_parameter(
    app: FastAPI, serving: Serving, query: str, parameter: str
) -> None:
    async with serving(app) as client:
        answer = await client.get(f"/numbers?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == parameter


TAG = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='"'), max_size=8)
GAPS = st.sampled_from([",", ", ", " ,", ",, ", "\t,\t"])


@given(st.lists(st.tuples(st.booleans(), TAG), min_size=1, max_size=5), GAPS)
def test_a_list_of_entity_tags_is_read_as_written(tags: Any, gap: Any) -> None:
    text = gap.join(f'{"W/" if weak else ""}"{tag}"' for weak, tag in tags)
    assert list(parse_tags([text]).tags) == tags


@given(st.text(max_size=30))
def test_any_other_text_is_read_or_refused_but_never_breaks(text: str) -> None:
    try:
        parse_tags([text])
    except ConditionMalformed:
        return


@pytest.mark.parametrize("text", ["", "v3", '"a" "b"', '"a', 'w/"a"', '*, "a"', ","])
def test_what_is_not_a_list_of_entity_tags_is_refused(text: str) -> None:
    with pytest.raises(ConditionMalformed):
        parse_tags([text])


def test_the_expected_version_is_the_one_that_is_named() -> None:
    assert Condition(parse_tags([etag(7)])).version == 7
    assert Condition(parse_tags(["*"])).version is None
    for text in ('"v1", "v2"', 'W/"v1"', '"other"'):
        with pytest.raises(Changed):
            _ = Condition(parse_tags([text])).version


@pytest.mark.parametrize(
    ("given_", "status"),
    [('"v3"', 200), ("*", 200), ('"v2"', 412), ('W/"v3"', 412), ("v3", 412), (None, 428), ('"x" , "v3"', 200)],
)
async def test_a_change_needs_the_version_that_was_read(
    app: FastAPI, serving: Serving, given_: Any, status: int
) -> None:
    async with serving(app) as client:
        answer = await client.patch("/thing", headers={"if-match": given_} if given_ else {})
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("given_", "status"), [(None, 200), ('"v3"', 304), ('W/"v3"', 304), ("*", 304), ('"v2"', 200), ("junk", 200)]
)
async def test_a_reader_who_has_the_version_is_not_sent_it_again(
    app: FastAPI, serving: Serving, given_: Any, status: int
) -> None:
    async with serving(app) as client:
        answer = await client.get("/thing", headers={"if-none-match": given_} if given_ else {})
    assert (answer.status_code, answer.headers["etag"]) == (status, '"v3"')
    assert bool(answer.content) is (status == 200)
