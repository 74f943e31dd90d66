from auth.bootstrap import Parts
from kit.http.app import create_app
from kit.mail.mailer import KEEP_FOR

from .conftest import Forward
from .story import Story


async def sweep(story: Story) -> bool:
    mails = await story.parts.mailer.forget(KEEP_FOR)
    return await story.parts.sweeper.sweep() or mails


async def test_what_is_of_no_use_any_more_is_forgotten(story: Story, forward: Forward) -> None:
    ada = await story.person("ada@example.com")
    await story.sign_in("ada@example.com", "wrong-password-55")
    await ada.call("DELETE", "/v1/sessions")
    tables = ("sessions", "revocations", "throttles", "verifications", "outgoing_mails")
    await sweep(story)
    assert [await story.count(table) for table in tables] == [1, 1, 1, 1, 1]
    await forward(2 * 3600)
    await sweep(story)
    assert [await story.count(table) for table in tables] == [1, 0, 1, 1, 1]
    await forward(9 * 86400)
    await sweep(story)
    assert [await story.count(table) for table in tables] == [1, 0, 1, 0, 1]
    await forward(23 * 86400)
    assert not await sweep(story)
    assert [await story.count(table) for table in tables] == [0, 0, 0, 0, 0]
    assert await story.count("users") == 1


async def test_every_door_is_described(story: Story) -> None:
    from auth.api import ROUTERS

    assert isinstance(story.parts, Parts)
    document = create_app(service="auth", title="Auth", routers=ROUTERS).openapi()
    doors = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert doors == {
        "GET /.well-known/jwks.json",
        "POST /v1/accounts",
        "POST /v1/accounts/verification-mails",
        "POST /v1/accounts/verify",
        "GET /v1/me",
        "POST /v1/sessions",
        "DELETE /v1/sessions",
        "POST /v1/sessions/refresh",
        "DELETE /v1/sessions/current",
        "POST /v1/sessions/unlock",
        "GET /v1/devices",
        "PATCH /v1/devices/{device_id}",
        "DELETE /v1/devices/{device_id}",
        "DELETE /v1/devices/remembered",
        "POST /v1/organizations",
        "GET /v1/organizations",
        "GET /v1/organizations/{organization_id}",
        "PATCH /v1/organizations/{organization_id}",
        "GET /v1/organizations/{organization_id}/members",
        "PATCH /v1/organizations/{organization_id}/members/{member_id}",
        "DELETE /v1/organizations/{organization_id}/members/{member_id}",
        "POST /v1/organizations/{organization_id}/invitations",
        "GET /v1/organizations/{organization_id}/invitations",
        "DELETE /v1/organizations/{organization_id}/invitations/{invitation_id}",
        "POST /v1/organizations/{organization_id}/invitations/{invitation_id}/mails",
        "POST /v1/invitations/accept",
        "GET /v1/mail-preferences",
        "PUT /v1/mail-preferences",
        "GET /v1/unsubscribe",
        "POST /v1/unsubscribe",
    }
