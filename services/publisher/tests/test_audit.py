"""What people do with accounts and posts, as the audit trail tells it."""

from datetime import timedelta

from contracts.audit import ACTIONS, AuditEntry
from kit.http.etag import etag
from kit.ids import new_id

from .story import Story

PATH = "/v1/posts"


def told(lines: list[AuditEntry]) -> list[tuple[str, str]]:
    return [(line.action.removeprefix("publisher."), line.target_id) for line in lines]


async def test_what_people_do_with_accounts_and_posts_is_in_the_audit_trail(story: Story) -> None:
    organization_id, author = new_id(), new_id()
    client = story.client(organization_id, sub=str(author))
    account = await story.connect(client)
    draft = await story.post(client, account, publish_at=None, text="first")
    await client.patch(f"{PATH}/{draft['id']}", json={"text": "second"}, headers={"if-match": etag(1)})
    at = (story.now() + timedelta(hours=1)).isoformat()
    assert (await client.post(f"{PATH}/{draft['id']}/schedule", json={"publish_at": at})).status_code == 200
    for _ in range(2):
        assert (await client.post(f"{PATH}/{draft['id']}/cancel")).status_code == 200
    other = await story.post(client, account, publish_at=None, text="never")
    assert (await client.delete(f"{PATH}/{other['id']}")).status_code == 204
    for method in ("PUT", "PUT", "DELETE"):
        assert (await client.request(method, "/v1/partner-queue")).status_code == 202
    stopped = (await client.post("/v1/publishing/stops", json={"reason": "a test"})).json()["id"]
    assert (await client.post(f"/v1/publishing/stops/{stopped}/lift", json={})).status_code == 200
    slots = [{"day": "monday", "at": "09:00"}]
    queue = {"name": "a test", "zone": "UTC", "slots": slots, "accounts": [account]}
    made = (await client.post("/v1/publishing/queues", json=queue)).json()["id"]
    path = f"/v1/publishing/queues/{made}"
    assert (await client.put(path, json=queue, headers={"if-match": etag(1)})).status_code == 200
    assert (await client.post(f"{path}/arrange", json={"close_gaps": True})).status_code == 200
    assert (await client.delete(path)).status_code == 204
    starts = {"local": (story.now() + timedelta(days=1)).replace(tzinfo=None).isoformat(), "zone": "UTC"}
    body = {"text": "again", "targets": [account], "rule": "FREQ=DAILY", "starts": starts}
    recurs = (await client.post("/v1/publishing/recurrences", json=body)).json()["id"]
    path = f"/v1/publishing/recurrences/{recurs}"
    changed = await client.post(f"{path}/change", json={"rule": "FREQ=WEEKLY"})
    assert changed.status_code == 201, changed.text
    later = changed.json()["id"]
    assert (await client.post(f"/v1/publishing/recurrences/{later}/end")).status_code == 200
    file = {"csv": f"text,accounts\r\nfrom a file,{account}\r\n"}
    imported = (await client.post("/v1/publishing/imports", json=file)).json()["id"]
    assert (await client.post(f"/v1/publishing/imports/{imported}/cancel")).status_code == 200
    assert (await client.delete(f"/v1/connected-accounts/{account}")).status_code < 300

    lines = await story.audited(organization_id)
    begun, *rest = lines
    assert begun.action == "publisher.connection.begun"
    assert told(rest) == [
        ("account.connected", account),
        ("post.created", draft["id"]),
        ("post.changed", draft["id"]),
        ("post.changed", draft["id"]),
        ("post.cancelled", draft["id"]),
        ("post.created", other["id"]),
        ("post.deleted", other["id"]),
        ("partner_queue.opened", str(organization_id)),
        ("partner_queue.closed", str(organization_id)),
        ("publishing.stopped", stopped),
        ("publishing.resumed", stopped),
        ("queue.created", made),
        ("queue.changed", made),
        ("queue.arranged", made),
        ("queue.deleted", made),
        ("recurrence.begun", recurs),
        ("recurrence.changed", recurs),
        ("recurrence.ended", later),
        ("import.begun", imported),
        ("import.cancelled", imported),
        ("account.disconnected", account),
    ]
    assert {(line.actor_kind, line.actor_id) for line in lines} == {("user", author)}
    made = {action for action in ACTIONS if action.startswith("publisher.")} - {
        "publisher.post.resolved",
        "publisher.post.taken_down",
        "publisher.request.impersonated",
        "publisher.media.uploaded",
        "publisher.media.described",
        "publisher.media.deleted",
    }
    assert {line.action for line in lines} == made


async def test_what_is_refused_is_not_in_it(story: Story) -> None:
    organization_id = new_id()
    client = story.client(organization_id)
    account = await story.connect(client)
    draft = await story.post(client, account, publish_at=None, text="mine")
    before = await story.audited(organization_id)
    stranger = story.client(new_id())
    assert (await stranger.delete(f"{PATH}/{draft['id']}")).status_code == 404
    assert (await client.post(f"{PATH}/{draft['id']}/cancel")).status_code == 409
    stale = await client.patch(f"{PATH}/{draft['id']}", json={"text": "x"}, headers={"if-match": etag(9)})
    assert stale.status_code == 412
    assert await story.audited(organization_id) == before
    assert {line.organization_id for line in before} == {organization_id}
