import pytest

from contracts.compliance import RetentionChanged
from kit.ids import new_id

from .office import Office


async def test_an_organization_decides_for_itself_and_is_told_about_once(office: Office) -> None:
    mine, other = new_id(), new_id()
    for _ in range(2):
        answer = await office.client.put(
            "/v1/privacy/retention/messages", json={"days": 90}, headers=office.headers(mine)
        )
        assert answer.json() == {
            "retention": "messages",
            "days": 90,
            "platform_days": 730,
            "decided": True,
            "version": 1,
        }
    theirs = (await office.get("/v1/privacy/retention", office.headers(other))).json()["items"]
    assert [(each["retention"], each["days"], each["decided"]) for each in theirs] == [
        ("messages", 730, False),
        ("contacts", 1095, False),
        ("conversations", 730, False),
    ]
    (told,) = await office.told(RetentionChanged)
    assert isinstance(told, RetentionChanged)
    assert (told.organization_id, told.retention, told.days, told.version) == (mine, "messages", 90, 1)


async def test_a_decision_can_be_taken_back(office: Office) -> None:
    mine = new_id()
    for days in (30, None):
        answer = await office.client.put(
            "/v1/privacy/retention/contacts", json={"days": days}, headers=office.headers(mine)
        )
    assert (answer.json()["days"], answer.json()["decided"], answer.json()["version"]) == (1095, False, 2)
    assert [getattr(event, "days", 0) for event in await office.told(RetentionChanged)] == [30, None]


@pytest.mark.parametrize("body", [{"days": 0}, {"days": 40_000}, {"days": "x"}, {}, {"days": 1, "more": 1}])
async def test_nonsense_is_refused_by_name(office: Office, body: dict[str, object]) -> None:
    answer = await office.client.put("/v1/privacy/retention/messages", json=body, headers=office.headers(new_id()))
    assert answer.status_code == 422
    assert answer.json()["errors"]


async def test_who_does_not_run_the_organization_neither_sees_nor_decides(office: Office) -> None:
    headers = office.headers(new_id(), "agent")
    assert (await office.get("/v1/privacy/retention", headers)).status_code == 403
    answer = await office.client.put("/v1/privacy/retention/messages", json={"days": 1}, headers=headers)
    assert answer.status_code == 403
    unknown = await office.client.put(
        "/v1/privacy/retention/audit", json={"days": 1}, headers=office.headers(new_id())
    )
    assert unknown.status_code == 422
