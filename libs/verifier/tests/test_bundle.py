"""An honest bundle holds; each way of doctoring one is found."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rostrum_verifier import Bundle, Checkpoint, Rejected, check, read

from .making import OURS, THEIRS, Log, entry, filled, lines

Parts = list[dict[str, Any]]
LOG = filled()
HONEST = LOG.bundle()


def copied(parts: Parts) -> Parts:
    copy: Parts = json.loads(json.dumps(parts))
    return copy


def rejected(parts: Parts, log: Log = LOG, older: Bundle | Checkpoint | None = None) -> str:
    with pytest.raises(Rejected) as found:
        check([lines(parts)], [log.key], older=older)
    return str(found.value)


def test_an_honest_bundle_holds_and_tells_what_it_proves() -> None:
    found = check([lines(HONEST)], [LOG.key], organization=str(OURS))
    assert (found.organization, found.first, found.last, found.newest) == (str(OURS), 1, 20, 20)
    assert (found.count, found.size, found.older_size, found.whole) == (20, 33, None, True)


def test_an_organization_without_entries_has_an_empty_bundle_that_holds() -> None:
    log = filled(ours=0, theirs=5)
    found = check([lines(log.bundle())], [log.key])
    assert (found.count, found.whole) == (0, True)


def edited(parts: Parts) -> None:
    parts[7]["leaf"] = parts[7]["leaf"].replace("added", "removed")


def edited_at_the_end(parts: Parts) -> None:
    parts[-2]["leaf"] = parts[-2]["leaf"].replace("added", "removed")


def deleted(parts: Parts) -> None:
    del parts[7]


def first_deleted(parts: Parts) -> None:
    del parts[1]


def tail_deleted(parts: Parts) -> None:
    del parts[-2]


def all_deleted(parts: Parts) -> None:
    del parts[1:-1]


def doubled(parts: Parts) -> None:
    parts.insert(7, parts[7])


def reordered(parts: Parts) -> None:
    parts[7], parts[8] = parts[8], parts[7]


def positions_swapped(parts: Parts) -> None:
    parts[7]["position"], parts[8]["position"] = parts[8]["position"], parts[7]["position"]


def moved_with_proof(parts: Parts) -> None:
    parts[7]["leaf"], parts[8]["leaf"] = parts[8]["leaf"], parts[7]["leaf"]


def cut_off(parts: Parts) -> None:
    del parts[12:]


def end_missing(parts: Parts) -> None:
    del parts[-1]


def header_missing(parts: Parts) -> None:
    del parts[0]


def renumbered(parts: Parts) -> None:
    parts[7]["leaf"] = parts[7]["leaf"].replace('"sequence":7', '"sequence":8')


def of_others(parts: Parts) -> None:
    parts[7] = LOG.bundle(THEIRS)[7]


def of_others_relabelled(parts: Parts) -> None:
    parts[7] = LOG.bundle(THEIRS)[7]
    parts[7]["leaf"] = parts[7]["leaf"].replace(str(THEIRS), str(OURS))


def header_of_others(parts: Parts) -> None:
    parts[0] = LOG.bundle(THEIRS)[0]


def header_says_less(parts: Parts) -> None:
    parts[0]["note"] = parts[0]["note"].replace("sequences 1 20 of 20", "sequences 1 19 of 19").replace("20", "19")
    del parts[-2]


def end_of_another_size(parts: Parts) -> None:
    parts[-1]["checkpoint"] = LOG.checkpoint(30)


def proof_touched(parts: Parts) -> None:
    parts[7]["proof"][1] = parts[7]["proof"][0]


def proof_left_out(parts: Parts) -> None:
    del parts[7]["proof"]


def said_in_two_ways(parts: Parts) -> None:
    parts[7]["leaf"] = parts[7]["leaf"].replace("{", '{"sequence":99,', 1)


def with_spaces(parts: Parts) -> None:
    parts[7]["leaf"] = parts[7]["leaf"].replace(",", ", ")


def something_else(parts: Parts) -> None:
    parts[7] = {"type": "remark"}


def without_position(parts: Parts) -> None:
    parts[7]["position"] = True


DOCTORED = [
    edited,
    edited_at_the_end,
    deleted,
    first_deleted,
    tail_deleted,
    all_deleted,
    doubled,
    reordered,
    positions_swapped,
    moved_with_proof,
    cut_off,
    end_missing,
    header_missing,
    renumbered,
    of_others,
    of_others_relabelled,
    header_of_others,
    header_says_less,
    end_of_another_size,
    proof_touched,
    proof_left_out,
    said_in_two_ways,
    with_spaces,
    something_else,
    without_position,
]


@pytest.mark.parametrize("doctor", DOCTORED, ids=lambda doctor: doctor.__name__)
def test_a_doctored_bundle_is_rejected(doctor: Callable[[Parts], None]) -> None:
    parts = copied(HONEST)
    doctor(parts)
    assert rejected(parts)


@given(data=st.data())
def test_no_single_changed_character_goes_unnoticed(data: st.DataObject) -> None:
    """But for white space and escapes of JSON, which change nothing that is said."""
    honest = lines(HONEST)
    place = data.draw(st.integers(0, len(honest) - 1))
    spot = data.draw(st.integers(0, len(honest[place]) - 1))
    letter = data.draw(st.sampled_from('abcXYZ0189+/={}[]",:— '))
    doctored = list(honest)
    doctored[place] = honest[place][:spot] + letter + honest[place][spot + 1 :]
    try:
        same = json.loads(doctored[place]) == json.loads(honest[place])
    except ValueError:
        same = False
    if same:
        return
    with pytest.raises(Rejected):
        check([doctored], [LOG.key])


@pytest.mark.parametrize("text", ["", "[]", "{}", "no json", '{"type": "header"}', "9" * 70_000, "[" * 60_000])
def test_what_is_no_bundle_is_rejected(text: str) -> None:
    with pytest.raises(Rejected):
        check([[text, text]], [LOG.key])


def test_a_bundle_signed_by_another_key_is_rejected() -> None:
    impostor = filled()
    assert "no key that you pinned" in rejected(impostor.bundle(), LOG)


def test_a_bundle_of_another_log_under_the_same_key_is_rejected() -> None:
    other = Log(origin="elsewhere.test", private=LOG.private)
    other.record(OURS)
    assert "no key that you pinned" in rejected(other.bundle(), LOG)
    lied = other.bundle()
    lied[0]["note"] = lied[0]["note"].replace("elsewhere.test", LOG.origin)
    assert rejected(lied)


def test_header_and_end_of_different_logs_do_not_fit_though_both_keys_are_pinned() -> None:
    other = Log(origin="elsewhere.test", leaves=LOG.leaves)
    mixed = [*LOG.bundle()[:-1], other.bundle()[-1]]
    with pytest.raises(Rejected, match="different logs"):
        check([lines(mixed)], [LOG.key, other.key])


def test_a_checkpoint_from_before_the_key_was_changed_fits_a_header_from_after() -> None:
    changed = Log(leaves=LOG.leaves)
    mixed = [changed.bundle()[0], *LOG.bundle()[1:]]
    assert check([lines(mixed)], [changed.key, LOG.key]).whole
    for pinned in (changed.key, LOG.key):
        with pytest.raises(Rejected, match="no key that you pinned"):
            check([lines(mixed)], [pinned])


def test_a_bundle_of_another_organization_is_rejected() -> None:
    with pytest.raises(Rejected, match="and not of"):
        check([lines(LOG.bundle(THEIRS))], [LOG.key], organization=str(OURS))


def test_an_entry_left_out_by_who_holds_the_key_leaves_a_gap_in_the_numbers() -> None:
    """The log signs whatever it likes, and still cannot leave out one entry from the middle."""
    log = Log()
    for sequence in (1, 2, 4):
        log.leaves.append(entry(OURS, sequence))
    assert "entry 3 is missing" in rejected(log.bundle(), log)


def test_bundles_that_follow_one_another_are_checked_as_one() -> None:
    pages = [lines(LOG.bundle(first=first, last=last)) for first, last in ((1, 8), (9, 15), (16, 20))]
    found = check(pages, [LOG.key])
    assert (found.first, found.last, found.count, found.whole) == (1, 20, 20, True)
    assert not check(pages[1:], [LOG.key]).whole
    for wrong in ([pages[0], pages[2]], [pages[1], pages[0]], [pages[0], pages[0]]):
        with pytest.raises(Rejected):
            check(wrong, [LOG.key])


def test_bundles_under_different_checkpoints_are_not_joined() -> None:
    pages = [lines(LOG.bundle(last=8, size=25)), lines(LOG.bundle(first=9))]
    with pytest.raises(Rejected, match="size=25"):
        check(pages, [LOG.key])


@pytest.mark.parametrize("size", [0, 1, 16, 20, 32, 33])
def test_the_log_goes_on_from_an_older_checkpoint(size: int) -> None:
    older = Checkpoint.from_note(LOG.checkpoint(size), [LOG.key])
    assert check([lines(LOG.bundle(older_size=size))], [LOG.key], older=older).older_size == size


def test_without_a_proof_from_the_older_checkpoint_nothing_is_believed() -> None:
    older = Checkpoint.from_note(LOG.checkpoint(20), [LOG.key])
    assert "older_size=20" in rejected(HONEST, older=older)
    assert "older_size=20" in rejected(LOG.bundle(older_size=19), older=older)


def test_a_log_that_was_cut_is_rejected_by_an_older_checkpoint() -> None:
    older = Checkpoint.from_note(LOG.checkpoint(), [LOG.key])
    cut = filled(ours=18)
    cut.private = LOG.private
    assert "was cut" in rejected(cut.bundle(), older=older)


def rewritten(size: int) -> Log:
    """The same log with its fifth entry rewritten, all hashes made anew, and signed with the true key."""
    log = Log(private=LOG.private, leaves=LOG.leaves[:size])
    log.leaves[5] = log.leaves[5].replace(b"added", b"removed")
    return log


@pytest.mark.parametrize("size", [20, 32, 33])
def test_a_log_that_was_rewritten_and_signed_anew_is_rejected_by_an_older_checkpoint(size: int) -> None:
    forked = rewritten(33)
    assert check([lines(forked.bundle())], [LOG.key]), "in itself it holds: that is why one keeps a checkpoint"
    older = Checkpoint.from_note(LOG.checkpoint(size), [LOG.key])
    assert "forked or rewritten" in rejected(forked.bundle(older_size=size), older=older)


def test_an_older_checkpoint_of_another_log_is_no_help() -> None:
    other = Log(origin="elsewhere.test")
    older = Checkpoint.from_note(other.checkpoint(), [other.key])
    assert "elsewhere" in rejected(LOG.bundle(older_size=0), older=older)


def test_with_an_older_bundle_its_entries_must_still_be_there() -> None:
    older = read(lines(LOG.bundle(size=20)), [LOG.key])
    assert check([lines(LOG.bundle(older_size=20))], [LOG.key], older=older).older_size == 20
    others = read(lines(LOG.bundle(THEIRS, size=20)), [LOG.key])
    assert "older bundle is of organization" in rejected(LOG.bundle(older_size=20), older=others)


def test_who_holds_the_key_and_hides_the_newest_entries_is_found_by_an_older_bundle() -> None:
    """The tree is untouched and the header signed anew, so that only what was known before gives it away."""
    older = read(lines(HONEST), [LOG.key])
    hidden = LOG.bundle(last=18, older_size=33)
    text = hidden[0]["note"].partition("\n\n")[0] + "\n"
    hidden[0]["note"] = LOG.sign(text.replace("1 18 of 20", "1 18 of 18"))
    assert check([lines(hidden)], [LOG.key]).whole
    assert "entries are gone" in rejected(hidden, older=older)


def test_an_entry_with_an_old_place_and_a_new_number_was_left_out_before() -> None:
    log = Log()
    for sequence in (1, 2, 3):
        log.leaves.append(entry(OURS, sequence))
    early = log.bundle(size=2)
    text = early[0]["note"].partition("\n\n")[0] + "\n"
    early[0]["note"] = log.sign(text.replace("sequences 1 2 of 2\ncount 2", "sequences 1 1 of 1\ncount 1"))
    del early[2]
    older = read(lines(early), [log.key])
    assert "after the fact" in rejected(log.bundle(older_size=2), log, older=older)
