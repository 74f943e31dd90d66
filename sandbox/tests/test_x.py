import base64
import hashlib
import hmac
from typing import Any

import httpx
import orjson
import pytest

from .conftest import Faults, until
from .hook import listening
from .oauth_of import CHALLENGE, REDIRECT, VERIFIER, Application, brought_back

AUTHORIZE = "/x/web/i/oauth2/authorize"
V2 = "/x/api/2"
TOKEN = f"{V2}/oauth2/token"
SECRET = ("sandbox-x-client", "sandbox-x-secret")
SCOPES = "tweet.read tweet.write users.read media.write offline.access"
ASKED = {
    "response_type": "code",
    "client_id": "sandbox-x-client",
    "redirect_uri": REDIRECT,
    "state": "a&b",
    "scope": SCOPES,
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


async def exchange(http: httpx.AsyncClient, **other: str) -> httpx.Response:
    back = brought_back(await http.get(AUTHORIZE, params=ASKED | {"approve": "2000001"}))
    form = {"grant_type": "authorization_code", "code": back["code"], "redirect_uri": REDIRECT}
    return await http.post(TOKEN, data=form | {"code_verifier": VERIFIER} | other, auth=SECRET)


@pytest.fixture
async def ann(http: httpx.AsyncClient) -> Application:
    answer = await exchange(http)
    assert answer.status_code == 200, answer.text
    return Application(http, answer.json())


async def uploaded(app: Application, content: bytes, category: str, mime: str) -> dict[str, Any]:
    announced = {"media_category": category, "media_type": mime, "total_bytes": len(content)}
    key = (await app.post(f"{V2}/media/upload/initialize", announced)).json()["data"]["id"]
    for at in range(0, len(content), 4_000_000):
        piece = {"media": ("blob", content[at : at + 4_000_000])}
        form = {"segment_index": str(at // 4_000_000)}
        url = f"{V2}/media/upload/{key}/append"
        assert (await app.http.post(url, data=form, files=piece, headers=app.headers)).status_code == 200
    finished: dict[str, Any] = (await app.post(f"{V2}/media/upload/{key}/finalize")).json()["data"]
    return finished


async def test_a_code_is_opened_by_its_verifier_and_a_refresh_token_is_good_once(http: httpx.AsyncClient) -> None:
    assert (await exchange(http, code_verifier="w" * 64)).json()["error"] == "invalid_request"
    tokens = (await exchange(http)).json()
    assert (tokens["token_type"], tokens["expires_in"], tokens["scope"]) == ("bearer", 7200, SCOPES)
    renewing = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    renewed = (await http.post(TOKEN, data=renewing, auth=SECRET)).json()
    assert renewed["refresh_token"] != tokens["refresh_token"]
    again = await http.post(TOKEN, data=renewing, auth=SECRET)
    assert (again.status_code, again.json()["error_description"]) == (400, "Value passed for the token was invalid.")


async def test_consent_needs_pkce_and_may_be_denied(http: httpx.AsyncClient) -> None:
    page = await http.get(AUTHORIZE, params=ASKED)
    assert "Allow as Ann Example" in page.text
    assert brought_back(await http.get(AUTHORIZE, params=ASKED | {"deny": "1"}))["error"] == "access_denied"
    without = {name: value for name, value in ASKED.items() if name != "code_challenge"}
    assert brought_back(await http.get(AUTHORIZE, params=without))["error"] == "invalid_request"


async def test_a_post_is_read_back_as_x_shows_it(ann: Application) -> None:
    me = (await ann.get(f"{V2}/users/me")).json()["data"]
    made = await ann.post(f"{V2}/tweets", {"text": "Tom & Jerry https://example.org/a?b=1"})
    assert made.status_code == 201
    (shown,) = (
        await ann.get(f"{V2}/users/{me['id']}/tweets", max_results=5, **{"tweet.fields": "entities,created_at"})
    ).json()["data"]
    assert shown["text"].startswith("Tom &amp; Jerry https://t.co/")
    assert shown["entities"]["urls"][0]["expanded_url"] == "https://example.org/a?b=1"
    assert made.headers["x-rate-limit-limit"] == "100"
    assert (await ann.delete(f"{V2}/tweets/{shown['id']}")).json() == {"data": {"deleted": True}}
    assert (await ann.get(f"{V2}/tweets/{shown['id']}")).status_code == 404


@pytest.mark.parametrize(
    ("text", "status"),
    [("x" * 280, 201), ("x" * 281, 403), ("漢" * 140, 201), ("漢" * 141, 403), ("https://e.org/" + "a" * 400, 201)],
)
async def test_length_is_weighted(ann: Application, text: str, status: int) -> None:
    assert (await ann.post(f"{V2}/tweets", {"text": text})).status_code == status


async def test_what_was_said_before_is_refused_as_a_duplicate(ann: Application) -> None:
    await ann.post(f"{V2}/tweets", {"text": "once"})
    again = await ann.post(f"{V2}/tweets", {"text": "once"})
    assert (again.status_code, again.json()["title"]) == (403, "Forbidden")
    assert "duplicate content" in again.json()["detail"]


async def test_replies_make_a_thread(ann: Application) -> None:
    first = (await ann.post(f"{V2}/tweets", {"text": "1"})).json()["data"]["id"]
    second = (await ann.post(f"{V2}/tweets", {"text": "2", "reply": {"in_reply_to_tweet_id": first}})).json()
    fields = {"tweet.fields": "conversation_id,referenced_tweets"}
    shown = (await ann.get(f"{V2}/tweets/{second['data']['id']}", **fields)).json()["data"]
    assert shown["conversation_id"] == first
    assert shown["referenced_tweets"] == [{"type": "replied_to", "id": first}]
    lost = await ann.post(f"{V2}/tweets", {"text": "3", "reply": {"in_reply_to_tweet_id": "1"}})
    assert lost.status_code == 403


async def test_a_film_is_sent_in_segments_and_worked_on_before_it_can_be_posted(ann: Application) -> None:
    film = await uploaded(ann, b"f" * 9_000_000, "tweet_video", "video/mp4")
    assert film["processing_info"]["state"] in {"pending", "in_progress"}
    early = await ann.post(f"{V2}/tweets", {"text": "film", "media": {"media_ids": [film["id"]]}})
    assert early.status_code == 400

    async def done() -> bool:
        told = (await ann.get(f"{V2}/media/upload", command="STATUS", media_id=film["id"])).json()["data"]
        return bool(told["processing_info"]["state"] == "succeeded")

    await until(done)
    assert (await ann.post(f"{V2}/tweets", {"text": "film", "media": {"media_ids": [film["id"]]}})).status_code == 201


async def test_pictures_bear_their_description_and_stand_with_up_to_three_others(ann: Application) -> None:
    pictures = [await uploaded(ann, b"p" * 100, "tweet_image", "image/png") for _ in range(5)]
    said = {"id": pictures[0]["id"], "metadata": {"alt_text": {"text": "A loaf"}}}
    assert (await ann.post(f"{V2}/media/metadata", said)).status_code == 200
    ids = [one["id"] for one in pictures]
    assert (await ann.post(f"{V2}/tweets", {"media": {"media_ids": ids}})).status_code == 400
    made = (await ann.post(f"{V2}/tweets", {"media": {"media_ids": ids[:4]}})).json()["data"]
    live = (await ann.http.get("/x/control/posts")).json()
    assert (live[0]["id"], live[0]["media"][0]["alt"]) == (made["id"], "A loaf")


async def test_a_film_may_fail(ann: Application) -> None:
    await ann.http.put("/x/control/app", json={"processing": "fails", "processing_seconds": 0})
    film = await uploaded(ann, b"f", "tweet_video", "video/mp4")
    told = (await ann.get(f"{V2}/media/upload", media_id=film["id"])).json()["data"]["processing_info"]
    assert (told["state"], told["error"]["name"]) == ("failed", "InvalidMedia")


async def test_limits_are_told_and_kept(ann: Application) -> None:
    await ann.http.put("/x/control/app", json={"limits": {"POST /2/tweets": 1}})
    await ann.post(f"{V2}/tweets", {"text": "1"})
    refused = await ann.post(f"{V2}/tweets", {"text": "2"})
    assert (refused.status_code, refused.headers["x-rate-limit-remaining"]) == (429, "0")
    await ann.http.put("/x/control/app", json={"credits": 0})
    assert (await ann.post(f"{V2}/tweets", {"text": "3"})).status_code == 402


async def test_tokens_end_on_demand(ann: Application) -> None:
    assert (await ann.http.post("/x/control/tokens/end", json={"state": "revoked"})).json() == {"ended": 1}
    assert (await ann.get(f"{V2}/users/me")).status_code == 401
    assert (await ann.http.post(TOKEN, data={"grant_type": "refresh_token"} | ann.tokens, auth=SECRET)).is_error


async def test_a_post_whose_answer_is_lost_is_there(ann: Application, faults: Faults) -> None:
    await faults("x", {"kind": "drop_after_effect", "match": {"path": f"{V2}/tweets", "method": "POST"}})
    with pytest.raises(httpx.RemoteProtocolError):
        await ann.post(f"{V2}/tweets", {"text": "lost"})
    assert [one["written"] for one in (await ann.http.get("/x/control/posts")).json()] == ["lost"]


def signed(text: bytes) -> str:
    made = hmac.new(b"sandbox-x-consumer-secret", text, hashlib.sha256).digest()
    return "sha256=" + base64.b64encode(made).decode()


async def test_an_address_answers_the_challenge_before_it_hears_that_a_permission_was_taken_back(
    ann: Application,
) -> None:
    app = {"Authorization": "Bearer sandbox-x-bearer"}

    def challenged(asked: dict[str, str]) -> str:
        return orjson.dumps({"response_token": signed(asked["crc_token"].encode())}).decode()

    async with listening(lambda _: "{}") as hook:
        wrong = await ann.http.post(f"{V2}/webhooks", json={"url": hook.url}, headers=app)
        assert (wrong.status_code, "CRC" in wrong.text) == (400, True)
        hook.answer_challenge = challenged
        made = await ann.http.post(f"{V2}/webhooks", json={"url": hook.url}, headers=app)
        assert made.json()["data"]["valid"] is True
        await ann.http.post(f"{V2}/oauth2/revoke", data={"token": ann.tokens["refresh_token"]}, auth=SECRET)
        (told,) = await hook.wait(1)
    assert told.headers["x-twitter-webhooks-signature"] == signed(told.body)
    assert told.json["user_event"]["revoke"]["source"] == {"user_id": "2000001"}
