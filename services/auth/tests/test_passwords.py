import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import bcrypt
import pytest

from auth.passwords.common import KnownPasswords, NotAList
from auth.passwords.errors import TooManyPasswords
from auth.passwords.hashing import Passwords
from auth.passwords.policy import PasswordPolicy
from kit.db.database import Database
from kit.testing.databases import TestDatabase

from .story import GOOD, Story, problem, settings


class Counting(Passwords):
    """Counts how much work each request makes."""

    def __init__(self) -> None:
        super().__init__(threads=1, memory_kib=64, passes=1)
        self.work: list[str] = []

    async def hashed(self, password: str, judge: Callable[[str], None] | None = None) -> str:
        self.work.append("hash")
        return await super().hashed(password, judge)

    async def match(self, password: str, hashed: str | None) -> bool:
        self.work.append("match")
        return await super().match(password, hashed)


@pytest.fixture
async def counting() -> AsyncIterator[Counting]:
    made = Counting()
    yield made
    made.close()


async def test_known_and_unknown_addresses_cost_the_same_work(
    counting: Counting, place: TestDatabase, database: Database
) -> None:
    story = Story(place, database, counting, settings(place))
    await story.begin()
    await story.person("ada@example.com")
    await story.sign_up("slow@example.com")
    for email in ("ada@example.com", "slow@example.com", "new@example.com"):
        counting.work.clear()
        await story.sign_up(email)
        assert counting.work == ["hash"]
    for email in ("ada@example.com", "slow@example.com", "nobody@example.com"):
        counting.work.clear()
        await story.sign_in(email, "wrong-password-55")
        assert counting.work == ["match"]
    await story.end()


async def test_a_hash_is_argon2id_with_nineteen_mebibytes_and_two_passes() -> None:
    passwords = Passwords()
    hashed = await passwords.hashed(GOOD)
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.match(GOOD, hashed)
    assert not await passwords.match(GOOD + " ", hashed)
    assert not await passwords.match(GOOD, None)
    assert not await passwords.match(GOOD, "$2b$12$no-hash-of-ours")
    passwords.close()


async def test_the_end_of_a_long_password_counts(passwords: Passwords) -> None:
    long = "k3#" + "fq9!vz" * 42
    hashed = await passwords.hashed(long + "a")
    assert not await passwords.match(long + "b", hashed)


async def test_composed_and_decomposed_letters_are_not_silently_made_equal(passwords: Passwords) -> None:
    assert not await passwords.match("caf\u00e9-noir-otter-9", await passwords.hashed("cafe\u0301-noir-otter-9"))


async def test_an_older_hash_is_renewed_when_its_owner_signs_in(story: Story) -> None:
    await story.person("ada@example.com")
    weak = Passwords(threads=1, memory_kib=32, passes=1)
    async with story.database.transaction() as tx:
        await tx.execute("UPDATE users SET password_hash = $1", await weak.hashed(GOOD))
    assert (await story.sign_in("ada@example.com")).status_code == 201
    async with story.database.transaction() as tx:
        renewed = await tx.fetchval("SELECT password_hash FROM users")
    assert "m=64,t=1" in renewed
    assert (await story.sign_in("ada@example.com")).status_code == 201
    weak.close()


async def test_beyond_the_queue_the_answer_is_too_many_requests_and_then_it_goes_on(
    place: TestDatabase, database: Database
) -> None:
    narrow = Passwords(threads=1, queue=3)
    story = Story(place, database, narrow, settings(place))
    held = threading.Event()
    waiting = [asyncio.create_task(narrow.compute(held.wait)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(TooManyPasswords):
        await narrow.hashed(GOOD)
    answer = await story.sign_in("ada@example.com")
    assert problem(answer) == (429, "too-many-passwords")
    assert answer.headers["retry-after"] == "2"
    held.set()
    await asyncio.gather(*waiting)
    await asyncio.sleep(0.01)
    assert await narrow.hashed(GOOD)
    await story.end()
    narrow.close()


async def test_a_crowd_is_told_of_while_passwords_wait_for_a_thread_and_not_when_each_has_one() -> None:
    narrow = Passwords(threads=2, memory_kib=64, passes=1)
    told: list[str] = []
    narrow.crowded = lambda: told.append("crowd")
    held = threading.Event()
    waiting = [asyncio.create_task(narrow.compute(held.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    assert told == []
    waiting.append(asyncio.create_task(narrow.compute(held.wait)))
    await asyncio.sleep(0)
    assert told == ["crowd"]
    held.set()
    await asyncio.gather(*waiting)
    narrow.close()


async def test_who_goes_away_while_waiting_makes_room(passwords: Passwords) -> None:
    narrow = Passwords(threads=1, queue=2)
    held = threading.Event()
    first, second = (asyncio.create_task(narrow.compute(held.wait)) for _ in range(2))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.sleep(0.01)
    third = asyncio.create_task(narrow.hashed(GOOD))
    await asyncio.sleep(0)
    held.set()
    assert await third
    assert await first
    narrow.close()
    assert passwords is not narrow


def test_a_password_made_to_be_costly_costs_little_more_than_any_other() -> None:
    policy, context = PasswordPolicy(), ["ada@example.com"]
    policy.objection(GOOD, context)  # loads the dictionaries
    began = time.thread_time()
    policy.objection("4@8({[<369&#!1/|0$5+7%2" * 11, context)
    assert time.thread_time() - began < 1.5


@pytest.mark.parametrize("form", ["$2a$", "$2b$", "$2y$"])
async def test_a_hash_of_bcrypt_is_accepted_and_replaced_at_the_first_sign_in(form: str, story: Story) -> None:
    await story.person("ada@example.com")
    old = form + bcrypt.hashpw(GOOD.encode(), bcrypt.gensalt(4)).decode()[4:]
    async with story.database.transaction() as tx:
        await tx.execute("UPDATE users SET password_hash = $1", old)
    assert (await story.sign_in("ada@example.com", "not-the-password-17")).status_code == 401
    assert (await story.sign_in("ada@example.com")).status_code == 201
    async with story.database.transaction() as tx:
        assert (await tx.fetchval("SELECT password_hash FROM users")).startswith("$argon2id$")
    assert (await story.sign_in("ada@example.com")).status_code == 201


async def test_a_hash_of_bcrypt_was_cut_off_at_72_bytes_and_the_new_one_is_not(story: Story) -> None:
    await story.person("ada@example.com")
    long = "ü-otter-gravel-" * 6
    old = bcrypt.hashpw(long.encode()[:72], bcrypt.gensalt(4)).decode()
    async with story.database.transaction() as tx:
        await tx.execute("UPDATE users SET password_hash = $1", old)
    assert (await story.sign_in("ada@example.com", long)).status_code == 201
    assert (await story.sign_in("ada@example.com", long)).status_code == 201
    assert (await story.sign_in("ada@example.com", long.encode()[:72].decode("utf-8", "ignore"))).status_code == 401


async def test_what_only_looks_like_a_hash_of_bcrypt_matches_nothing(passwords: Passwords) -> None:
    for broken in ("$2b$", "$2b$12$short", "$2y$99$" + "a" * 53, "$2a$04$" + "\u00e4" * 53):
        assert not await passwords.match(GOOD, broken)


def test_the_length_that_is_asked_for_depends_on_the_policy_and_the_second_factor() -> None:
    default, strict = PasswordPolicy(), PasswordPolicy("strict")
    for policy, second_factor, shortest in ((default, False, 12), (strict, False, 15), (default, True, 8)):
        good, short = "x" * shortest, "x" * (shortest - 1)
        assert policy.length_objection(good, second_factor=second_factor) is None
        assert policy.length_objection(short, second_factor=second_factor) is not None
    assert strict.length_objection("x" * 8, second_factor=True) is None
    assert default.length_objection("x" * 256) is None
    assert default.length_objection("x" * 257) is not None


def test_what_everybody_tries_is_refused_in_any_case_of_letters() -> None:
    policy = PasswordPolicy()
    for known in ("football1", "Football1", "TRUSTNO1"):
        objection = policy.objection(known)
        assert objection is not None
        assert "tried first" in objection.warning
    assert "plum-otter-gravel" not in policy.known
    objection = policy.objection("rostrumrostrum")
    assert objection is not None, "our own name is the first thing to try"


def test_an_operators_own_list_is_built_by_a_command_and_refused_when_it_is_none(tmp_path: Path) -> None:
    plain, built = tmp_path / "leaked.txt", tmp_path / "leaked.bin"
    plain.write_text("Plum-Otter-Gravel-94-sky\nshort\n")
    subprocess.run([sys.executable, "-m", "auth.passwords", plain, built], check=True)
    assert built.stat().st_size == 8 + 5, "what is too short is left out"
    assert GOOD in KnownPasswords.shipped(built)
    with pytest.raises(NotAList):
        KnownPasswords.shipped(plain)


async def test_why_a_password_is_refused_is_said_with_suggestions(story: Story) -> None:
    answer = await story.sign_up("ada@example.com", "qwertyuiop123")
    assert problem(answer) == (422, "password-refused")
    body = answer.json()
    assert body["warning"]
    assert body["suggestions"]
    assert [each["detail"] for each in body["errors"]] == [body["warning"], *body["suggestions"]]
