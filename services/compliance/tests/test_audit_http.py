"""Reading and proving the audit trail, through its doors."""

from base64 import b64decode
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from contracts.audit import ACTIONS
from kit.audit import SYSTEM, audited
from kit.ids import new_id
from kit.testing.tokens import Issuer
from rostrum_verifier import Checkpoint, Key, Rejected, check, consistent, included, leaf_hash

from .trail import OPERATOR, Trail

ENTRIES = "/v1/audit/entries"


async def listed(client: httpx.AsyncClient, **asked: Any) -> list[dict[str, Any]]:
    answer = await client.get(ENTRIES, params=asked)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_owners_and_admins_see_the_entries_of_their_organization_only_the_newest_first(trail: Trail) -> None:
    ours, theirs = new_id(), new_id()
    await trail.hear(trail.line(ours, role="editor"), trail.line(theirs), trail.line(ours, "auth.member.added"))
    await trail.sequence()
    for role in ("owner", "admin"):
        newest, oldest = await listed(trail.asking(ours, role))
        assert [newest["action"], oldest["action"]] == ["auth.member.added", "auth.member.removed"]
        assert (oldest["sequence"], oldest["position"], newest["sequence"], newest["position"]) == (1, 0, 2, 2)
        assert oldest["details"] == {"role": "editor"}
        assert oldest["meaning"] == ACTIONS["auth.member.removed"]
    assert [entry["sequence"] for entry in await listed(trail.asking(theirs))] == [1]


async def test_an_entry_shows_what_the_line_said(trail: Trail) -> None:
    organization_id = new_id()
    line = trail.line(organization_id, last=True, seats=3)
    await trail.hear(line)
    await trail.sequence()
    (entry,) = await listed(trail.asking(organization_id))
    assert {
        name: entry[name] for name in ("id", "actor_id", "target_id", "target_kind", "actor_kind", "details")
    } == {
        "id": str(line.id),
        "actor_id": str(line.actor_id),
        "actor_kind": "user",
        "target_id": line.target_id,
        "target_kind": "member",
        "details": {"last": True, "seats": 3},
    }
    assert entry["at"].startswith(line.time.strftime("%Y-%m-%dT%H:%M:%S.%f"))


@pytest.mark.parametrize("role", ["editor", "approver", "agent", "analyst", "client", "provider"])
@pytest.mark.parametrize("path", [ENTRIES, f"{ENTRIES}/{UUID(int=7)}/proof", "/v1/audit/bundle"])
async def test_nobody_else_reads_the_audit_trail(trail: Trail, role: str, path: str) -> None:
    assert (await trail.asking(new_id(), role).get(path)).status_code == 403
    assert (await trail.asking(None).get(path)).status_code == 403
    assert (await trail.client().get(path)).status_code == 401
    forged = Issuer().token(trail.database.clock.now(), new_id())
    assert (await trail.client(f"Bearer {forged}").get(path)).status_code == 401


async def test_entries_are_found_by_action_actor_target_and_time(trail: Trail) -> None:
    organization_id = new_id()
    lines = [trail.line(organization_id, action) for action in ("auth.member.added", "auth.member.removed")]
    others = [trail.line(new_id(), action) for action in ("auth.member.added", "auth.member.removed")]
    await trail.hear(*lines, *others)
    await trail.sequence()
    client = trail.asking(organization_id)
    added, removed = ({str(line.id)} for line in lines)

    async def found(**asked: Any) -> set[str]:
        return {entry["id"] for entry in await listed(client, **asked)}

    assert await found(action="auth.member.added") == added
    assert await found(actor_id=str(lines[1].actor_id)) == removed
    assert await found(target_id=lines[0].target_id) == added
    assert await found(since=lines[1].time.isoformat()) == removed
    assert await found(until=lines[1].time.isoformat()) == added
    assert await found(until=lines[1].time.isoformat(), action="auth.member.removed") == set()
    assert await found(actor_id=str(others[0].actor_id)) == set()
    assert await found(since=(lines[1].time + timedelta(days=1)).isoformat()) == set()


@pytest.mark.parametrize(
    "asked",
    [
        {"action": "Robert'); DROP TABLE"},
        {"actor_id": "me"},
        {"target_id": "a b"},
        {"since": "yesterday"},
        {"since": "2026-01-01T00:00:00"},
        {"since": "9999-12-31T23:59:59-14:00"},
        {"until": "0001-01-01T00:00:00+14:00"},
        {"limit": "0"},
        {"limit": "101"},
        {"cursor": "bm9uc2Vuc2U"},
    ],
)
async def test_what_cannot_be_meant_is_refused(trail: Trail, asked: dict[str, str]) -> None:
    answer = await trail.asking(new_id()).get(ENTRIES, params=asked)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


async def test_pages_skip_and_repeat_nothing_while_new_entries_arrive(trail: Trail) -> None:
    organization_id = new_id()
    made = await trail.record(organization_id, 7)
    client, seen, cursor = trail.asking(organization_id), [], None
    while True:
        asked = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        answer = (await client.get(ENTRIES, params=asked)).json()
        seen += [entry["id"] for entry in answer["items"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
        await trail.record(organization_id, 1)
    assert seen == [str(line.id) for line in reversed(made)]


async def test_reading_proving_and_exporting_are_put_on_record(trail: Trail) -> None:
    organization_id = new_id()
    (line,) = await trail.record(organization_id, 1)
    client = trail.asking(organization_id, sub=str(UUID(int=5)))
    await client.get(ENTRIES)
    await client.get(f"{ENTRIES}/{line.id}/proof")
    await client.get("/v1/audit/bundle")
    told = [each for each in await trail.told() if each.organization_id == organization_id]
    assert [each.action for each in told] == [
        "compliance.audit.read",
        "compliance.audit.proved",
        "compliance.audit.exported",
    ]
    assert {each.actor_id for each in told} == {UUID(int=5)}
    await trail.hear(*told)
    await trail.sequence()
    assert (await trail.checked(organization_id)).count == 4


async def test_a_proof_leads_from_the_entry_to_the_signed_checkpoint(trail: Trail) -> None:
    organization_id = new_id()
    await trail.record(new_id(), 3)
    lines = await trail.record(organization_id, 300)
    key = await trail.key()
    for line in (lines[0], lines[150], lines[-1]):
        told = (await trail.asking(organization_id).get(f"{ENTRIES}/{line.id}/proof")).json()
        checkpoint = Checkpoint.from_note(told["checkpoint"], [key])
        proof = [b64decode(each) for each in told["proof"]]
        assert str(line.id) in told["leaf"]
        leaf = leaf_hash(told["leaf"].encode())
        assert included(leaf, told["position"], checkpoint.size, proof, checkpoint.root)


async def test_after_the_key_was_changed_all_that_was_signed_is_checked_with_both(trail: Trail) -> None:
    organization_id = new_id()
    await trail.record(organization_id, 3)
    kept, before = await trail.kept(organization_id), await trail.key()
    await trail.parts.log_keys.rotate()
    await trail.restart()
    texts = [await trail.bundle(organization_id, older_size=3)]
    await trail.record(organization_id, 2)
    texts.append(await trail.bundle(organization_id, older_size=3))
    keys = [Key.from_text(each) for each in (await trail.client().get("/v1/audit/log/keys")).json()["keys"]]
    assert (len(keys), keys[1], {key.name for key in keys}) == (2, before, {before.name})
    for text, count in zip(texts, (3, 5), strict=True):
        assert check([text.splitlines()], keys, older=kept).count == count
    with pytest.raises(Rejected, match="no key that you pinned"):
        check([texts[1].splitlines()], [before])


async def test_another_organizations_entry_is_proven_to_nobody(trail: Trail) -> None:
    (line,) = await trail.record(new_id(), 1)
    for entry_id in (line.id, new_id()):
        answer = await trail.asking(new_id()).get(f"{ENTRIES}/{entry_id}/proof")
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:rostrum:problem:audit-entry-not-found")


async def test_the_empty_log_is_signed_too(trail: Trail) -> None:
    assert (await trail.checkpoint()).size == 0
    assert (await trail.checked(new_id())).count == 0


async def test_everybody_may_fetch_checkpoint_keys_and_consistency_and_learns_nothing_of_entries(
    trail: Trail,
) -> None:
    organization_id = new_id()
    await trail.record(organization_id, 5)
    older = await trail.checkpoint()
    await trail.record(organization_id, 300)
    newer = await trail.checkpoint()
    client = trail.client()
    answer = await client.get("/v1/audit/log/consistency", params={"from_size": older.size})
    told = answer.json()
    assert (told["from_size"], told["to_size"]) == (older.size, newer.size) == (5, 305)
    proof = [b64decode(each) for each in told["proof"]]
    assert consistent(older.size, older.root, newer.size, newer.root, proof)
    texts = [answer.text, (await client.get("/v1/audit/log/checkpoint")).text]
    assert not any(str(organization_id) in text for text in texts)
    between = await client.get("/v1/audit/log/consistency", params={"from_size": 2, "to_size": 5})
    assert between.json()["to_size"] == 5


@pytest.mark.parametrize("asked", [{"from_size": 6}, {"from_size": 3, "to_size": 2}, {"from_size": 0, "to_size": 6}])
async def test_sizes_that_the_log_has_not_reached_are_refused(trail: Trail, asked: dict[str, int]) -> None:
    await trail.record(new_id(), 5)
    answer = await trail.client().get("/v1/audit/log/consistency", params=asked)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:rostrum:problem:audit-size-not-reached")


async def test_an_honest_bundle_is_verified_offline(trail: Trail) -> None:
    ours, theirs = new_id(), new_id()
    for _ in range(4):
        await trail.record(ours, 40)
        await trail.record(theirs, 37)
    for organization_id, count in ((ours, 160), (theirs, 148)):
        found = await trail.checked(organization_id)
        assert (found.first, found.last, found.newest, found.count, found.size) == (1, count, count, count, 308)
        assert found.whole


async def test_bundles_fetched_one_after_the_other_fit_together_while_the_log_grows(trail: Trail) -> None:
    organization_id = new_id()
    await trail.record(organization_id, 25)
    pages, size = [], None
    for first in (1, 11, 21):
        asked = {"first": first, "limit": 10} | ({"size": size} if size else {})
        pages.append((await trail.bundle(organization_id, **asked)).splitlines())
        await trail.record(organization_id, 3)
        size = 25
    found = check(pages, [await trail.key()])
    assert (found.count, found.newest, found.size, found.whole) == (25, 25, 25, True)


async def test_a_bundle_goes_on_from_what_the_customer_kept(trail: Trail) -> None:
    organization_id = new_id()
    await trail.record(organization_id, 20)
    kept, checkpoint = await trail.kept(organization_id), await trail.checkpoint()
    await trail.record(new_id(), 300)
    await trail.record(organization_id, 20)
    for older in (kept, checkpoint):
        found = await trail.checked(organization_id, older, older_size=20)
        assert (found.count, found.older_size) == (40, 20)
        with pytest.raises(Rejected, match="older_size=20"):
            await trail.checked(organization_id, older)


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"first": 7}, 422, "audit-sequence-not-reached"),
        ({"size": 3}, 404, "audit-checkpoint-not-found"),
        ({"size": 6}, 404, "audit-checkpoint-not-found"),
        ({"older_size": 6}, 422, "audit-size-not-reached"),
        ({"limit": 1001}, 422, "invalid"),
        ({"first": 0}, 422, "invalid"),
    ],
)
async def test_a_bundle_that_cannot_be_is_refused(
    trail: Trail, asked: dict[str, int], status: int, code: str
) -> None:
    organization_id = new_id()
    await trail.record(organization_id, 5)
    answer = await trail.asking(organization_id).get("/v1/audit/bundle", params=asked)
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (status, code)


async def test_what_belongs_to_no_organization_is_for_operators(trail: Trail) -> None:
    line = audited("auth.user.registered", SYSTEM, "user", new_id()).stamped(time=trail.database.clock.now())
    await trail.hear(line, trail.line(new_id()))
    await trail.sequence()
    door = "/internal/audit/entries"
    assert (await trail.client().get(door)).status_code == 401
    assert (await trail.asking(new_id()).get(door)).status_code == 401
    answer = await trail.client(f"Bearer {OPERATOR}").get(door, params={"action": "auth.user.registered"})
    assert [entry["id"] for entry in answer.json()["items"]] == [str(line.id)]
    assert (await trail.told())[-1].actor_kind == "operator"
