"""What a user can do with generation, once each."""

from uuid import UUID

import httpx

from kit.ids import new_id
from kit.privacy.person import Person
from kit.testing.programs import eventually

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
    template = {
        "name": words,
        "category": "story",
        "made_for": ["x"],
        "instruction": words,
        "variables": {"what": {}},
    }
    written = await client.post("/v1/generation/templates", json=template, headers={"idempotency-key": new_id().hex})
    assert written.status_code == 201, written.text
    body = {"subject": words, "platforms": ["linkedin"]}
    asked = await client.post("/v1/generations", json=body, headers={"idempotency-key": new_id().hex})
    assert asked.status_code == 202, asked.text
    ended = await story.ended(client, asked.json())
    assert ended["state"] == "done", ended
    await talk(story, client, words)


async def talk(story: Story, client: httpx.AsyncClient, words: str) -> None:
    """Say something to the assistant, which has a tool of ours write a post; they say no."""
    begun = await client.post("/v1/assistant/conversations", json={})
    path = f"/v1/assistant/conversations/{begun.json()['id']}"
    post = story.platform.post(words)
    said = await client.post(f"{path}/turns", json={"text": f"Move the post {post} to 2027-01-08T09:00:00Z: {words}"})
    assert said.status_code == 202, said.text

    async def there() -> bool:
        return bool((await client.get(f"{path}/turns/{said.json()['id']}")).json()["state"] == "done")

    await eventually(there, within=30)
    (action,) = (await client.get(f"{path}/turns/{said.json()['id']}")).json()["actions"]
    refused = await client.post(f"/v1/assistant/actions/{action['id']}/decision", json={"decision": "refuse"})
    assert refused.status_code == 200, refused.text
