"""How every door that lets people in reads who comes, and answers."""

from typing import Annotated, Any, Final

from fastapi import Depends, Request, Response, status

from auth.sessions.model import Tokens
from auth.sessions.schemas import FactorNeededOut, TokensOut
from auth.sign_ins.model import Outcome, Visitor

LONGEST_AGENT: Final = 200

factor_needed: Final[dict[int | str, dict[str, Any]]] = {
    202: {"model": FactorNeededOut, "description": "A second factor is owed"}
}


def visitor(request: Request) -> Visitor:
    """Where the request comes from: the gateway names the address and takes away what clients claim."""
    address = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    agent = "".join(each for each in request.headers.get("user-agent", "") if each.isprintable())
    return Visitor(address[:45], agent[:LONGEST_AGENT])


def answered(outcome: Outcome, response: Response) -> TokensOut | FactorNeededOut:
    """The tokens, or with status 202 what is owed."""
    if isinstance(outcome, Tokens):
        return TokensOut.model_validate(outcome)
    response.status_code = status.HTTP_202_ACCEPTED
    return FactorNeededOut.model_validate(outcome)


CurrentVisitor = Annotated[Visitor, Depends(visitor)]
