"""Accounts by phone number: a code by text message, for whoever asked for it, a few times and for ten minutes."""

import asyncio
from typing import Any

import httpx
import pytest

from auth.accounts.phone import NumberInvalid, NumberNotServed, NumberRules, PhoneNumber
from contracts.auth import UserRegistered

from .conftest import Forward
from .story import GOOD, Story, problem

NUMBER, OTHER = "+4915123456789", "+4917612345678"
NEW = "walnut-ferry-copper-38-moss"


async def sign_up(story: Story, number: str = NUMBER, password: str = GOOD) -> httpx.Response:
    return await story.http.post("/v1/accounts", json={"phone": number, "password": password})


async def asked(story: Story, number: str = NUMBER) -> str:
    answer = await sign_up(story, number)
    assert answer.status_code == 202, answer.text
    await story.deliver()
    return str(answer.json()["request_token"])


async def verify(story: Story, request_token: str, code: str) -> httpx.Response:
    body = {"request_token": request_token, "code": code}
    return await story.http.post("/v1/accounts/verify-phone", json=body)


async def person(story: Story, number: str = NUMBER) -> dict[str, Any]:
    answer = await verify(story, await asked(story, number), story.phones.code(number))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def sign_in(story: Story, number: str = NUMBER, password: str = GOOD) -> httpx.Response:
    return await story.http.post("/v1/sessions", json={"phone": number, "password": password})


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


async def test_a_code_opens_an_account_that_signs_in_by_number_and_password(story: Story) -> None:
    user_id = (await person(story))["user_id"]
    answer = await sign_in(story)
    assert answer.status_code == 201
    assert answer.json()["user_id"] == user_id
    again = await sign_in(story, "+49 (0)151 / 234 567 89".replace("(0)", ""))
    assert again.status_code == 201, "however it is written"
    headers = {"authorization": f"Bearer {answer.json()['access_token']}"}
    me = (await story.http.get("/v1/me", headers=headers)).json()
    assert (me["email"], me["phone"], me["verified"]) == (None, NUMBER, True)


async def test_a_code_is_good_once_and_a_few_tries_and_ten_minutes(story: Story, forward: Forward) -> None:
    token = await asked(story)
    code = story.phones.code(NUMBER)
    for _ in range(4):
        assert problem(await verify(story, token, wrong(code))) == (422, "text-code-wrong")
    answers = await asyncio.gather(*(verify(story, token, code) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 410, 410, 410]

    other = await asked(story, OTHER)
    code = story.phones.code(OTHER)
    for _ in range(5):
        assert problem(await verify(story, other, wrong(code))) == (422, "text-code-wrong")
    assert problem(await verify(story, other, code)) == (410, "text-code-over")

    third = await asked(story, OTHER)
    await forward(601)
    assert problem(await verify(story, third, story.phones.code(OTHER))) == (410, "text-code-over")


async def test_fifty_guesses_at_once_are_five(story: Story) -> None:
    token = await asked(story)
    code = story.phones.code(NUMBER)
    guesses = [wrong(code)] * 49 + [wrong(wrong(code))]
    answers = [problem(each) for each in await asyncio.gather(*(verify(story, token, guess) for guess in guesses))]
    assert answers.count((422, "text-code-wrong")) == 5
    assert answers.count((410, "text-code-over")) == 45


async def test_a_code_is_of_no_use_to_whoever_did_not_ask_for_it(story: Story) -> None:
    mine, strangers = await asked(story), await asked(story)
    code = story.phones.code(NUMBER)
    assert problem(await verify(story, mine, code)) == (422, "text-code-wrong")
    assert problem(await verify(story, "junk", code)) == (410, "text-code-over")
    assert (await verify(story, strangers, code)).status_code == 200
    assert problem(await verify(story, mine, story.phones.code(NUMBER)))[0] in (410, 422)


async def test_two_hundred_sign_ups_of_one_number_make_one_account_and_few_texts(story: Story) -> None:
    answers = await asyncio.gather(*(sign_up(story) for _ in range(200)))
    taken = [answer for answer in answers if answer.status_code == 202]
    assert {answer.status_code for answer in answers} == {202, 429}
    assert len(taken) == 5
    await story.deliver()
    codes = [text[:6] for text in story.phones.to(NUMBER)]
    assert len(codes) == 5
    proofs = await asyncio.gather(
        *(verify(story, answer.json()["request_token"], code) for answer in taken for code in codes)
    )
    assert sorted(answer.status_code for answer in proofs if answer.status_code == 200) == [200]
    assert not [answer for answer in proofs if answer.status_code >= 500]
    assert len(await story.told(UserRegistered)) == 1


async def test_a_known_number_is_answered_alike_and_told_the_truth(story: Story) -> None:
    await person(story)
    new, known = await sign_up(story, OTHER), await sign_up(story)
    assert new.status_code == known.status_code == 202
    assert new.json().keys() == known.json().keys()
    assert len(new.json()["request_token"]) == len(known.json()["request_token"])
    await story.deliver()
    assert story.phones.to(NUMBER)[-1].endswith("It already has an account: sign in at https://app.test/sign-in")
    for answer in (new, known):
        assert problem(await verify(story, answer.json()["request_token"], "000000"))[0] == 422


async def test_a_code_is_sent_again_after_half_a_minute_at_the_earliest(story: Story, forward: Forward) -> None:
    token = await asked(story)

    async def again() -> httpx.Response:
        return await story.http.post("/v1/accounts/verification-texts", json={"request_token": token})

    early = await again()
    assert problem(early) == (429, "too-many-texts")
    assert 1 <= int(early.headers["retry-after"]) <= 30
    for _ in range(4):
        await forward(31)
        assert (await again()).status_code == 202
    await forward(31)
    assert problem(await again()) == (429, "too-many-texts"), "five an hour to one number"
    await story.deliver()
    assert len(set(story.phones.to(NUMBER))) == 1, "the same code"
    assert len(story.phones.to(NUMBER)) == 5
    assert (await verify(story, token, story.phones.code(NUMBER))).status_code == 200
    assert problem(await again()) == (410, "text-code-over")


async def test_a_password_is_reset_by_text(story: Story, forward: Forward) -> None:
    await person(story)
    answer = await story.http.post("/v1/password-resets", json={"phone": NUMBER})
    unknown = await story.http.post("/v1/password-resets", json={"phone": OTHER})
    assert answer.status_code == unknown.status_code == 202
    await story.deliver()
    assert story.phones.to(OTHER) == []

    async def reset(token: str, code: str) -> httpx.Response:
        body = {"request_token": token, "code": code, "password": NEW}
        return await story.http.post("/v1/password-resets/complete-by-text", json=body)

    token, code = answer.json()["request_token"], story.phones.code(NUMBER)
    assert problem(await reset(token, wrong(code))) == (422, "text-code-wrong")
    assert problem(await reset(unknown.json()["request_token"], code)) == (422, "text-code-wrong")
    assert (await reset(token, code)).status_code == 204
    assert problem(await reset(token, code)) == (410, "text-code-over")
    assert (await sign_in(story)).status_code == 401
    assert (await sign_in(story, password=NEW)).status_code == 201
    await forward(3601)
    of_sign_up = await asked(story, OTHER)
    assert problem(await reset(of_sign_up, story.phones.code(OTHER))) == (410, "text-code-over")


@pytest.mark.parametrize(
    "number", ["", "+", "12", "+49", "+1 555", "+4915123456789 ext. 5", "tel:911", "+9999999999"]
)
async def test_what_can_be_no_number_is_refused(number: str, story: Story) -> None:
    assert problem(await sign_up(story, number)) == (422, "number-invalid")


def test_numbers_are_one_however_they_are_written() -> None:
    spellings = ["+49 151 23456789", "0049-151-23456789", "0151 23456789", "(0151) 234.567-89"]
    assert {PhoneNumber.parse(each, "DE").value for each in spellings} == {NUMBER}
    with pytest.raises(NumberInvalid):
        PhoneNumber.parse("0151 23456789")


def test_whom_we_write_to_depends_on_the_number_alone() -> None:
    rules = NumberRules(None, frozenset({"DE", "GB"}), frozenset({"premium", "voip", "toll_free"}), open=True)
    assert rules.served(NUMBER).value == NUMBER
    for refused in ("+12015550123", "+448001111111", "+445612345678", "+449098790123", "+498001234567"):
        with pytest.raises(NumberNotServed):
            rules.served(refused)
    with pytest.raises(NumberNotServed):
        NumberRules().served(NUMBER)  # without a provider nobody is written to


async def test_numbers_that_begin_alike_share_a_limit_and_so_do_all(story: Story) -> None:
    alike = [f"+49151234567{at:02}" for at in range(21)]
    answers = [await sign_up(story, number) for number in alike]
    assert [answer.status_code for answer in answers] == [202] * 20 + [429]
    assert (await sign_up(story, OTHER)).status_code == 202, "others are not held up"
