"""The chapter of seven platforms: a picture and an upright film, where each may go, what is lost, what is refused."""

import asyncio
import base64
import subprocess
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import imageio_ffmpeg

from local.visitor import NotSeen, Visitor, seen

PEOPLE: Final = {
    "facebook": ("organization", "100001"),
    "instagram": ("organization", "100001"),
    "linkedin": ("member", "ann"),
    "threads": ("member", "100001"),
    "tiktok": ("member", "ann-open-id"),
    "x": ("member", "2000001"),
    "youtube": ("member", "ann"),
}
"""Who consents where, and whether to their own account or to their page's."""
_LISTS: Final = {"youtube": "videos"}
"""What the sandbox calls what is live, where those are not posts."""
_PATIENCE: Final = 180.0
"""Seconds: a film is sent, processed and looked for where an answer was lost."""
_ENDED: Final = frozenset({"published", "failed", "unconfirmed"})


@dataclass(slots=True)
class Publishing:
    """What Pat publishes, whose plan has room for seven accounts."""

    pat: Callable[[], Visitor]
    tag: str
    accounts: dict[str, str] = field(default_factory=dict)
    picture: str = ""
    film: str = ""
    options: ClassVar[Mapping[str, Any]] = {"privacy": "public"}

    def steps(self) -> Sequence[tuple[str, Callable[[], Awaitable[str]]]]:
        """The chapter in order."""
        return (
            ("Pat connects an account on each of seven platforms", self.seven_are_connected),
            ("A picture and an upright film are uploaded in pieces", self.files_are_uploaded),
            ("YouTube takes no picture, and the refusal says why", self.one_refuses),
            ("The picture is live on the other six, once each", self.the_picture_goes_out),
            ("X's answer is lost; the film is live on all seven, once", self.the_film_goes_out),
        )

    async def seven_are_connected(self) -> str:
        """Consent on each platform's own page, and come back with its code."""
        for platform in PEOPLE:
            self.accounts[platform] = await self._connected(platform)
        return ", ".join(self.accounts)

    async def files_are_uploaded(self) -> str:
        """By tus, in pieces; each can be used once it was looked into."""
        picture, film = await asyncio.gather(asyncio.to_thread(_picture), asyncio.to_thread(_film))
        self.picture = await self._uploaded(picture, "image/jpeg")
        self.film = await self._uploaded(film, "video/mp4")
        shown = [await seen(f"the {what}", self._looked_into(what)) for what in (self.picture, self.film)]
        return ", ".join(f"{each['mime']} of {each['width']} by {each['height']}" for each in shown)

    async def one_refuses(self) -> str:
        """Before anything leaves: a post with a picture for all seven names the one that cannot take it."""
        body = self._post("refused", self.picture, PEOPLE)
        answer = await self.pat().call("POST", "/v1/posts", expect=422, json=body)
        findings = [each for each in answer.json()["findings"] if each["blocks"]]
        if {each["platform"] for each in findings} != {"youtube"}:
            raise NotSeen(f"refused by {findings}")
        return f"{findings[0]['detail']} {findings[0]['fix']}"

    async def the_picture_goes_out(self) -> str:
        """Six platforms: some are sent it, others fetch it."""
        taking = [platform for platform in PEOPLE if platform != "youtube"]
        post = await self._published("picture", self.picture, taking)
        await self._is_live_once("picture", taking)
        return f"{len(post['deliveries'])} published"

    async def the_film_goes_out(self) -> str:
        """All seven; what X has taken without our hearing of it is found there and not sent again."""
        lost = {"kind": "drop_after_effect", "match": {"path": "/x/api/2/tweets", "method": "POST"}, "times": 1}
        await self._sandbox("PUT", "/control/x/faults", [lost])
        await self._published("film", self.film, PEOPLE)
        await self._is_live_once("film", PEOPLE)
        [rule] = (await self._sandbox("GET", "/control/x/faults"))["items"]
        await self._sandbox("DELETE", "/control/x/faults")
        if rule["struck"] != 1:
            raise NotSeen("X's answer was not lost")
        return "7 published; X's, whose answer was lost, was found there"

    async def _connected(self, platform: str) -> str:
        what, person = PEOPLE[platform]
        body = {"platform": platform, "what": what}
        asked = (await self.pat().call("POST", "/v1/connected-accounts", expect=201, json=body)).json()
        consent = httpx.URL(asked["authorization_url"]).copy_merge_params({"approve": person})
        back = str((await self.pat().http.get(consent, follow_redirects=False)).headers.get("location", ""))
        came = await self.pat().http.get(back, follow_redirects=False)
        told = parse_qs(urlsplit(str(came.headers.get("location", ""))).query)
        if "connected" not in told:
            raise NotSeen(f"{platform}: the browser came back with {came.status_code} and {urlencode(told, True)}")
        return told["connected"][0]

    async def _uploaded(self, content: bytes, mime: str) -> str:
        """The id of what was uploaded, in two pieces."""
        tus, half = {"tus-resumable": "1.0.0"}, len(content) // 2
        named = f"filetype {base64.b64encode(mime.encode()).decode()}"
        headers = tus | {"upload-length": str(len(content)), "upload-metadata": named}
        begun = await self.pat().call("POST", "/v1/library/uploads", expect=201, headers=headers)
        where = str(begun.headers["location"])
        for offset, piece in ((0, content[:half]), (half, content[half:])):
            said = tus | {"upload-offset": str(offset), "content-type": "application/offset+octet-stream"}
            await self.pat().call("PATCH", where, expect=204, headers=said, content=piece)
        return where.rpartition("/")[2]

    def _looked_into(self, media_id: str) -> Callable[[], Awaitable[dict[str, Any] | None]]:
        async def look() -> dict[str, Any] | None:
            found = (await self.pat().call("GET", f"/v1/library/{media_id}", expect=200)).json()
            if found["state"] == "refused":
                raise NotSeen(f"refused: {found['reason']}")
            return found if found["state"] == "ready" else None

        return look

    def _post(self, what: str, media_id: str, platforms: Sequence[str] | Mapping[str, object]) -> dict[str, Any]:
        content = {"title": f"A {what}", "media": [{"media_id": media_id, "alt": "Colours"}], "options": self.options}
        targets = [self.accounts[platform] for platform in platforms]
        return {"text": self._text(what), "content": content, "targets": targets, "publish_at": "now"}

    def _text(self, what: str) -> str:
        return f"The {what} of {self.tag}"

    async def _published(
        self, what: str, media_id: str, platforms: Sequence[str] | Mapping[str, object]
    ) -> dict[str, Any]:
        body = self._post(what, media_id, platforms)
        post = (await self.pat().call("POST", "/v1/posts", expect=201, json=body)).json()

        async def look() -> dict[str, Any] | None:
            found = (await self.pat().call("GET", f"/v1/posts/{post['id']}", expect=200)).json()
            return found if found["status"] in _ENDED else None

        ended = await seen(f"the {what} as published", look, within=_PATIENCE)
        short = {each["platform"]: each["reason"] for each in ended["deliveries"] if each["status"] != "published"}
        if short:
            raise NotSeen(f"not published: {short}")
        return ended

    async def _is_live_once(self, what: str, platforms: Sequence[str] | Mapping[str, object]) -> None:
        for platform in platforms:
            live = await self._sandbox("GET", f"/{platform}/control/{_LISTS.get(platform, 'posts')}")
            times = sum(self._text(what) in str(each) for each in live)
            if times != 1:
                raise NotSeen(f"the {what} is live {times} times on {platform}")

    async def _sandbox(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.pat().http.request(method, self.pat().addresses.sandbox + path, json=body)
        if answer.is_error:
            raise NotSeen(f"{method} {path}: {answer.status_code}: {answer.text[:300]}")
        return answer.json() if answer.content else None


def _picture() -> bytes:
    return _made("-f", "lavfi", "-i", "testsrc=s=1080x1350", "-frames:v", "1", "-f", "mjpeg")


def _film() -> bytes:
    """Upright, six seconds, with sound."""
    shown = ("-f", "lavfi", "-i", "testsrc=d=6:s=720x1280:r=30", "-f", "lavfi", "-i", "sine=d=6:r=48000")
    coded = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest")
    return _made(*shown, *coded, "-f", "mp4", "-movflags", "frag_keyframe+empty_moov")


def _made(*options: str) -> bytes:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *options, "-"]
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout  # noqa: S603 - words of ours
