"""Macros: several actions in one commit, once for each id, by the rule for what is refused."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from kit.ids import new_id

from .house import House
from .test_desk import ask
from .test_labels import made as label_made

MACROS = "/v1/macros"


async def macro(house: House, user_id: UUID, *actions: dict[str, Any], on_failure: str = "undo", **more: Any) -> Any:
    body = {"name": f"macro {new_id()}", "actions": list(actions), "on_failure": on_failure, **more}
    answer = await ask(house, user_id, "POST", MACROS, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def run(
    house: House, user_id: UUID, macro_id: str, conversation_id: str, run_id: UUID | None = None, **more: Any
) -> httpx.Response:
    body = {"id": str(run_id or new_id()), "conversation_id": conversation_id}
    return await ask(house, user_id, "POST", f"{MACROS}/{macro_id}/runs", json=body, **more)


def outcomes(answer: httpx.Response) -> list[tuple[str, str, str]]:
    assert answer.status_code == 200, answer.text
    return [(each["do"], each["outcome"], each["code"]) for each in answer.json()["results"]]


async def test_all_its_actions_happen_in_one_commit_and_once_for_an_id(house: House) -> None:
    conversation, robin, label = await house.open_conversation(), await house.member(), await label_made(house)
    template = {
        "name": "hello",
        "language": "en_US",
        "components": [{"type": "body", "parameters": [{"type": "text", "text": "{{contact.first_name}}"}]}],
    }
    made = await macro(
        house,
        robin,
        {"do": "reply", "text": "Bye {{contact.first_name}}"},
        {"do": "template", "template": template},
        {"do": "note", "text": "said bye to {{contact.name}}"},
        {"do": "label", "add": [label["id"]]},
        {"do": "assign", "assignee_id": None, "to_me": True},
        {"do": "priority", "priority": "high"},
        {"do": "state", "state": "resolved"},
    )
    run_id = new_id()
    both = await asyncio.gather(*(run(house, robin, made["id"], conversation["id"], run_id) for _ in range(3)))
    assert both[0].json() == both[1].json() == both[2].json()
    assert {outcome for _, outcome, _ in outcomes(both[0])} == {"done"}
    said = [each for each in await house.messages(conversation["id"]) if each["direction"] == "out"]
    assert [(each["type"], each["text"]) for each in said] == [("text", "Bye Sheena"), ("template", None)]
    filled = said[1]["detail"]["template"]["components"][0]["parameters"][0]
    assert filled == {"type": "text", "text": "Sheena"}
    (note,) = (await house.get(f"/v1/conversations/{conversation['id']}/notes"))["items"]
    assert note["text"] == "said bye to Sheena"
    now = await house.get(f"/v1/conversations/{conversation['id']}")
    assert (now["state"], now["assignee_id"], now["priority"]) == ("resolved", str(robin), "high")
    assert (await house.get(f"/v1/conversations/{conversation['id']}/labels"))["label_ids"] == [label["id"]]
    other = await macro(house, robin, {"do": "state", "state": "open"})
    taken = await run(house, robin, other["id"], conversation["id"], run_id)
    assert (taken.status_code, taken.json()["type"].rpartition(":")[2]) == (409, "run-id-taken")
    assert len([line for line in await house.audited() if line.action == "inbox.macro.run"]) == 1


@pytest.mark.parametrize(
    ("on_failure", "expected", "priority", "notes"),
    [
        ("undo", ["undone", "failed", "skipped"], "none", 0),
        ("stop", ["done", "failed", "skipped"], "high", 0),
        ("continue", ["done", "failed", "done"], "high", 1),
    ],
)
async def test_what_is_refused_undoes_stops_or_is_passed_over(
    house: House, on_failure: str, expected: list[str], priority: str, notes: int
) -> None:
    conversation, robin = await house.open_conversation(), await house.member()
    made = await macro(
        house,
        robin,
        {"do": "priority", "priority": "high"},
        {"do": "assign", "assignee_id": str(new_id())},
        {"do": "note", "text": "after all"},
        on_failure=on_failure,
    )
    told = len(await house.told())
    answer = await run(house, robin, made["id"], conversation["id"])
    assert [outcome for _, outcome, _ in outcomes(answer)] == expected
    assert outcomes(answer)[1][2] == "assignee-not-a-member"
    now = await house.get(f"/v1/conversations/{conversation['id']}")
    assert now["priority"] == priority
    assert len((await house.get(f"/v1/conversations/{conversation['id']}/notes"))["items"]) == notes
    assert (len(await house.told()) == told) == (on_failure == "undo"), "what did not happen is not told"


async def test_a_closed_window_refuses_a_reply_and_an_empty_variable_is_named(house: House) -> None:
    conversation, robin = await house.open_conversation(), await house.member()
    empty = await macro(house, robin, {"do": "reply", "text": "from {{agent.name}}"})
    (result,) = (await run(house, robin, empty["id"], conversation["id"])).json()["results"]
    assert (result["outcome"], result["code"]) == ("failed", "variable-empty")
    assert "agent.name" in result["detail"]
    reply = await macro(house, robin, {"do": "reply", "text": "hello"}, {"do": "snooze", "seconds": 3600})
    await house.forward(25 * 3600)
    assert outcomes(await run(house, robin, reply["id"], conversation["id"])) == [
        ("reply", "failed", "window-closed"),
        ("snooze", "skipped", ""),
    ]
    assert [each for each in await house.messages(conversation["id"]) if each["direction"] == "out"] == []
    rest = await macro(house, robin, {"do": "snooze", "seconds": 3600})
    assert outcomes(await run(house, robin, rest["id"], conversation["id"])) == [("snooze", "done", "")]
    assert (await house.get(f"/v1/conversations/{conversation['id']}"))["state"] == "snoozed"


@pytest.mark.parametrize(
    "action",
    [
        {"do": "reply", "text": "{{no.such}}"},
        {"do": "note", "text": "{{contact.name"},
        {"do": "reply"},
        {"do": "sql", "text": "x"},
        {"do": "state", "state": "snoozed"},
        {"do": "snooze", "seconds": 1},
        {"do": "priority", "priority": "extreme"},
        {
            "do": "template",
            "template": {
                "name": "x",
                "language": "en",
                "components": [{"type": "body", "parameters": [{"type": "text", "text": "{{nope.no}}"}]}],
            },
        },
    ],
)
async def test_an_action_that_is_none_is_refused_when_it_is_saved(house: House, action: dict[str, Any]) -> None:
    body = {"name": "x", "actions": [action]}
    assert (await ask(house, await house.member(), "POST", MACROS, json=body)).status_code == 422


async def test_nobody_runs_anothers_macro_or_one_in_anothers_conversation(house: House) -> None:
    conversation, robin, pat, other = (
        await house.open_conversation(),
        await house.member(),
        await house.member(),
        new_id(),
    )
    made = await macro(house, robin, {"do": "priority", "priority": "low"})
    assert (await run(house, pat, made["id"], conversation["id"])).status_code == 404
    assert (await run(house, robin, made["id"], str(new_id()))).status_code == 404
    assert (await run(house, robin, made["id"], conversation["id"], by=other)).status_code == 404
    assert await house.count("SELECT count(*) FROM macro_runs") == 0
    listed = (await ask(house, robin, "GET", MACROS)).json()["items"]
    assert [each["id"] for each in listed] == [made["id"]]
    assert (await ask(house, pat, "GET", MACROS)).json()["items"] == []
    path, tag = f"{MACROS}/{made['id']}", {"if-match": '"v1"'}
    change = {"name": "other", "actions": [{"do": "priority", "priority": "urgent"}]}
    changed = await ask(house, robin, "PUT", path, json=change, headers=tag)
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    assert (await ask(house, robin, "DELETE", path)).status_code == 204
    assert (await run(house, robin, made["id"], conversation["id"])).status_code == 404
