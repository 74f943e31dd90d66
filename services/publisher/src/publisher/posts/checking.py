"""Whether a post could be published as it is, by the rules of each platform it is for."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from kit.errors import FieldError
from postrules import drafts
from publisher.accounts.model import Account, AccountState
from publisher.posts.errors import PostNotAcceptable
from publisher.posts.model import Target


def check(text: str, targets: Sequence[Target], accounts: Mapping[UUID, Account], *, final: bool) -> None:
    """Refuse what no platform, or one of them, would take; a draft (not `final`) may be unfinished.

    Raises:
        PostNotAcceptable: with each fault and where it is.
    """
    faults = _unknown(targets, accounts)
    if final and not faults:
        faults = _unpublishable(text, targets, accounts)
    if faults:
        raise PostNotAcceptable(errors=faults)


def _unknown(targets: Sequence[Target], accounts: Mapping[UUID, Account]) -> list[FieldError]:
    return [
        FieldError(f"#/targets/{place}", "There is no such connected account.")
        for place, target in enumerate(targets)
        if target.account_id not in accounts or accounts[target.account_id].state is AccountState.DISCONNECTED
    ]


def _unpublishable(text: str, targets: Sequence[Target], accounts: Mapping[UUID, Account]) -> list[FieldError]:
    if not targets:
        return [FieldError("#/targets", "Say to which accounts it goes.")]
    faults: dict[tuple[str, str], None] = {}
    for target in targets:
        said = text if target.text is None else target.text
        pointer = "#/text" if target.text is None else f"#/overrides/{target.account_id}"
        for fault in drafts.check(accounts[target.account_id].platform, said):
            faults[pointer, fault.detail] = None
    return [FieldError(pointer, detail) for pointer, detail in faults]
