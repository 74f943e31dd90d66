"""What Facebook, Instagram and Threads do in the sandbox as their documentation says."""

import hashlib
import hmac
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from .hook import listening

REDIRECT = "http://127.0.0.1:9/callback"
CLIENT = {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}
ACCOUNT = "17841400000000001"


async def token_of(http: httpx.AsyncClient, name: str, person: str = "100001") -> str:
    """A page's token at Facebook and Instagram, a person's at Threads."""
    asked = {"client_id": "sandbox-client", "redirect_uri": REDIRECT, "state": "s", "approve": person}
    path = "/threads/www/oauth/authorize" if name == "threads" else f"/{name}/www/v23.0/dialog/oauth"
    page = await http.get(path, params=asked)
    code = parse_qs(urlsplit(page.headers["location"]).query)["code"][0]
    if name == "threads":
        form = {**CLIENT, "code": code, "redirect_uri": REDIRECT, "grant_type": "authorization_code"}
        short = (await http.post("/threads/graph/oauth/access_token", data=form)).json()
        asked = {"grant_type": "th_exchange_token", "access_token": short["access_token"], **CLIENT}
        return str((await http.get("/threads/graph/access_token", params=asked)).json()["access_token"])
    graph = f"/{name}/graph/v23.0"
    form = {**CLIENT, "code": code, "redirect_uri": REDIRECT}
    short = (await http.post(f"{graph}/oauth/access_token", data=form)).json()
    longer = {**CLIENT, "grant_type": "fb_exchange_token", "fb_exchange_token": short["access_token"]}
    person_token = (await http.post(f"{graph}/oauth/access_token", data=longer)).json()["access_token"]
    pages = (await http.get(f"{graph}/me/accounts", headers=bearer(person_token))).json()["data"]
    return str(pages[0]["access_token"])


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def test_a_code_is_good_once_and_a_token_for_a_page_opens_it(http: httpx.AsyncClient) -> None:
    token = await token_of(http, "facebook")
    posted = await http.post("/facebook/graph/v23.0/600001/feed", headers=bearer(token), data={"message": "hello"})
    assert posted.json()["id"].startswith("600001_")
    again = await http.post("/facebook/graph/v23.0/600001/feed", headers=bearer(token), data={"message": "hello"})
    assert again.json()["error"]["code"] == 506
    assert again.json()["error"]["fbtrace_id"]
    (live,) = (await http.get("/facebook/control/posts")).json()
    assert live["text"] == "hello"


@pytest.mark.parametrize(
    ("headers", "code", "subcode"),
    [({}, 104, None), (bearer("made up"), 190, None), ({"authorization": "Basic x"}, 104, None)],
)
async def test_who_brings_no_good_token_is_told_in_metas_words(
    http: httpx.AsyncClient, headers: dict[str, str], code: int, subcode: int | None
) -> None:
    error = (await http.get("/instagram/graph/v23.0/me", headers=headers)).json()["error"]
    assert (error["code"], error.get("error_subcode")) == (code, subcode)


@pytest.mark.parametrize(("state", "subcode"), [("revoked", 460), ("expired", 463)])
async def test_tokens_that_ended_say_how(http: httpx.AsyncClient, state: str, subcode: int) -> None:
    token = await token_of(http, "instagram")
    await http.post("/instagram/control/tokens/end", json={"state": state})
    error = (await http.get("/instagram/graph/v23.0/me", headers=bearer(token))).json()["error"]
    assert (error["code"], error["error_subcode"]) == (190, subcode)


async def test_a_proof_of_the_secret_must_fit_the_token(http: httpx.AsyncClient) -> None:
    token = await token_of(http, "facebook")
    right = hmac.new(b"sandbox-secret", token.encode(), hashlib.sha256).hexdigest()
    for proof, status in ((right, 200), ("0" * 64, 400)):
        asked = {"appsecret_proof": proof}
        answer = await http.get("/facebook/graph/v23.0/600001/published_posts", headers=bearer(token), params=asked)
        assert answer.status_code == status


async def test_a_container_of_text_is_published_once_and_counts_against_the_limit(http: httpx.AsyncClient) -> None:
    token, graph = await token_of(http, "threads"), "/threads/graph/v1.0"
    made = await http.post(f"{graph}/me/threads", headers=bearer(token), data={"media_type": "TEXT", "text": "hi"})
    container = made.json()["id"]
    state = (await http.get(f"{graph}/{container}", headers=bearer(token), params={"fields": "status"})).json()
    assert state == {"id": container, "status": "FINISHED"}
    publish = {"creation_id": container}
    first = await http.post(f"{graph}/me/threads_publish", headers=bearer(token), data=publish)
    second = await http.post(f"{graph}/me/threads_publish", headers=bearer(token), data=publish)
    assert first.status_code == 200
    assert second.json()["error"]["error_subcode"] == 2207006
    limit = (await http.get(f"{graph}/me/threads_publishing_limit", headers=bearer(token))).json()["data"][0]
    assert (limit["quota_usage"], limit["config"]["quota_total"]) == (1, 250)


async def test_a_picture_that_cannot_be_fetched_is_refused_at_once(http: httpx.AsyncClient) -> None:
    token, path = await token_of(http, "instagram"), f"/instagram/graph/v23.0/{ACCOUNT}/media"
    made = await http.post(path, headers=bearer(token), data={"image_url": "http://127.0.0.1:1/cake.jpg"})
    assert (made.json()["error"]["code"], made.json()["error"]["error_subcode"]) == (9004, 2207052)


async def test_a_page_is_nobodys_who_does_not_run_it(http: httpx.AsyncClient) -> None:
    await http.post("/facebook/control/people", json={"id": "100003", "name": "Eve", "pages": ["600002"]})
    await http.post("/facebook/control/pages", json={"id": "600002", "name": "Eve's"})
    token = await token_of(http, "facebook", "100003")
    answer = await http.post("/facebook/graph/v23.0/600001/feed", headers=bearer(token), data={"message": "mine"})
    assert answer.json()["error"]["code"] == 100
    assert (await http.get("/facebook/control/posts")).json() == []


async def test_who_leaves_has_dead_tokens_and_the_application_is_asked_by_a_signed_request(
    http: httpx.AsyncClient,
) -> None:
    token = await token_of(http, "threads")
    async with listening(lambda asked: asked.get("hub.challenge", "")) as hook:
        hooks = {"webhook": hook.url, "deauthorize": f"{hook.url}/deauthorize"}
        assert (await http.put("/threads/control/hooks", json=hooks)).status_code == 204
        await http.post("/threads/control/leave", json={"person": "100001"})
        (heard,) = await hook.wait(1)
    assert (await http.get("/threads/graph/v1.0/me", headers=bearer(token))).json()["error"]["code"] == 190
    assert heard.body.startswith(b"signed_request=")


async def test_the_application_hears_signed_of_comments(http: httpx.AsyncClient) -> None:
    token = await token_of(http, "facebook")
    async with listening(lambda asked: asked.get("hub.challenge", "")) as hook:
        await http.put("/facebook/control/hooks", json={"webhook": hook.url})
        form = {"message": "hello"}
        post = (await http.post("/facebook/graph/v23.0/600001/feed", headers=bearer(token), data=form)).json()["id"]
        await http.post(f"/facebook/control/posts/{post}/comments", json={"text": "nice"})
        (heard,) = await hook.wait(1)
    right = hmac.new(b"sandbox-secret", heard.body, hashlib.sha256).hexdigest()
    assert heard.headers["x-hub-signature-256"] == f"sha256={right}"
    (change,) = heard.json["entry"][0]["changes"]
    assert (change["field"], change["value"]["post_id"]) == ("feed", post)
