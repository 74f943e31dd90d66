from auth.api import ROUTERS
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
    await story.deliver()
    tables = ("sessions", "revocations", "throttles", "challenges", "outgoing_mails")
    await sweep(story)
    assert [await story.count(table) for table in tables] == [1, 1, 1, 1, 2]
    await forward(2 * 3600)
    await sweep(story)
    assert [await story.count(table) for table in tables] == [1, 0, 1, 1, 2]
    await forward(9 * 86400)
    await sweep(story)
    assert [await story.count(table) for table in tables] == [1, 0, 1, 0, 2]
    await forward(23 * 86400)
    assert not await sweep(story)
    assert [await story.count(table) for table in tables] == [0, 0, 0, 0, 0]
    assert await story.count("users") == 1


async def test_every_door_is_described(story: Story) -> None:
    assert isinstance(story.parts, Parts)
    document = create_app(service="auth", title="Auth", routers=ROUTERS).openapi()
    assert len(document["paths"]) > 30
    for path, methods in document["paths"].items():
        for method, door in methods.items():
            assert door.get("description"), f"{method} {path} says nothing of itself"
