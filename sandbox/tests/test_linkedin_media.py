from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from .conftest import until
from .member_of_linkedin import ANN, BAKERY, Application, consent, post

REST = "/linkedin/api/rest"
PART = 4 * 1024 * 1024


@pytest.fixture
async def ann(http: httpx.AsyncClient) -> Application:
    return await consent(http)


async def announced(app: Application, kind: str, owner: str, **more: Any) -> dict[str, Any]:
    body = {"initializeUploadRequest": {"owner": owner, **more}}
    answer = await app.http.post(f"{REST}/{kind}?action=initializeUpload", json=body, headers=app.headers)
    assert answer.status_code == 200, answer.text
    value: dict[str, Any] = answer.json()["value"]
    return value


async def put(app: Application, url: str, content: bytes) -> httpx.Response:
    return await app.http.put(urlsplit(url).path, content=content, headers=app.headers)


async def image(app: Application, owner: str = ANN) -> str:
    value = await announced(app, "images", owner)
    assert (await put(app, value["uploadUrl"], b"png")).status_code == 201
    return str(value["image"])


async def film(app: Application, content: bytes) -> tuple[dict[str, Any], httpx.Response]:
    value = await announced(app, "videos", ANN, fileSizeBytes=len(content))
    tags = []
    for part in value["uploadInstructions"]:
        piece = content[part["firstByte"] : part["lastByte"] + 1]
        tags.append((await put(app, part["uploadUrl"], piece)).headers["etag"])
    told = {"video": value["video"], "uploadToken": value["uploadToken"], "uploadedPartIds": tags}
    return value, await app.http.post(
        f"{REST}/videos?action=finalizeUpload", json={"finalizeUploadRequest": told}, headers=app.headers
    )


async def status(app: Application, urn: str) -> str:
    return str((await app.get(f"{REST}/videos/{quote(urn, safe='')}")).json()["status"])


async def test_several_pictures_stand_in_one_post_but_not_one_alone(ann: Application) -> None:
    urns = [await image(ann) for _ in range(2)]

    def several(images: list[str]) -> dict[str, Any]:
        return post("Two", content={"multiImage": {"images": [{"id": urn, "altText": "a"} for urn in images]}})

    assert (await ann.publish(several(urns))).status_code == 201
    assert (await ann.publish(several(urns[:1]))).status_code == 422
    assert (await ann.publish(several([urns[0], await image(ann, BAKERY)]))).status_code == 422


async def test_a_film_is_sent_in_parts_and_can_be_posted_once_it_is_available(ann: Application) -> None:
    value, finished = await film(ann, b"f" * (PART + 10))
    assert (finished.status_code, len(value["uploadInstructions"])) == (200, 2)
    body = post("Film", content={"media": {"id": value["video"], "title": "t"}})
    assert (await ann.publish(body)).status_code == 422

    async def available() -> bool:
        return await status(ann, value["video"]) == "AVAILABLE"

    await until(available)
    made = await ann.publish(body)
    assert made.headers["x-restli-id"].startswith("urn:li:ugcPost:")


async def test_a_film_may_fail_and_parts_must_be_those_that_came(ann: Application, http: httpx.AsyncClient) -> None:
    await http.put("/linkedin/control/app", json={"processing": "fails", "processing_seconds": 0})
    value, _ = await film(ann, b"f")
    assert await status(ann, value["video"]) == "PROCESSING_FAILED"
    other = await announced(ann, "videos", ANN, fileSizeBytes=10)
    told = {"video": other["video"], "uploadToken": other["uploadToken"], "uploadedPartIds": ["no"]}
    refused = await http.post(
        f"{REST}/videos?action=finalizeUpload", json={"finalizeUploadRequest": told}, headers=ann.headers
    )
    assert refused.status_code == 400


async def test_documents_are_uploaded_like_pictures_and_worked_on_like_films(
    ann: Application, http: httpx.AsyncClient
) -> None:
    await http.put("/linkedin/control/app", json={"processing_seconds": 3600})
    value = await announced(ann, "documents", BAKERY)
    body = post("Read", BAKERY, content={"media": {"id": value["document"], "title": "Prices"}})
    assert (await ann.publish(body)).status_code == 422
    assert (await put(ann, value["uploadUrl"], b"%PDF")).status_code == 201
    assert (await ann.publish(body)).status_code == 422, "it is still worked on"
    await http.put("/linkedin/control/app", json={"processing_seconds": 0})
    assert (await put(ann, value["uploadUrl"], b"%PDF")).status_code == 201
    assert (await ann.publish(body)).status_code == 201


async def test_a_comment_stands_below_its_post(ann: Application, http: httpx.AsyncClient) -> None:
    urn = (await ann.publish(post("Fresh", BAKERY))).headers["x-restli-id"]
    below = f"{REST}/socialActions/{quote(urn, safe='')}/comments"
    said = {"actor": BAKERY, "object": urn, "message": {"text": "First"}}
    made = await http.post(below, json=said, headers=ann.headers)
    assert (made.status_code, bool(made.headers["x-restli-id"])) == (201, True)
    (read,) = (await ann.get(below)).json()["elements"]
    assert (read["id"], read["message"]["text"]) == (made.headers["x-restli-id"], "First")
    foreign = said | {"actor": "urn:li:organization:1"}
    assert (await http.post(below, json=foreign, headers=ann.headers)).status_code == 403
