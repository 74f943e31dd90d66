import asyncio
import hashlib
import hmac
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
import pytest

from .conftest import until
from .hook import listening
from .listening import Handler
from .oauth_of import REDIRECT, Application, brought_back

AUTHORIZE, V2 = "/tiktok/www/v2/auth/authorize/", "/tiktok/api/v2"
TOKEN, POSTING = f"{V2}/oauth/token/", f"{V2}/post/publish"
SECRETS = {"client_key": "sandboxtiktokkey", "client_secret": "sandbox-tiktok-secret"}
SCOPE = "user.info.basic,video.publish,video.list"
ASKED = {
    "client_key": "sandboxtiktokkey",
    "response_type": "code",
    "scope": SCOPE,
    "redirect_uri": REDIRECT,
    "state": "s",
}
PUBLIC = "PUBLIC_TO_EVERYONE"
MB = 1024 * 1024


async def consent(http: httpx.AsyncClient, person: str = "ann-open-id") -> dict[str, Any]:
    back = brought_back(await http.get(AUTHORIZE, params=ASKED | {"approve": person}))
    form = {"grant_type": "authorization_code", "code": back["code"], "redirect_uri": REDIRECT}
    tokens: dict[str, Any] = (await http.post(TOKEN, data=form | SECRETS)).json()
    return tokens


@pytest.fixture
async def ann(http: httpx.AsyncClient) -> Application:
    return Application(http, await consent(http))


def film(size: int, chunk: int, count: int, privacy: str = PUBLIC, title: str = "Bread") -> dict[str, Any]:
    return {
        "post_info": {"title": title, "privacy_level": privacy},
        "source_info": {
            "source": "FILE_UPLOAD",
            "video_size": size,
            "chunk_size": chunk,
            "total_chunk_count": count,
        },
    }


async def status_of(app: Application, publish_id: str) -> dict[str, Any]:
    answer = await app.post(f"{POSTING}/status/fetch/", {"publish_id": publish_id})
    assert answer.json()["error"]["code"] == "ok"
    told: dict[str, Any] = answer.json()["data"]
    return told


async def sent(app: Application, size: int = 1000, **post: Any) -> str:
    begun = (await app.post(f"{POSTING}/video/init/", film(size, size, 1, **post))).json()["data"]
    where = urlsplit(begun["upload_url"]).path
    answer = await app.put(where, b"f" * size, content_range=f"bytes 0-{size - 1}/{size}")
    assert answer.status_code == 201, answer.text
    return str(begun["publish_id"])


async def is_at(app: Application, publish_id: str, state: str) -> dict[str, Any]:
    told: dict[str, Any] = {}

    async def there() -> bool:
        told.update(await status_of(app, publish_id))
        return bool(told["status"] == state)

    await until(there)
    return told


async def test_a_refresh_token_is_good_once_and_errors_have_a_form_of_their_own(http: httpx.AsyncClient) -> None:
    tokens = await consent(http)
    assert (tokens["open_id"], tokens["scope"], tokens["expires_in"]) == ("ann-open-id", SCOPE, 86_400)
    renewing = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]} | SECRETS
    renewed = (await http.post(TOKEN, data=renewing)).json()
    assert renewed["refresh_token"] != tokens["refresh_token"]
    again = await http.post(TOKEN, data=renewing)
    assert (again.status_code, set(again.json())) == (400, {"error", "error_description", "log_id"})


async def test_a_creator_is_asked_first_and_bounds_who_may_see_it(http: httpx.AsyncClient) -> None:
    bob = Application(http, await consent(http, "bob-open-id"))
    told = (await bob.post(f"{POSTING}/creator_info/query/")).json()
    assert told["error"]["code"] == "ok"
    assert told["data"]["privacy_level_options"] == ["FOLLOWER_OF_CREATOR", "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY"]
    refused = await bob.post(f"{POSTING}/video/init/", film(10, 10, 1))
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "privacy_level_option_mismatch")


async def test_a_film_is_sent_in_chunks_and_its_id_comes_late(ann: Application) -> None:
    await ann.http.put("/tiktok/control/app", json={"processing_seconds": 0.2, "moderation_seconds": 0.2})
    size = 11 * MB
    begun = (await ann.post(f"{POSTING}/video/init/", film(size, 5 * MB, 2))).json()["data"]
    where, content = urlsplit(begun["upload_url"]).path, b"f" * size
    late = await ann.put(where, content[5 * MB :], content_range=f"bytes {5 * MB}-{size - 1}/{size}")
    assert late.status_code == 416
    first = await ann.put(where, content[: 5 * MB], content_range=f"bytes 0-{5 * MB - 1}/{size}")
    assert (first.status_code, first.headers["content-range"]) == (206, f"bytes 0-{5 * MB - 1}/{size}")
    assert (await status_of(ann, begun["publish_id"]))["uploaded_bytes"] == 5 * MB
    last = await ann.put(where, content[5 * MB :], content_range=f"bytes {5 * MB}-{size - 1}/{size}")
    assert last.status_code == 201
    told = await is_at(ann, begun["publish_id"], "PUBLISH_COMPLETE")

    async def public() -> bool:
        told.update(await status_of(ann, begun["publish_id"]))
        return bool(told["publicaly_available_post_id"])

    await until(public)
    fields = {"fields": "id,video_description"}
    listed = (await ann.post(f"{V2}/video/list/", {"max_count": 20}, params=fields)).json()["data"]["videos"]
    assert listed == [{"id": str(told["publicaly_available_post_id"][0]), "video_description": "Bread"}]


@pytest.mark.parametrize(("size", "chunk", "count"), [(70 * MB, 70 * MB, 1), (10 * MB, 4 * MB, 2), (MB, MB, 2)])
async def test_wrong_chunks_are_refused(ann: Application, size: int, chunk: int, count: int) -> None:
    refused = await ann.post(f"{POSTING}/video/init/", film(size, chunk, count))
    assert refused.json()["error"]["code"] == "invalid_params"


async def serve(answer: bytes) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)

    return handle


def photos(url: str) -> dict[str, Any]:
    source = {"source": "PULL_FROM_URL", "photo_cover_index": 0, "photo_images": [url]}
    post = {"title": "Bread", "description": "Fresh", "privacy_level": PUBLIC}
    return {"media_type": "PHOTO", "post_mode": "DIRECT_POST", "post_info": post, "source_info": source}


async def test_photos_are_fetched(ann: Application, listen: Any) -> None:
    good = await serve(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\njpg")
    bad = await serve(b"HTTP/1.1 404 NO\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    for handler, state, reason in ((good, "PUBLISH_COMPLETE", None), (bad, "FAILED", "photo_pull_failed")):
        url = f"http://127.0.0.1:{listen(handler)}/1.jpg"
        begun = (await ann.post(f"{POSTING}/content/init/", photos(url))).json()["data"]
        told = await is_at(ann, begun["publish_id"], state)
        assert told.get("fail_reason") == reason
    await ann.http.put("/tiktok/control/app", json={"verified_prefixes": ["https://media.example/"]})
    refused = await ann.post(f"{POSTING}/content/init/", photos("http://127.0.0.1:1/1.jpg"))
    assert refused.json()["error"]["code"] == "url_ownership_unverified"


@pytest.mark.parametrize(
    ("app", "code"),
    [
        ({"posts_per_day": 1}, "spam_risk_too_many_posts"),
        ({"posts_per_minute": 1}, "rate_limit_exceeded"),
        ({"audited": False}, "unaudited_client_can_only_post_to_private_accounts"),
    ],
)
async def test_there_is_an_end_to_posting(ann: Application, app: dict[str, Any], code: str) -> None:
    await ann.http.put("/tiktok/control/app", json=app)
    await sent(ann, privacy="SELF_ONLY")
    refused = await ann.post(f"{POSTING}/video/init/", film(10, 10, 1))
    assert refused.json()["error"]["code"] == code
    assert refused.json()["error"]["log_id"]


async def test_what_fails_is_told_by_status_and_by_webhook_signed(ann: Application) -> None:
    app = {"processing": "fails", "reason": "frame_rate_check_failed", "processing_seconds": 0}
    await ann.http.put("/tiktok/control/app", json=app)
    async with listening(lambda _: "") as hook:
        await ann.http.put("/tiktok/control/webhook", json={"url": hook.url})
        publish_id = await sent(ann)
        assert (await status_of(ann, publish_id))["fail_reason"] == "frame_rate_check_failed"
        await ann.http.post("/tiktok/control/tokens/end", json={"state": "revoked"})
        failed, removed = await hook.wait(2)
    assert failed.json["event"] == "post.publish.failed"
    assert orjson.loads(failed.json["content"])["publish_id"] == publish_id
    assert (removed.json["event"], removed.json["user_openid"]) == ("authorization.removed", "ann-open-id")
    seconds, _, signature = failed.headers["tiktok-signature"].partition(",")
    signed = seconds.removeprefix("t=").encode() + b"." + failed.body
    assert signature == "s=" + hmac.new(b"sandbox-tiktok-secret", signed, hashlib.sha256).hexdigest()
