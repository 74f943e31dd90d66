from typing import Any

import orjson

from gateway.fetch import NotFetched
from gateway.seen import AT_ONCE, Seen


class Auth:
    def __init__(self) -> None:
        self.told: list[list[str]] = []
        self.away = False

    async def __call__(self, body: bytes) -> bytes:
        if self.away:
            raise NotFetched("away")
        self.told.append(orjson.loads(body)["session_ids"])
        return b"{}"


async def test_each_session_of_a_minute_is_told_once(house: Any) -> None:
    auth = Auth()
    seen = Seen(auth)
    door = await house(seen=seen)
    ada, eve = door.issuer.token(sid="019bc1a2-7f00-7000-8000-00000000000a"), door.issuer.token()
    for _ in range(3):
        assert (await door.ask("/v1/closed", token=ada)).status == 200
    await door.ask("/v1/closed", token=eve)
    await door.ask("/v1/open")
    await door.ask("/v1/closed", token=door.issuer.token(exp=1))
    await seen.tell()
    (told,) = auth.told
    assert len(told) == 2
    assert "019bc1a2-7f00-7000-8000-00000000000a" in told
    await seen.tell()
    assert len(auth.told) == 1, "nothing new"


async def test_who_is_impersonated_was_not_here(house: Any) -> None:
    auth = Auth()
    seen = Seen(auth)
    door = await house(seen=seen)
    token = door.issuer.token(act={"sub": "019bc1a2-7f00-7000-8000-00000000000b"})
    assert (await door.ask("/v1/closed", token=token)).status == 200
    await seen.tell()
    assert auth.told == []


async def test_a_busy_minute_is_told_in_pieces_and_a_lost_one_is_let_go() -> None:
    auth = Auth()
    seen = Seen(auth)
    for at in range(AT_ONCE + 1):
        seen.note(str(at))
    auth.away = True
    await seen.tell()
    auth.away = False
    await seen.tell()
    assert auth.told == []
    for at in range(AT_ONCE + 1):
        seen.note(str(at))
    await seen.tell()
    assert sorted(map(len, auth.told)) == [1, AT_ONCE]
