"""What a user can do with generation, once each."""

from uuid import UUID

from kit.ids import new_id
from kit.privacy.person import Person

from .story import Story


async def live(story: Story, user: Person, organization_id: UUID, words: str) -> None:
    """Limit the budget, say what is judged, have a voice learned, and have texts written."""
    client = story.client(organization_id, sub=str(user.id))
    await story.budget(client, 10_000_000)
    policy = await client.put("/v1/generation/moderation", json={"categories": {"violence": "allow"}})
    assert policy.status_code == 200, policy.text
    samples = [{"text": f"{words}: we bake bread every morning, and you are welcome to taste it with us. " * 5}]
    voice = {"name": words, "samples": samples}
    learned = await client.post("/v1/generation/voices", json=voice, headers={"idempotency-key": new_id().hex})
    assert learned.status_code == 201, learned.text
    body = {"subject": words, "platforms": ["linkedin"]}
    asked = await client.post("/v1/generations", json=body, headers={"idempotency-key": new_id().hex})
    assert asked.status_code == 202, asked.text
    ended = await story.ended(client, asked.json())
    assert ended["state"] == "done", ended
