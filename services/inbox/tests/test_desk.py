"""Canned replies, saved filters and drafts: of all or of one alone, and never lost or mixed up."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from contracts.inbox import ArrangementChanged
from inbox.api import ROUTERS
from inbox.views.schemas import ViewFilter
from kit.ids import new_id

from .house import House
from .test_notes import as_user

CANNED = "/v1/canned-replies"


def canned(
    code: str = "thanks", text: str = "Thank you, {{contact.first_name|friend}}!", **more: Any
) -> dict[str, Any]:
    return {"short_code": code, "title": "Thanks", "text": text, **more}


async def ask(
    house: House, user_id: UUID, method: str, path: str, role: str = "agent", **more: Any
) -> httpx.Response:
    headers = as_user(house, user_id, role, more.pop("by", None)) | more.pop("headers", {})
    return await house.client.request(method, path, headers=headers, **more)


async def test_a_canned_reply_of_all_is_made_by_managers_and_filled_in_a_conversation(house: House) -> None:
    conversation, boss, robin = await house.open_conversation(), await house.member("admin"), await house.member()
    refused = await ask(house, robin, "POST", CANNED, json=canned(shared=True))
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (403, "shared-by-all")
    made = await ask(house, boss, "POST", CANNED, "admin", json=canned("Thanks", shared=True))
    assert (made.status_code, made.json()["short_code"], made.json()["shared"]) == (201, "thanks", True)
    assert (await ask(house, boss, "POST", CANNED, "admin", json=canned(shared=True))).status_code == 409
    own = await ask(house, robin, "POST", CANNED, json=canned(text="mine"))
    assert own.status_code == 201, "one's own may be called the same"
    told = [each for each in await house.told() if isinstance(each, ArrangementChanged)]
    assert [(each.kind, str(each.thing_id)) for each in told] == [("canned_reply", made.json()["id"])]
    path = f"{CANNED}/{made.json()['id']}"
    filled = await ask(house, robin, "POST", f"{path}/fill", json={"conversation_id": conversation["id"]})
    assert filled.json() == {"text": "Thank you, Sheena!", "missing": []}
    change: dict[str, Any] = {"json": canned(text="Bye"), "headers": {"if-match": '"v1"'}}
    assert (await ask(house, robin, "PUT", path, **change)).status_code == 403
    assert (await ask(house, boss, "PUT", path, "admin", **change)).json()["text"] == "Bye"
    assert (await ask(house, boss, "PUT", path, "admin", **change)).status_code == 412
    assert (await ask(house, robin, "DELETE", path)).status_code == 403
    assert (await ask(house, boss, "DELETE", path, "admin")).status_code == 204
    assert (await ask(house, boss, "DELETE", path, "admin")).status_code == 404
    rows = await house.rows("SELECT a::text AS text FROM arrangements AS a")
    assert not [row for row in rows if "mine" in row["text"]]


async def test_codes_are_found_by_their_beginning_and_nobody_sees_anothers_own(house: House) -> None:
    robin, pat, other = await house.member(), await house.member(), new_id()
    for code in ("hello", "help", "bye"):
        assert (await ask(house, robin, "POST", CANNED, json=canned(code))).status_code == 201
    await ask(house, pat, "POST", CANNED, json=canned("held"))
    await ask(house, robin, "POST", CANNED, json=canned("hero"), by=other)

    async def codes(user_id: UUID, query: str = "", **more: Any) -> list[str]:
        answer = await ask(house, user_id, "GET", f"{CANNED}{query}", **more)
        return [each["short_code"] for each in answer.json()["items"]]

    assert await codes(robin) == ["bye", "hello", "help"]
    assert await codes(robin, "?prefix=HEL") == ["hello", "help"]
    assert await codes(robin, "?prefix=%25") == []
    assert await codes(pat, "?prefix=he") == ["held"]
    assert await codes(robin, by=other) == ["hero"]
    page = (await ask(house, robin, "GET", f"{CANNED}?limit=2")).json()
    assert await codes(robin, f"?limit=2&cursor={page['next_cursor']}") == ["help"]
    theirs = (await ask(house, pat, "GET", CANNED)).json()["items"][0]["id"]
    for method, path, body in (
        ("PUT", f"{CANNED}/{theirs}", canned("x")),
        ("DELETE", f"{CANNED}/{theirs}", None),
        ("POST", f"{CANNED}/{theirs}/fill", {"conversation_id": str(new_id())}),
    ):
        answer = await ask(house, robin, method, path, json=body, headers={"if-match": "*"})
        assert answer.status_code == 404, path


async def test_twins_make_one_and_a_repeated_request_gives_the_same(house: House) -> None:
    robin = await house.member()
    both = await asyncio.gather(*(ask(house, robin, "POST", CANNED, json=canned()) for _ in range(3)))
    assert sorted(each.status_code for each in both) == [201, 409, 409]
    key = {"idempotency-key": new_id().hex}
    again = [await ask(house, robin, "POST", CANNED, json=canned("once"), headers=key) for _ in range(2)]
    assert again[0].json() == again[1].json()


@pytest.mark.parametrize(
    "body",
    [
        canned("with space"),
        canned("x" * 33),
        canned(text="{{no.such}}"),
        canned(text="{{contact.name"),
        canned(text=""),
        canned(title=""),
        canned(extra=1),
    ],
)
async def test_a_canned_reply_that_is_none_is_refused(house: House, body: dict[str, Any]) -> None:
    assert (await ask(house, await house.member(), "POST", CANNED, json=body)).status_code == 422


def test_a_saved_filter_takes_what_the_list_takes() -> None:
    (route,) = (
        each
        for router in ROUTERS
        for each in router.routes
        if getattr(each, "path", "") == "/v1/conversations" and "GET" in getattr(each, "methods", ())
    )
    wanted = next(each for each in route.dependant.dependencies if getattr(each.call, "__name__", "") == "wanted")  # type: ignore[attr-defined]
    assert {each.name for each in wanted.query_params} == set(ViewFilter.model_fields)


async def test_a_saved_filter_chooses_as_it_says(house: House) -> None:
    conversation, robin = await house.open_conversation(), await house.member()
    body = {"name": "Mine, unread", "filter": {"assignee": "none", "unread": True, "order": "waiting"}}
    made = await ask(house, robin, "POST", "/v1/views", json=body)
    assert made.status_code == 201, made.text
    assert made.json()["query"] == {"assignee": "none", "unread": True, "order": "waiting"}
    found = await ask(house, robin, "GET", "/v1/conversations", params=made.json()["query"])
    assert [each["id"] for each in found.json()["items"]] == [conversation["id"]]
    path = f"/v1/views/{made.json()['id']}"
    changed = body | {"filter": {"state": "resolved"}}
    answer = await ask(house, robin, "PUT", path, json=changed, headers={"if-match": '"v1"'})
    assert (answer.json()["query"], answer.headers["etag"]) == ({"state": "resolved", "order": "activity"}, '"v2"')
    assert (await ask(house, robin, "POST", "/v1/views", json=body | {"name": "MINE,  unread"})).status_code == 409
    for wrong in ({"state": "lost"}, {"assignee": "me"}, {"sql": "1=1"}, {"channel_id": "x"}):
        answer = await ask(house, robin, "POST", "/v1/views", json={"name": "x", "filter": wrong})
        assert answer.status_code == 422, wrong
    assert (await ask(house, robin, "GET", "/v1/views", by=new_id())).json()["items"] == []
    assert (await ask(house, robin, "DELETE", path)).status_code == 204


async def test_two_tabs_cannot_overwrite_one_another_unseen(house: House) -> None:
    conversation, robin, pat = await house.open_conversation(), await house.member(), await house.member()
    path = f"/v1/conversations/{conversation['id']}/draft"

    async def save(text: str, version: int, who: UUID = robin) -> httpx.Response:
        return await ask(house, who, "PUT", path, json={"text": text}, headers={"if-match": f'"v{version}"'})

    assert (await ask(house, robin, "GET", path)).json()["version"] == 0
    both = await asyncio.gather(save("one tab", 0), save("other tab", 0))
    assert sorted(each.status_code for each in both) == [200, 412]
    assert (await save("late", 0)).status_code == 412
    assert (await save("seen", 1)).json()["version"] == 2
    assert (await ask(house, pat, "GET", path)).json() == {
        "text": "",
        "reply_to": None,
        "changed_at": None,
        "version": 0,
    }
    assert (await save("of a colleague", 0, pat)).status_code == 200
    assert not [row for row in await house.rows("SELECT d::text AS text FROM drafts AS d") if "seen" in row["text"]]
    sent = await ask(house, robin, "POST", f"/v1/conversations/{conversation['id']}/messages", json={"text": "done"})
    assert sent.status_code == 202
    shown = (await ask(house, robin, "GET", path)).json()
    assert (shown["text"], shown["version"]) == ("", 3)
    assert (await save("a tab that slept", 2)).status_code == 412
    assert (await ask(house, pat, "GET", path)).json()["text"] == "of a colleague"
    assert (await ask(house, pat, "DELETE", path)).status_code == 204
    assert (await ask(house, pat, "GET", path)).json()["text"] == ""
    assert (await ask(house, robin, "PUT", path, json={"text": "x"})).status_code == 428
    foreign = await ask(house, robin, "PUT", path, json={"text": "x"}, headers={"if-match": '"v0"'}, by=new_id())
    assert foreign.status_code == 404
