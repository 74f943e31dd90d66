"""Nobody learns from an answer, its time, its limits or what it leaves behind whether an address has an account.

Compared is what is done, not only how long it takes: the same hashes, the same statements in the same order, the same
number of rows in every table. One test compares times, too, with a bound wide enough for a busy machine.
"""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from auth.passwords.hashing import Passwords
from kit.testing.databases import TestDatabase

from .conftest import Forward
from .story import GOOD, Person, Story, problem, settings
from .watching import Watched

ADA, NOBODY = "ada@example.com", "nobody@example.com"
NUMBER, NOBODYS = "+4915123456789", "+4917612345678"
WRONG = "not-the-password-17"


class Counting(Passwords):
    """Counts what is computed."""

    def __init__(self) -> None:
        super().__init__(threads=1, memory_kib=64, passes=1)
        self.work: list[str] = []

    async def hashed(self, password: str, judge: Callable[[str], None] | None = None) -> str:
        self.work.append("hash")
        return await super().hashed(password, judge)

    async def match(self, password: str, hashed: str | None) -> bool:
        self.work.append("match")
        return await super().match(password, hashed)


@dataclass
class Seen:
    """What a request came to."""

    status: int
    headers: dict[str, str]
    shape: Any
    hashes: list[str]
    statements: list[str]
    rows: Counter[str]


@dataclass
class Observer:
    """Makes requests and notes down all that can be told of them."""

    story: Story
    database: Watched
    passwords: Counting

    async def rows(self) -> Counter[str]:
        names = await self.story.admin(
            "SELECT relname FROM pg_class WHERE relnamespace = 'auth'::regnamespace AND relkind IN ('r', 'p')"
        )
        counted: Counter[str] = Counter()
        for row in names:
            (found,) = await self.story.admin(f"SELECT count(*) AS count FROM {row['relname']}")
            counted[row["relname"]] = found["count"]
        return counted

    async def see(self, path: str, body: dict[str, Any]) -> Seen:
        before = await self.rows()
        self.passwords.work.clear()
        self.database.said.clear()
        answer = await self.story.http.post(path, json=body)
        said, hashes = list(self.database.said), list(self.passwords.work)
        after = await self.rows()
        after["activity"] = before["activity"]  # a count of the day, by a statement that for nobody counts nothing
        headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
        added = Counter({name: after[name] - before[name] for name in after if after[name] != before[name]})
        return Seen(answer.status_code, headers, shape(answer), hashes, said, added)


def shape(answer: httpx.Response) -> Any:
    """The body without what is drawn by chance: tokens by their length."""

    def bare(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: bare(each) for key, each in value.items() if key not in ("request_id", "instance")}
        return len(value) if isinstance(value, str) and len(value) >= 40 and " " not in value else value

    return bare(answer.json()) if answer.content else None


@pytest.fixture
async def observer(place: TestDatabase) -> AsyncIterator[Observer]:
    """Ada has an account with a mail address, somebody has one with a number; nobody has none."""
    opened = await Watched.open(place.url("auth"), name="auth watched", pool_size=4, acquire_within=60)
    assert isinstance(opened, Watched)
    passwords = Counting()
    story = Story(place, opened, passwords, settings(place))
    await story.begin()
    await story.person(ADA)
    asked = await story.http.post("/v1/accounts", json={"phone": NUMBER, "password": GOOD})
    await story.deliver()
    code = {"request_token": asked.json()["request_token"], "code": story.phones.code(NUMBER)}
    assert (await story.http.post("/v1/accounts/verify-phone", json=code)).status_code == 200
    # What is looked up once per process is looked up before the comparison.
    await story.http.post("/v1/sessions", json={"email": "first@example.com", "password": WRONG})
    try:
        yield Observer(story, opened, passwords)
    finally:
        await story.end()
        await opened.close()
        passwords.close()


BY_MAIL = [
    ("/v1/accounts", {"password": GOOD}),
    ("/v1/accounts", {"password": "password1234"}),
    ("/v1/accounts/verification-mails", {}),
    ("/v1/sessions", {"password": WRONG}),
    ("/v1/password-resets", {}),
    ("/v1/magic-links", {}),
]
BY_PHONE = [
    ("/v1/accounts", {"password": GOOD}),
    ("/v1/sessions", {"password": WRONG}),
    ("/v1/password-resets", {}),
]
CASES = [(path, body, {"email": ADA}, {"email": NOBODY}) for path, body in BY_MAIL] + [
    (path, body, {"phone": NUMBER}, {"phone": NOBODYS}) for path, body in BY_PHONE
]


@pytest.mark.parametrize(("path", "body", "known", "unknown"), CASES)
async def test_the_same_is_answered_done_and_left_behind(
    path: str, body: dict[str, Any], known: dict[str, str], unknown: dict[str, str], observer: Observer
) -> None:
    first = await observer.see(path, body | known)
    second = await observer.see(path, body | unknown)
    assert (first.status, first.headers, first.shape) == (second.status, second.headers, second.shape)
    assert first.hashes == second.hashes
    assert first.statements == second.statements
    assert first.rows == second.rows


@pytest.mark.parametrize(("path", "body", "known", "unknown"), CASES)
async def test_limits_come_at_the_same_request(
    path: str, body: dict[str, Any], known: dict[str, str], unknown: dict[str, str], observer: Observer
) -> None:
    async def asked(who: dict[str, str]) -> list[tuple[int, Any, int]]:
        found = []
        for _ in range(14):
            answer = await observer.story.http.post(path, json=body | who)
            found.append((answer.status_code, answer.headers.get("retry-after"), len(answer.content)))
        return found

    # The one sign-up of the number counts, so the comparison begins with one for the other number.
    if "phone" in known:
        await observer.story.http.post("/v1/accounts", json={"password": GOOD} | unknown)
    assert [each[0] for each in await asked(known)] == [each[0] for each in await asked(unknown)]


async def test_a_wrong_code_is_answered_alike_for_known_and_unknown_numbers(observer: Observer) -> None:
    seen = []
    for number in (NUMBER, NOBODYS):
        asked = await observer.story.http.post("/v1/accounts", json={"phone": number, "password": GOOD})
        body = {"request_token": asked.json()["request_token"], "code": "000000"}
        seen.append([await observer.see("/v1/accounts/verify-phone", body) for _ in range(6)])
    for first, second in zip(*seen, strict=True):
        assert (first.status, first.shape, first.statements, first.rows) == (
            second.status,
            second.shape,
            second.statements,
            second.rows,
        )


async def test_a_code_is_sent_again_alike(observer: Observer, forward: Forward) -> None:
    seen = []
    for number in (NUMBER, NOBODYS):
        asked = await observer.story.http.post("/v1/password-resets", json={"phone": number})
        body = {"request_token": asked.json()["request_token"]}
        await forward(31)
        await observer.database.clock.synchronise()
        seen.append([await observer.see("/v1/accounts/verification-texts", body) for _ in range(2)])
    for first, second in zip(*seen, strict=True):
        assert (first.status, first.shape, first.statements, first.rows) == (
            second.status,
            second.shape,
            second.statements,
            second.rows,
        )


async def test_an_address_that_is_thrown_away_is_refused_whether_or_not_it_is_known(
    place: TestDatabase, observer: Observer, tmp_path: Any
) -> None:
    listed = tmp_path / "disposable.txt"
    listed.write_text("# mailboxes for ten minutes\nexample.com\n")
    story = Story(place, observer.database, observer.passwords, settings(place, disposable_domains=listed))
    answers = [await story.sign_up(email) for email in (ADA, NOBODY, "x@sub.example.com")]
    assert {problem(each) for each in answers} == {(422, "address-disposable")}
    assert (await story.sign_up("ada@example.org")).status_code == 202
    assert (await story.sign_in(ADA)).status_code == 201, "who is in stays in"
    await story.end()


async def sampled(call: Callable[[], Awaitable[httpx.Response]]) -> float:
    began = time.perf_counter()
    await call()
    return time.perf_counter() - began


@pytest.mark.parametrize("path", ["/v1/password-resets", "/v1/magic-links", "/v1/sessions"])
async def test_times_do_not_tell(path: str, observer: Observer) -> None:
    """Interleaved samples of known and unknown addresses, each a new one, so that no limit is met.

    The medians may differ by a third of what requests of one kind differ among themselves, or by two milliseconds;
    whatever disturbs a machine disturbs both, and a round that was disturbed is made again.
    """
    story, number = observer.story, 40
    known = [f"known-{at}@example.com" for at in range(3 * number)]
    await story.admin("SELECT 1")
    await asyncio.gather(*(make(story, email) for email in known))
    body = {"password": WRONG} if path == "/v1/sessions" else {}
    for round_ in range(3):
        times: dict[bool, list[float]] = {True: [], False: []}
        for at in range(number):
            for is_known in (True, False) if at % 2 else (False, True):
                email = known[round_ * number + at] if is_known else f"unknown-{round_}-{at}@example.com"
                send = {"email": email, **body}
                times[is_known].append(await sampled(lambda send=send: story.http.post(path, json=send)))  # type: ignore[misc]
        apart = abs(statistics.median(times[True]) - statistics.median(times[False]))
        spread = statistics.quantiles(times[True] + times[False], n=4)
        if apart <= max(0.002, (spread[2] - spread[0]) / 3):
            return
    raise AssertionError(f"the medians are {apart * 1000:.1f} ms apart")


async def make(story: Story, email: str) -> None:
    """An account without the way to it."""
    from auth.accounts.address import EmailAddress
    from auth.accounts.model import Identity
    from auth.accounts.repository import AccountRepository
    from kit.ids import new_id

    handle, addresses = EmailAddress.parse(email), story.parts.accounts.addresses
    user_id, identity_id, challenge_id = new_id(), new_id(), new_id()
    blind, sealed = await addresses.blind(handle), await addresses.seal_claimed(challenge_id, handle)
    async with story.database.transaction() as tx:
        hashed = await story.parts.accounts.passwords.hashed(GOOD)
        await AccountRepository(tx).add(Identity(identity_id, user_id, "email", blind, sealed), hashed, "en")


async def test_signing_in_on_a_known_device_asks_two_things(observer: Observer) -> None:
    """Beside the signing keys, at which is looked now and then."""
    body = {"email": ADA, "password": GOOD}
    device = (await observer.story.http.post("/v1/sessions", json=body)).json()["device_token"]
    observer.database.said.clear()
    answer = await observer.story.http.post("/v1/sessions", json=body, headers={"device-token": device})
    assert answer.status_code == 201
    asked = [
        each for each in observer.database.said if each not in ("BEGIN", "COMMIT") and "signing_keys" not in each
    ]
    assert len(asked) == 2, asked


async def test_refreshing_in_an_organization_asks_four_things(observer: Observer) -> None:
    """The row, the tenant, where they stand there, and the use; nothing of providers where none is insisted on."""
    ada = Person(observer.story.http, ADA, (await observer.story.sign_in(ADA)).json())
    assert (await ada.refresh(await ada.create())).status_code == 200
    observer.database.said.clear()
    assert (await ada.refresh()).status_code == 200
    frame = ("BEGIN", "COMMIT")
    asked = [each for each in observer.database.said if each not in frame and "signing_keys" not in each]
    assert len(asked) == 4, asked
