"""Members of staff, told through their doors."""

import re
from dataclasses import dataclass, field
from typing import Any

import httpx
import pyotp

from auth.bootstrap import add_staff
from auth.staff.permissions import StaffRole

from .story import Story

STAFF_PASSWORD = "gravel-otter-41-velvet-moon"
STEP = 30


@dataclass
class Colleague:
    """A member of staff who is signed in; a code is shown once, so each time the next one is."""

    story: Story
    email: str
    secret: str = field(repr=False)
    last_step: int
    tokens: dict[str, Any] = field(default_factory=dict)

    @property
    def staff_id(self) -> str:
        return str(self.tokens["staff_id"])

    def code(self) -> str:
        """The next code that was not shown yet; time must have gone on when several are needed."""
        now = int(self.story.database.clock.now().timestamp()) // STEP
        self.last_step = max(self.last_step + 1, now - 1)
        assert self.last_step <= now + 1, "move the time on before showing another code"
        return pyotp.HOTP(self.secret).at(self.last_step)

    async def sign_in(self, **changed: Any) -> httpx.Response:
        body = {"email": self.email, "password": STAFF_PASSWORD, "code": changed.pop("code", None) or self.code()}
        answer = await self.story.http.post("/v1/staff/sessions", json=body | changed)
        if answer.status_code == 201:
            self.tokens = answer.json()
        return answer

    async def prove(self, **changed: Any) -> httpx.Response:
        body = {"password": STAFF_PASSWORD, "code": changed.pop("code", None) or self.code()}
        return await self.call("POST", "/v1/staff/sessions/current/proofs", json=body | changed)

    async def refresh(self, token: str | None = None) -> httpx.Response:
        body = {"refresh_token": token or self.tokens["refresh_token"]}
        answer = await self.story.http.post("/v1/staff/sessions/refresh", json=body)
        if answer.status_code == 200 and token is None:
            self.tokens = answer.json()
        return answer

    async def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.tokens['access_token']}"} | more.pop("headers", {})
        return await self.story.http.request(method, path, headers=headers, **more)


async def enrolled(story: Story, email: str, token: str) -> Colleague:
    """Somebody who has set password and code app."""
    offer = (await story.http.post("/v1/staff/enrolments", json={"token": token})).json()
    now = int(story.database.clock.now().timestamp()) // STEP
    colleague = Colleague(story, email, offer["secret"], now - 2)
    for _ in range(2):  # a code may grow too old between us and the door
        body = {"token": token, "password": STAFF_PASSWORD, "code": colleague.code()}
        answer = await story.http.post("/v1/staff/enrolments/completion", json=body)
        if answer.status_code != 422:
            break
    assert answer.status_code == 204, answer.text
    return colleague


async def invited(story: Story, capsys: Any, email: str, role: StaffRole = StaffRole.ADMIN) -> str:
    """The token that the command prints."""
    capsys.readouterr()
    await add_staff(story.parts, email, role.value)
    found = re.search(r"#token=([A-Za-z0-9_-]+)", capsys.readouterr().out)
    assert found is not None
    return found.group(1)


async def hired(story: Story, role: StaffRole = StaffRole.ADMIN, email: str = "") -> Colleague:
    """A member of staff who has enrolled and signed in just now."""
    email = email or f"{role.value}@staff.test"
    link = await story.parts.staff.members.add_by_operator(email, role)
    colleague = await enrolled(story, email, link.partition("#token=")[2])
    assert (await colleague.sign_in()).status_code == 201
    return colleague
