"""What people have at hand beside their password."""

from dataclasses import dataclass, field
from typing import Any

import httpx
import pyotp

from .story import Person, Story


@dataclass
class AuthenticatorApp:
    """An authenticator app as it runs on somebody's phone; it knows the platform's time."""

    story: Story
    id: str
    secret: str
    uri: str
    recovery_codes: list[str] = field(default_factory=list)

    def code(self, steps_on: int = 0) -> str:
        return pyotp.TOTP(self.secret).at(int(self.story.database.clock.timestamp()) + 30 * steps_on)


async def enrol(story: Story, person: Person, name: str = "Phone") -> AuthenticatorApp:
    """An app that was added, and not used yet."""
    answer = await person.call("POST", "/v1/me/factors/totp", json={"name": name})
    assert answer.status_code == 201, answer.text
    body = answer.json()
    return AuthenticatorApp(story, body["id"], body["secret"], body["uri"])


async def activate(
    person: Person, app: AuthenticatorApp, code: str | None = None, *, end_others: bool = False
) -> httpx.Response:
    body = {"code": code or app.code(), "end_other_sessions": end_others}
    answer = await person.call("POST", f"/v1/me/factors/totp/{app.id}/activate", json=body)
    if answer.status_code == 200:
        app.recovery_codes = answer.json()["recovery_codes"]
    return answer


async def with_app(story: Story, person: Person, name: str = "Phone") -> AuthenticatorApp:
    """An app in use."""
    app = await enrol(story, person, name)
    answer = await activate(person, app)
    assert answer.status_code == 200, answer.text
    return app


async def half_signed_in(story: Story, person: Person, **more: Any) -> dict[str, Any]:
    """The password was right, and something is owed."""
    answer = await story.sign_in(person.email, **more)
    assert answer.status_code == 202, answer.text
    owed: dict[str, Any] = answer.json()
    return owed


async def complete(story: Story, token: str, factor: str, code: str, **more: Any) -> httpx.Response:
    body = {"sign_in_token": token, "factor": factor, "code": code, **more}
    return await story.http.post("/v1/sessions/second-factor", json=body)
