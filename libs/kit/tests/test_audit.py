from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from contracts import decode, encode
from contracts.audit import ACTIONS
from contracts.auth import AuthAuditRecorded
from kit.audit import SYSTEM, Actor, Operator, Provider, UnknownAction, User, audited
from kit.clock import SystemClock
from kit.http.caller import Caller, MemberCaller
from kit.telemetry.logging import request_id

SOMEBODY = uuid4()
CALLER = MemberCaller(SOMEBODY, uuid4(), uuid4(), "owner", 1)


def test_a_line_names_action_actor_target_and_details_and_travels_as_its_services_event() -> None:
    member = uuid4()
    line = audited("auth.member.removed", CALLER, "member", member, role="editor", seats=3, last=False)
    assert isinstance(line, AuthAuditRecorded)
    assert (line.action, line.actor_kind, line.actor_id) == ("auth.member.removed", "user", SOMEBODY)
    assert (line.target_kind, line.target_id) == ("member", str(member))
    assert line.details == {"role": "editor", "seats": 3, "last": False}
    stamped = line.stamped(time=SystemClock().now(), organization_id=CALLER.organization_id)
    assert decode(encode(stamped)) == stamped


@pytest.mark.parametrize(
    ("actor", "kind", "actor_id"),
    [
        (SYSTEM, "system", None),
        (Operator(), "operator", None),
        (Operator(SOMEBODY), "operator", SOMEBODY),
        (Provider(), "provider", None),
        (User(SOMEBODY), "user", SOMEBODY),
        (User(), "user", None),
        (Caller(SOMEBODY, uuid4(), None, None, 1), "user", SOMEBODY),
    ],
)
def test_whoever_acted_is_told_by_kind_and_id(actor: Actor, kind: str, actor_id: UUID | None) -> None:
    line = audited("auth.session.started", actor, "session", uuid4())
    assert (line.actor_kind, line.actor_id) == (kind, actor_id)


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_finds_the_event_of_its_service(action: str) -> None:
    line = audited(action, SYSTEM, "thing", uuid4())
    assert line.type == f"{action.partition('.')[0]}.audit.recorded.v1"


@pytest.mark.parametrize("action", ["auth.member.eaten", "nobody.member.removed", "removed", ""])
def test_an_unknown_action_is_found_at_once(action: str) -> None:
    with pytest.raises(UnknownAction):
        audited(action, SYSTEM, "thing", uuid4())


def test_a_text_is_refused_at_the_line_that_says_it() -> None:
    with pytest.raises(ValidationError):
        audited("auth.organization.renamed", CALLER, "organization", uuid4(), to="Doe & Partners")


def test_the_request_is_named_where_there_is_one() -> None:
    assert audited("auth.member.removed", CALLER, "member", uuid4()).request_id is None
    token = request_id.set("019bc1a2-7f00-7000-8000-00000000000b")
    try:
        line = audited("auth.member.removed", CALLER, "member", uuid4())
    finally:
        request_id.reset(token)
    assert line.request_id == "019bc1a2-7f00-7000-8000-00000000000b"


def test_a_line_belongs_to_the_transactions_organization_unless_another_is_named() -> None:
    other = uuid4()
    assert audited("auth.member.removed", CALLER, "member", uuid4()).organization_id is None
    line = audited("auth.member.removed", CALLER, "member", uuid4(), organization_id=other)
    assert line.stamped(time=SystemClock().now(), organization_id=uuid4()).organization_id == other
