"""One call to a platform, and what an answer proves: the same for all of them."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from inbox.channels.catalogue import Catalogue, Trouble
from kit.http.client import Answer, AnswerTooLarge, Call, NotSent, Outbound, Unsendable
from kit.http.client import Refused as AnsweredNo
from kit.http.client import Unanswered as NoAnswer
from kit.ledger.model import NotAccepted, Refused, Unanswered

CodeOf = Callable[[Answer], str]
"""The platform's code in an answer that says no; empty where there is none."""


async def answered(outbound: Outbound, call: Call, errors: Catalogue, code_of: CodeOf, attempt: int) -> Answer:
    """Call once.

    Raises:
        Refused, NotAccepted, Parked, Unanswered: as the ledger knows them.
    """
    try:
        return await outbound.send(call)
    except AnswerTooLarge as trouble:
        if call.method != "GET":
            raise Unanswered("the answer is too large") from trouble
        raise Refused(f"The medium is larger than {errors.name} allows.", code="too-large") from trouble
    except Unsendable as trouble:
        raise Refused("The request cannot be made.", code="unsendable", said=str(trouble)) from trouble
    except NotSent as trouble:
        raise NotAccepted("no connection", said=str(trouble), retry_after=trouble.retry_after) from trouble
    except AnsweredNo as trouble:
        said_no = Trouble(trouble.status, code_of(trouble.answer), trouble.retry_after)
        raise errors.outcome(said_no, attempt) from trouble
    except NoAnswer as trouble:
        raise Unanswered("no answer", said=str(trouble)) from trouble


def object_of(answer: Answer) -> Mapping[str, Any]:
    """The JSON object of an answer that says yes.

    Raises:
        Unanswered: it holds none, so nobody knows what became of the call.
    """
    try:
        told = orjson.loads(answer.body)
    except orjson.JSONDecodeError as error:
        raise Unanswered("the answer is not JSON", said=f"status {answer.status}") from error
    if not isinstance(told, dict):
        raise Unanswered("the answer is not an object", said=f"status {answer.status}")
    return told


def graph_code(answer: Answer) -> str:
    """The code of an error of Meta's Graph API."""
    try:
        code = orjson.loads(answer.body)["error"]["code"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ""
    return str(code) if isinstance(code, int) else ""
