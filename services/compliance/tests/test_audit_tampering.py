"""Somebody with every right on the database touches the trail: who checks it notices, each time."""

import json
from collections.abc import Sequence

import pytest

from compliance.audit.errors import LogBroken
from compliance.audit.merkle import append, leaf_hash
from compliance.audit.notes import Signer
from kit.db.database import Row
from kit.ids import new_id
from rostrum_verifier import Bundle, Checkpoint, Rejected, check

from .trail import Trail

OURS, THEIRS = new_id(), new_id()


@pytest.fixture
async def kept(trail: Trail) -> Bundle:
    """A trail of two organizations, and the bundle that ours keeps; then life goes on."""
    for _ in range(5):
        await trail.record(OURS, 30)
        await trail.record(THEIRS, 30)
    bundle = await trail.kept(OURS)
    await trail.record(OURS, 10)
    return bundle


async def rejected(trail: Trail, older: Bundle | Checkpoint | None = None, **asked: int) -> str:
    with pytest.raises(Rejected) as found:
        await trail.checked(OURS, older, **asked)
    return str(found.value)


@pytest.mark.usefixtures("kept")
async def test_an_edited_entry_is_noticed(trail: Trail) -> None:
    await edit(trail, 17)
    assert "entry 17 is not what stands in the log" in await rejected(trail)
    assert (await trail.checked(THEIRS)).whole, "others are not concerned"


@pytest.mark.usefixtures("kept")
async def test_a_deleted_entry_is_noticed(trail: Trail) -> None:
    await trail.ask("DELETE FROM audit_entries WHERE organization_id = $1 AND sequence = 17", OURS)
    assert "promises 160 entries, and there are 159" in await rejected(trail)


@pytest.mark.usefixtures("kept")
async def test_a_deleted_entry_is_noticed_although_the_others_were_numbered_anew(trail: Trail) -> None:
    await trail.ask("DELETE FROM audit_entries WHERE organization_id = $1 AND sequence = 17", OURS)
    for step, above in ((10**6, 17), (-(10**6) - 1, 10**6)):  # in two steps, for numbers are unique
        await trail.ask(
            "UPDATE audit_entries SET sequence = sequence + $2 WHERE organization_id = $1 AND sequence > $3",
            OURS,
            step,
            above,
        )
    await trail.ask("UPDATE audit_sequences SET last = last - 1 WHERE organization_id = $1", OURS)
    assert "entry 17 is missing: in its place is 18" in await rejected(trail)


@pytest.mark.usefixtures("kept")
async def test_an_entry_that_was_left_out_from_hash_and_number_alike_leaves_its_place(trail: Trail) -> None:
    """The numbers within the bytes are doctored as well: then the bytes are not those that were hashed."""
    await trail.ask("DELETE FROM audit_entries WHERE organization_id = $1 AND sequence = 17", OURS)
    for row in (await entries(trail))[16:]:
        said = json.loads(row["leaf"]) | {"sequence": row["sequence"] - 1}
        leaf = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
        await trail.ask(
            "UPDATE audit_entries SET sequence = $2, leaf = $3 WHERE position = $1",
            row["position"],
            said["sequence"],
            leaf,
        )
    await trail.ask("UPDATE audit_sequences SET last = last - 1 WHERE organization_id = $1", OURS)
    assert "entry 17 is not what stands in the log" in await rejected(trail)


@pytest.mark.usefixtures("kept")
async def test_entries_that_changed_places_are_noticed(trail: Trail) -> None:
    first, second = (row["position"] for row in (await entries(trail))[16:18])
    for position, to in ((first, 10**9), (second, first), (10**9, second)):
        await trail.ask("UPDATE audit_entries SET position = $2 WHERE position = $1", position, to)
    assert "entry 17 is not what stands in the log" in await rejected(trail)


@pytest.mark.usefixtures("kept")
async def test_an_entry_of_others_is_noticed(trail: Trail) -> None:
    await trail.ask("DELETE FROM audit_entries WHERE organization_id = $1 AND sequence = 17", OURS)
    await trail.ask(
        "UPDATE audit_entries SET organization_id = $1 WHERE organization_id = $2 AND sequence = 17", OURS, THEIRS
    )
    assert "entry 17 belongs to another organization" in await rejected(trail)


async def test_a_truncated_log_is_noticed_by_what_was_kept(trail: Trail, kept: Bundle) -> None:
    """Back to an earlier checkpoint, and every table with it: in itself all of it holds."""
    size = await earlier(trail, kept.checkpoint.size)
    await cut(trail, size)
    assert (await trail.checked(OURS)).whole
    assert "the log was cut" in await rejected(trail, kept)
    await trail.record(OURS, 100)
    assert "forked or rewritten" in await rejected(trail, kept, older_size=kept.checkpoint.size)
    assert "forked or rewritten" in await rejected(trail, kept.checkpoint, older_size=kept.checkpoint.size)


async def test_a_log_rewritten_as_a_whole_and_signed_with_the_true_key_is_noticed_by_what_was_kept(
    trail: Trail, kept: Bundle
) -> None:
    """One entry edited, every hash made anew, every checkpoint signed anew by the true key."""
    await edit(trail, 17)
    await rebuild(trail, await trail.parts.log_keys.signer())
    assert (await trail.checked(OURS)).whole, "in itself it holds: that is why one keeps a bundle"
    assert "forked or rewritten" in await rejected(trail, kept, older_size=kept.checkpoint.size)


async def test_the_newest_entries_hidden_are_noticed_by_what_was_kept(trail: Trail, kept: Bundle) -> None:
    """The tree is left as it is; only the rows and their count go."""
    await trail.ask("DELETE FROM audit_entries WHERE organization_id = $1 AND sequence > 140", OURS)
    await trail.ask("UPDATE audit_sequences SET last = 140 WHERE organization_id = $1", OURS)
    assert (await trail.checked(OURS)).whole
    assert "entries are gone" in await rejected(trail, kept, older_size=kept.checkpoint.size)


async def test_a_touched_tile_is_noticed_by_the_sequencer_which_signs_nothing_more(
    trail: Trail, kept: Bundle
) -> None:
    before = await trail.checkpoint()
    forged = leaf_hash(b"forged")
    await trail.ask(
        "UPDATE audit_tiles SET hashes = overlay(hashes PLACING $1 FROM 33) WHERE level = 0 AND number = 1", forged
    )
    await trail.hear(trail.line(OURS))
    with pytest.raises(LogBroken):
        await trail.sequence()
    assert await trail.checkpoint() == before
    assert await rejected(trail, kept, older_size=kept.checkpoint.size)


async def test_another_key_is_noticed(trail: Trail, kept: Bundle) -> None:
    pinned = await trail.key()
    await trail.ask("DELETE FROM audit_keys")
    await trail.ask("DELETE FROM audit_checkpoints WHERE size = 0")
    await trail.restart()
    await trail.record(OURS, 1)
    assert await trail.key() != pinned
    text = await trail.bundle(OURS)
    with pytest.raises(Rejected, match="no key that you pinned"):
        check([text.splitlines()], [pinned], older=kept)


async def entries(trail: Trail) -> Sequence[Row]:
    return await trail.ask(
        "SELECT position, sequence, leaf FROM audit_entries WHERE organization_id = $1 ORDER BY sequence", OURS
    )


async def edit(trail: Trail, sequence: int) -> None:
    await trail.ask(
        """
        UPDATE audit_entries SET leaf = convert_to(replace(convert_from(leaf, 'UTF8'), 'removed', 'blessed'), 'UTF8')
        WHERE organization_id = $1 AND sequence = $2
        """,
        OURS,
        sequence,
    )


async def earlier(trail: Trail, size: int) -> int:
    rows = await trail.ask("SELECT size FROM audit_checkpoints WHERE size < $1 ORDER BY size DESC LIMIT 1", size)
    return int(rows[0]["size"])


async def cut(trail: Trail, size: int) -> None:
    await trail.ask("DELETE FROM audit_entries WHERE position >= $1", size)
    await trail.ask(
        """
        UPDATE audit_sequences AS s SET last = (
            SELECT max(sequence) FROM audit_entries AS e WHERE e.organization_id = s.organization_id
        )
        """
    )
    await trail.ask("DELETE FROM audit_checkpoints WHERE size > $1", size)
    await hash_anew(trail)


async def hash_anew(trail: Trail) -> bytes:
    leaves = [row["leaf"] for row in await trail.ask("SELECT leaf FROM audit_entries ORDER BY position")]
    grown = append({}, 0, [leaf_hash(leaf) for leaf in leaves])
    await trail.ask("DELETE FROM audit_tiles")
    for (level, number), hashes in grown.tiles.items():
        await trail.ask("INSERT INTO audit_tiles VALUES ($1, $2, $3)", level, number, hashes)
    return grown.root


async def rebuild(trail: Trail, signer: Signer) -> None:
    root = await hash_anew(trail)
    (row,) = await trail.ask("SELECT max(size) AS size FROM audit_checkpoints")
    size = row["size"]
    await trail.ask("DELETE FROM audit_checkpoints")
    await trail.ask(
        "INSERT INTO audit_checkpoints (size, root, note) VALUES ($1, $2, $3)",
        size,
        root,
        signer.checkpoint(size, root),
    )
