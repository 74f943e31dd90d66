from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from .member_of_linkedin import ANN, BAKERY, POSTS, Application, consent, one, post

Faults = Callable[..., Awaitable[None]]


@pytest.fixture
async def ann(http: httpx.AsyncClient) -> Application:
    return await consent(http)


async def test_a_post_is_live_read_found_and_deleted_again(ann: Application) -> None:
    created = await ann.publish(post("Hello \\(world\\)"))
    urn = created.headers["x-restli-id"]
    assert (created.status_code, created.content) == (201, b"")
    assert urn.startswith("urn:li:share:")

    read = (await ann.get(one(urn))).json()
    assert (read["id"], read["commentary"], read["lifecycleState"]) == (urn, "Hello \\(world\\)", "PUBLISHED")
    assert [found["id"] for found in await ann.found()] == [urn]
    [shown] = (await ann.http.get("/linkedin/control/posts")).json()
    assert (shown["text"], shown["author"], shown["deleted"]) == ("Hello (world)", ANN, False)

    for _ in range(2):
        assert (await ann.http.delete(one(urn), headers=ann.headers)).status_code == 204
    assert (await ann.get(one(urn))).status_code == 404
    assert await ann.found() == []


async def test_the_finder_pages_the_newest_first(ann: Application) -> None:
    urns = [(await ann.publish(post(f"Number {n}"))).headers["x-restli-id"] for n in range(5)]
    await ann.publish(post("From the page", BAKERY))
    page = (await ann.get(POSTS, q="author", author=ANN, start=1, count=2, sortBy="CREATED")).json()
    assert page["paging"]["total"] == 5
    assert len(page["elements"]) == 2
    assert {found["id"] for found in await ann.found()} == set(urns)


@pytest.mark.parametrize(
    "wrong", [{"count": "0"}, {"count": "101"}, {"start": "-1"}, {"count": "\u0663"}, {"q": "all"}]
)
async def test_a_finder_that_makes_no_sense_is_refused(ann: Application, wrong: dict[str, str]) -> None:
    query = {"q": "author", "author": ANN} | wrong
    assert (await ann.get(POSTS, **query)).status_code == 400


async def test_the_same_again_is_a_duplicate_even_when_the_first_is_gone(ann: Application) -> None:
    urn = (await ann.publish(post("Twice"))).headers["x-restli-id"]
    await ann.http.delete(one(urn), headers=ann.headers)
    again = await ann.publish(post("Twice"))
    assert again.status_code == 422
    assert again.json()["errorDetails"]["inputErrors"][0]["code"] == "DUPLICATE_POST"
    assert urn in again.json()["message"]
    assert (await ann.publish(post("Twice", BAKERY))).status_code == 201

    await ann.http.put("/linkedin/control/app", json={"duplicate_seconds": 0})
    assert (await ann.publish(post("Twice"))).status_code == 201


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (post() | {"visibility": None}, "/visibility"),
        (post() | {"visibility": "SECRET"}, "/visibility"),
        (post() | {"distribution": None}, "/distribution"),
        (post() | {"distribution": {}}, "/distribution/feedDistribution"),
        (post() | {"lifecycleState": "SOON"}, "/lifecycleState"),
        (post() | {"commentary": None}, "/commentary"),
        (post() | {"commentary": ["a"]}, "/commentary"),
        (post() | {"surprise": 1}, "/surprise"),
        (post("a" * 3001), "/commentary"),
        (post("brackets (need) escaping"), "/commentary"),
        (post("trailing \\"), "/commentary"),
    ],
)
async def test_a_wrong_field_is_refused_by_name(ann: Application, body: dict[str, Any], path: str) -> None:
    refused = await ann.publish(body)
    assert refused.status_code == 422, refused.text
    assert refused.json()["message"].startswith(f"ERROR :: {path} ::")
    assert await ann.found() == []


async def test_the_length_is_that_of_the_text_as_it_is_seen(ann: Application) -> None:
    assert (await ann.publish(post("\\(" * 3000))).status_code == 201


async def test_what_is_not_escaped_can_end_the_post_without_a_word(ann: Application) -> None:
    await ann.http.put("/linkedin/control/app", json={"unescaped": "truncate"})
    assert (await ann.publish(post("We open (at last) today"))).status_code == 201
    [shown] = (await ann.http.get("/linkedin/control/posts")).json()
    assert shown["text"] == "We open "


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"author":"\\ud800"}', b'{"a":' * 400 + b"1" + b"}" * 400])
async def test_a_body_that_is_no_object_is_refused(ann: Application, body: bytes) -> None:
    refused = await ann.http.post(POSTS, content=body, headers=ann.headers)
    assert refused.status_code == 400
    assert refused.json()["status"] == 400


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Linkedin-Version": ""}, 400, "VERSION_MISSING"),
        ({"Linkedin-Version": "202401"}, 426, "NONEXISTENT_VERSION"),
        ({"Linkedin-Version": "202613"}, 426, "NONEXISTENT_VERSION"),
        ({"Linkedin-Version": "latest"}, 426, "NONEXISTENT_VERSION"),
        ({"X-Restli-Protocol-Version": "1.0.0"}, 400, "ILLEGAL_ARGUMENT"),
        ({"Authorization": ""}, 401, "EMPTY_ACCESS_TOKEN"),
        ({"Authorization": "Bearer made-up"}, 401, "INVALID_ACCESS_TOKEN"),
        ({"Authorization": "Basic x"}, 401, "EMPTY_ACCESS_TOKEN"),
    ],
)
async def test_a_call_needs_its_headers(ann: Application, headers: dict[str, str], status: int, code: str) -> None:
    refused = await ann.http.post(POSTS, json=post(), headers=ann.headers | headers)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert refused.json()["status"] == status


async def test_a_sunset_version_says_so_with_its_day(ann: Application) -> None:
    await ann.http.put("/linkedin/control/app", json={"oldest_version": "202602"})
    refused = await ann.publish(post())
    assert refused.json()["message"] == "Requested version 20260101 is not active"


@pytest.mark.parametrize(
    "author", ["urn:li:person:bob", "urn:li:organization:6", "urn:li:organization:5000001", "ann"]
)
async def test_nobody_writes_for_another(http: httpx.AsyncClient, author: str) -> None:
    scope = "openid w_member_social r_member_social"  # none for pages
    ann = await consent(http, scope=scope)
    refused = await ann.publish(post(author=author))
    assert (refused.status_code, refused.json()["code"]) == (403, "ACCESS_DENIED")


async def test_a_role_that_may_not_write_does_not(http: httpx.AsyncClient) -> None:
    await http.post("/linkedin/control/people", json={"id": "dee", "pages": {"5000001": "ANALYST"}})
    dee = await consent(http, "dee")
    assert (await dee.publish(post(author=BAKERY))).status_code == 403
    assert (await dee.get(POSTS, q="author", author=BAKERY)).status_code == 200


async def test_reading_ones_posts_needs_its_own_permission(http: httpx.AsyncClient) -> None:
    ann = await consent(http, scope="openid w_member_social")
    assert (await ann.publish(post())).status_code == 201
    assert (await ann.get(POSTS, q="author", author=ANN)).status_code == 403


async def test_nobody_deletes_or_changes_anothers_post(http: httpx.AsyncClient, ann: Application) -> None:
    urn = (await ann.publish(post())).headers["x-restli-id"]
    bob = await consent(http, "bob")
    assert (await http.delete(one(urn), headers=bob.headers)).status_code == 403
    patch = {"patch": {"$set": {"commentary": "Mine"}}}
    update = bob.headers | {"X-RestLi-Method": "PARTIAL_UPDATE"}
    assert (await http.post(one(urn), json=patch, headers=update)).status_code == 403


async def test_a_post_can_be_changed_in_part(ann: Application) -> None:
    urn = (await ann.publish(post("Before"))).headers["x-restli-id"]
    update = ann.headers | {"X-RestLi-Method": "PARTIAL_UPDATE"}
    for patch, status in (
        ({"patch": {"$set": {"commentary": "After"}}}, 204),
        ({"patch": {"$set": {"author": "urn:li:person:bob"}}}, 422),
        ({"patch": {"$set": {"commentary": "not (escaped"}}}, 422),
        ({"patch": 5}, 400),
    ):
        assert (await ann.http.post(one(urn), json=patch, headers=update)).status_code == status
    read = (await ann.get(one(urn))).json()
    assert (read["commentary"], read["lifecycleStateInfo"]) == ("After", {"isEditedByAuthor": True})
    assert (await ann.http.post(one(urn), json=patch, headers=ann.headers)).status_code == 400


async def test_the_days_calls_are_counted_for_member_and_application(http: httpx.AsyncClient) -> None:
    ann, bob = await consent(http), await consent(http, "bob")
    await http.put("/linkedin/control/app", json={"member_calls_per_day": 1, "calls_per_day": 3})
    assert (await ann.publish(post("1"))).status_code == 201
    refused = await ann.publish(post("2"))
    assert (refused.status_code, refused.json()["code"]) == (429, "TOO_MANY_REQUESTS")
    assert "APPLICATION_AND_MEMBER DAY limit" in refused.json()["message"]
    assert (await bob.publish(post("3", "urn:li:person:bob"))).status_code == 201
    assert "throttle APPLICATION DAY limit" in (await bob.publish(post("4"))).json()["message"]
    assert len(await ann.found()) == 1, "reading has a quota of its own"
    calls = (await http.get("/linkedin/control/calls", params={"method": "posts.CREATE"})).json()
    assert (calls["count"], len(calls["times"])) == (4, 4)
    assert calls["times"] == sorted(calls["times"])


async def test_a_post_whose_answer_is_lost_is_live_and_a_duplicate(ann: Application, faults: Faults) -> None:
    await faults("linkedin", {"kind": "drop_after_effect", "match": {"path": POSTS, "method": "POST"}, "times": 1})
    with pytest.raises(httpx.RemoteProtocolError):
        await ann.publish(post("Lost"))
    assert [found["commentary"] for found in await ann.found()] == ["Lost"]
    assert (await ann.publish(post("Lost"))).status_code == 422


async def test_an_accepted_post_can_stay_invisible_for_a_while(ann: Application, faults: Faults) -> None:
    await faults("linkedin", {"kind": "visible_after", "seconds": 3600, "times": 1})
    urn = (await ann.publish(post("Later"))).headers["x-restli-id"]
    await ann.publish(post("Now"))
    assert [found["commentary"] for found in await ann.found()] == ["Now"]
    assert (await ann.get(one(urn))).status_code == 404
    shown = (await ann.http.get("/linkedin/control/posts", params={"author": ANN})).json()
    assert [seen["text"] for seen in shown] == ["Now", "Later"]


async def test_a_refusal_has_no_effect(ann: Application, faults: Faults) -> None:
    body = {"status": 503, "message": "down"}
    await faults("linkedin", {"kind": "refuse_before_effect", "status": 503, "body": body, "match": {"path": POSTS}})
    assert (await ann.publish(post())).json() == body
    assert (await ann.http.get("/linkedin/control/posts")).json() == []


async def test_an_image_is_announced_uploaded_and_shown(ann: Application) -> None:
    asked = {"initializeUploadRequest": {"owner": ANN}}
    path = "/linkedin/api/rest/images"
    assert (await ann.http.post(path, json=asked, headers=ann.headers)).status_code == 400
    path += "?action=initializeUpload"
    value = (await ann.http.post(path, json=asked, headers=ann.headers)).json()["value"]
    with_image = post("Look", content={"media": {"id": value["image"], "altText": "a loaf"}})
    assert (await ann.publish(with_image)).status_code == 422
    assert (await ann.get(f"/linkedin/api/rest/images/{value['image']}")).json()["status"] == "WAITING_UPLOAD"

    assert (await ann.http.put(value["uploadUrl"], content=b"", headers=ann.headers)).status_code == 400
    assert (await ann.http.put(value["uploadUrl"], content=b"png")).status_code == 401
    assert (await ann.http.put(value["uploadUrl"], content=b"png", headers=ann.headers)).status_code == 201
    assert (await ann.get(f"/linkedin/api/rest/images/{value['image']}")).json()["status"] == "AVAILABLE"
    assert (await ann.publish(with_image | {"author": BAKERY})).status_code == 422
    assert (await ann.publish(with_image)).status_code == 201

    asked = {"initializeUploadRequest": {"owner": "urn:li:person:bob"}}
    assert (await ann.http.post(path, json=asked, headers=ann.headers)).status_code == 403


async def test_an_unknown_resource_is_not_there(ann: Application) -> None:
    assert (await ann.get("/linkedin/api/rest/shares")).json()["code"] == "RESOURCE_NOT_FOUND"


async def test_a_reset_forgets_tokens_posts_and_settings(ann: Application) -> None:
    await ann.publish(post())
    await ann.http.put("/linkedin/control/app", json={"oldest_version": "202612"})
    await ann.http.post("/control/linkedin/reset")
    assert (await ann.http.get("/linkedin/control/posts")).json() == []
    assert (await ann.http.get("/linkedin/control/tokens")).json() == []
    assert (await ann.http.get("/linkedin/control/app")).json()["oldest_version"] == "202511"
