"""A member of the platform's staff, for the demo and the end-to-end tests."""

import asyncio
from asyncio.subprocess import PIPE

import httpx
import pyotp

from local import upkeep
from local.plan import Plan
from local.visitor import NotSeen, Visitor

_STEP = 30
"""Seconds a code of the code app lives."""


async def hired(plan: Plan, http: httpx.AsyncClient, email: str) -> Visitor:
    """A new administrator: invited by the command, as the first one is, and signed in at the public door.

    Raises:
        NotSeen: the command or a door refused.
    """
    return (await enrolled(plan, http, email))[0]


async def enrolled(plan: Plan, http: httpx.AsyncClient, email: str) -> tuple[Visitor, str]:
    """The same with the secret of the code app, for who has to sign in again later."""
    staff = Visitor(plan.addresses, http, email)
    link = await _invited(plan, email)
    offer = (await staff.call("POST", "/v1/staff/enrolments", expect=200, json={"token": link})).json()
    body = {"token": link, "password": staff.password, "code": await _code(plan, offer["secret"])}
    await staff.call("POST", "/v1/staff/enrolments/completion", expect=204, json=body)
    body = {"email": email, "password": staff.password, "code": await _code(plan, offer["secret"], ahead=1)}
    answer = await staff.call("POST", "/v1/staff/sessions", expect=201, json=body)
    staff.access_token = answer.json()["access_token"]
    return staff, str(offer["secret"])


def code_at(secret: str, moment: float, ahead: int = 0) -> str:
    """What the code app shows then, or will so many codes later: each is good once."""
    return pyotp.HOTP(secret).at(int(moment) // _STEP + ahead)


async def _invited(plan: Plan, email: str) -> str:
    """The token in the link that the command prints."""
    command, environment = plan.command("auth", "add-staff", email), plan.environment("auth")
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=PIPE, stderr=PIPE)
    out, _ = await process.communicate()
    if process.returncode:
        raise NotSeen(f"add-staff ended with {process.returncode}")
    return out.decode().rpartition("#token=")[2].strip()


async def _code(plan: Plan, secret: str, ahead: int = 0) -> str:
    """The same by the platform's clock."""
    now = await upkeep.clock(plan, forward=None, reset=False)
    return code_at(secret, now.timestamp(), ahead)
