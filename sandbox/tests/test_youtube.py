from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from .conftest import Faults, until
from .oauth_of import CHALLENGE, REDIRECT, VERIFIER, Application, brought_back

AUTHORIZE, TOKEN = "/youtube/accounts/o/oauth2/v2/auth", "/youtube/oauth2/token"
V3, UPLOAD = "/youtube/api/youtube/v3", "/youtube/api/resumable/upload/youtube/v3/videos"
GRAIN = 256 * 1024
SECRETS = {"client_id": "2000000000001-sandbox.apps.googleusercontent.com", "client_secret": "sandbox-youtube-secret"}
SCOPE = (
    "https://www.googleapis.com/auth/youtube.upload https://www.googleapis.com/auth/youtube.readonly "
    "https://www.googleapis.com/auth/youtube.force-ssl"
)
ASKED = {
    "response_type": "code",
    "client_id": SECRETS["client_id"],
    "redirect_uri": REDIRECT,
    "state": "s",
    "scope": SCOPE,
    "access_type": "offline",
    "prompt": "consent",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


async def consent(http: httpx.AsyncClient, person: str = "ann", **other: str) -> dict[str, Any]:
    back = brought_back(await http.get(AUTHORIZE, params=ASKED | {"approve": person} | other))
    form = {"grant_type": "authorization_code", "code": back["code"], "redirect_uri": REDIRECT} | SECRETS
    answer = await http.post(TOKEN, data=form | {"code_verifier": VERIFIER})
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


@pytest.fixture
async def ann(http: httpx.AsyncClient) -> Application:
    return Application(http, await consent(http))


async def session(app: Application, size: int, **status: Any) -> str:
    body = {"snippet": {"title": "Bread", "description": "How"}, "status": {"privacyStatus": "public"} | status}
    query = {"uploadType": "resumable", "part": "snippet,status"}
    answer = await app.post(UPLOAD, body, params=query, headers={"X-Upload-Content-Length": str(size)})
    assert answer.status_code == 200, answer.text
    where = urlsplit(answer.headers["location"])
    return f"{where.path}?{where.query}"


async def uploaded(app: Application, content: bytes = b"f" * 100, **status: Any) -> str:
    answer = await app.put(await session(app, len(content), **status), content)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


async def test_a_refresh_token_comes_with_consent_only_and_stays_the_same(http: httpx.AsyncClient) -> None:
    first = await consent(http)
    renewing = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]} | SECRETS
    renewed = (await http.post(TOKEN, data=renewing)).json()
    assert "refresh_token" not in renewed
    assert (await http.post(TOKEN, data=renewing)).status_code == 200
    assert "refresh_token" not in await consent(http, prompt="")
    assert "refresh_token" in await consent(http)
    gone = await http.post(TOKEN, data=renewing | {"refresh_token": "1//nothing"})
    assert (gone.status_code, gone.json()["error"]) == (400, "invalid_grant")


async def test_an_account_without_a_channel_has_none(http: httpx.AsyncClient) -> None:
    bob = Application(http, await consent(http, "bob"))
    assert (await bob.get(f"{V3}/channels", part="snippet", mine="true")).json()["items"] == []


async def test_an_upload_goes_on_where_it_was_cut(ann: Application) -> None:
    content = b"f" * (3 * GRAIN + 10)
    where = await session(ann, len(content))
    some = await ann.put(where, content[: GRAIN + 5], content_range=f"bytes 0-{GRAIN + 4}/{len(content)}")
    assert (some.status_code, some.headers["range"]) == (308, f"bytes=0-{GRAIN - 1}")
    asked = await ann.put(where, b"", content_range=f"bytes */{len(content)}")
    assert (asked.status_code, asked.headers["range"]) == (308, f"bytes=0-{GRAIN - 1}")
    beyond = await ann.put(where, b"x" * 10, content_range=f"bytes {len(content) - 10}-{len(content) - 1}/*")
    assert beyond.status_code == 400
    rest = content[GRAIN:]
    done = await ann.put(where, rest, content_range=f"bytes {GRAIN}-{len(content) - 1}/{len(content)}")
    assert (done.status_code, done.json()["status"]["uploadStatus"]) == (200, "uploaded")
    again = await ann.put(where, b"", content_range=f"bytes */{len(content)}")
    assert again.json()["id"] == done.json()["id"]
    assert len((await ann.http.get("/youtube/control/videos")).json()) == 1


async def test_a_film_is_worked_on_and_stays_private_while_the_project_was_not_audited(ann: Application) -> None:
    key = await uploaded(ann)

    async def done() -> bool:
        told = (await ann.get(f"{V3}/videos", part="status,processingDetails", id=key)).json()["items"][0]
        return bool(told["processingDetails"]["processingStatus"] == "succeeded")

    await until(done)
    told = (await ann.get(f"{V3}/videos", part="status", id=key)).json()["items"][0]["status"]
    assert (told["uploadStatus"], told["privacyStatus"]) == ("processed", "private")
    await ann.http.put("/youtube/control/app", json={"audited": True})
    other = await uploaded(ann)
    assert (await ann.get(f"{V3}/videos", part="status", id=other)).json()["items"][0]["status"][
        "privacyStatus"
    ] == "public"
    channel = (await ann.get(f"{V3}/channels", part="contentDetails", mine="true")).json()["items"][0]
    playlist = channel["contentDetails"]["relatedPlaylists"]["uploads"]
    listed = (await ann.get(f"{V3}/playlistItems", part="snippet", playlistId=playlist, maxResults=50)).json()
    assert [one["snippet"]["resourceId"]["videoId"] for one in listed["items"]] == [other, key]


@pytest.mark.parametrize(
    ("processing", "reason", "told"),
    [("fails", "codec", ("failed", "failureReason")), ("rejects", "duplicate", ("rejected", "rejectionReason"))],
)
async def test_processing_may_end_badly(
    ann: Application, processing: str, reason: str, told: tuple[str, str]
) -> None:
    app = {"processing": processing, "reason": reason, "processing_seconds": 0}
    await ann.http.put("/youtube/control/app", json=app)
    key = await uploaded(ann)
    status = (await ann.get(f"{V3}/videos", part="status", id=key)).json()["items"][0]["status"]
    assert (status["uploadStatus"], status[told[1]]) == (told[0], reason)


@pytest.mark.parametrize(
    ("app", "status", "reason"),
    [({"uploads_per_day": 0}, 403, "quotaExceeded"), ({"channel_uploads_per_day": 0}, 400, "uploadLimitExceeded")],
)
async def test_the_days_uploads_end(ann: Application, app: dict[str, Any], status: int, reason: str) -> None:
    await ann.http.put("/youtube/control/app", json=app)
    refused = await ann.post(
        UPLOAD, {"snippet": {"title": "t"}}, params={"uploadType": "resumable", "part": "snippet"}
    )
    assert (refused.status_code, refused.json()["error"]["errors"][0]["reason"]) == (status, reason)


async def test_units_are_counted_apart_from_uploads(ann: Application) -> None:
    key = await uploaded(ann)
    picture = {"videoId": key}
    thumbnails = "/youtube/api/upload/youtube/v3/thumbnails/set"
    headers = ann.headers | {"content-type": "image/png"}
    assert (await ann.http.post(thumbnails, params=picture, content=b"png", headers=headers)).status_code == 200
    assert (await ann.http.get("/youtube/control/quota")).json() == {
        "units": 50,
        "uploads": 1,
        "calls": {"videos.insert": 1, "thumbnails.set": 1},
    }
    await ann.http.put("/youtube/control/app", json={"units_per_day": 50})
    assert (await ann.get(f"{V3}/videos", part="status", id=key)).status_code == 403
    assert await uploaded(ann)


async def test_comments_stand_below_films_that_are_not_for_children(ann: Application) -> None:
    await ann.http.put("/youtube/control/app", json={"processing_seconds": 0})
    for_all, for_children = await uploaded(ann), await uploaded(ann, selfDeclaredMadeForKids=True)

    def said(key: str) -> dict[str, Any]:
        return {"snippet": {"videoId": key, "topLevelComment": {"snippet": {"textOriginal": "First"}}}}

    assert (await ann.post(f"{V3}/commentThreads", said(for_all), params={"part": "snippet"})).status_code == 200
    refused = await ann.post(f"{V3}/commentThreads", said(for_children), params={"part": "snippet"})
    assert refused.json()["error"]["errors"][0]["reason"] == "commentsDisabled"
    assert (await ann.delete(f"{V3}/videos", id=for_all)).status_code == 204
    assert (await ann.delete(f"{V3}/videos", id=for_all)).status_code == 404


async def test_the_answer_to_the_last_chunk_may_be_lost(ann: Application, faults: Faults) -> None:
    where = await session(ann, 100)
    await faults("youtube", {"kind": "drop_after_effect", "match": {"path": UPLOAD, "method": "PUT"}, "times": 1})
    with pytest.raises(httpx.RemoteProtocolError):
        await ann.put(where, b"f" * 100)
    assert (await ann.put(where, b"", content_range="bytes */100")).status_code == 200
    assert len((await ann.http.get("/youtube/control/videos")).json()) == 1
