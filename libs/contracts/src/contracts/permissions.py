"""Who may do what in an organization: the whole matrix, as data.

Every door of every service asks for one of these, belongs to a person or is open to everyone; a test walks all doors
with all roles and compares. `docs/permissions.md` and `GET /v1/roles` are this table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from contracts.names import MANAGERS, ROLES, TEAM

OWNER: Final = frozenset({"owner"})
ANSWERING: Final = MANAGERS | {"agent"}
WRITING: Final = MANAGERS | {"editor"}
EVERYONE: Final = frozenset(ROLES)

ROLE_MEANINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "owner": "Owns the organization: may do everything, give it away, and pay for it.",
        "admin": "Runs the organization: its people, its accounts, its settings.",
        "editor": "Writes and schedules posts.",
        "approver": "Reads, and approves what others wrote.",
        "agent": "Answers conversations.",
        "analyst": "Reads posts and figures.",
        "client": "Reviews what is made for them, and buys.",
        "provider": "Sells services to the organization.",
        "navigator": "Advises the clients assigned to them.",
    }
)
"""What each role is, in a sentence for customers."""


@dataclass(frozen=True, slots=True)
class Permission:
    """One thing that may be done.

    What is not `delegable` is for members alone: nobody whom an agency sends does it, whatever role they act in, for
    it would outlast the delegation.
    """

    says: str
    roles: frozenset[str]
    delegable: bool = True


PERMISSIONS: Final[Mapping[str, Permission]] = MappingProxyType(
    {
        # the organization and its people
        "organization.read": Permission("See the organization's name and one's own role in it.", EVERYONE),
        "organization.rename": Permission("Give the organization another name.", MANAGERS),
        "members.read": Permission("See who belongs to the organization.", TEAM),
        "members.manage": Permission(
            "Invite, change and remove members of every role but owner.", MANAGERS, delegable=False
        ),
        "owners.manage": Permission("Invite, make and remove owners.", OWNER, delegable=False),
        "teams.read": Permission("See the teams, and who is in them.", TEAM),
        "teams.manage": Permission("Create, rename and delete teams, and say who is in them.", MANAGERS),
        "onboarding.complete": Permission(
            "Go through the first steps, which end with a first draft.", WRITING, delegable=False
        ),
        # agencies
        "delegations.read": Permission(
            "See which agencies act in the organization, and in which roles.", MANAGERS, delegable=False
        ),
        "delegations.manage": Permission(
            "Let agencies act in the organization, and end that.", OWNER, delegable=False
        ),
        "clients.manage": Permission(
            "Act as an agency: ask clients, accept, and say whom to send.", MANAGERS, delegable=False
        ),
        # posts
        "posts.read": Permission("See posts, what became of them, and the library of media.", TEAM),
        "posts.write": Permission("Write, schedule, cancel and delete posts; upload and delete media.", WRITING),
        "posts.approve": Permission("Approve posts that others wrote.", MANAGERS | {"approver"}),
        "publishing.stop": Permission("Stop whatever leaves for an account, or all of them.", WRITING | {"approver"}),
        "publishing.resume": Permission("Let things leave again after a stop.", MANAGERS),
        "connected_accounts.read": Permission("See which accounts on platforms are connected.", TEAM),
        "connected_accounts.manage": Permission("Connect and disconnect accounts on platforms.", MANAGERS),
        "partner_queue.manage": Permission(
            "Open and close the queue through which a partner hears.", MANAGERS, delegable=False
        ),
        # generation
        "generation.read": Permission("See generated texts, what they cost and what is held back.", TEAM),
        "generation.write": Permission("Have texts generated, and delete them.", WRITING),
        "generation.review": Permission("Decide on texts that moderation held back.", MANAGERS | {"approver"}),
        "generation.manage": Permission(
            "Limit what generation spends, say what is held back, and keep brand voices and templates.", MANAGERS
        ),
        "assistant.use": Permission("Talk with the assistant, which does what one may do oneself.", TEAM),
        # conversations
        "conversations.read": Permission("Read conversations, contacts and media.", ANSWERING),
        "conversations.reply": Permission("Answer, assign and resolve conversations.", ANSWERING),
        "assignment.manage": Permission("Say to whom conversations are given, and how many.", MANAGERS),
        "arrangement.manage": Permission(
            "Make and change the labels, attributes, canned replies, macros and filters that all share.", MANAGERS
        ),
        "channels.read": Permission("See which channels are connected.", ANSWERING),
        "channels.manage": Permission("Connect and disconnect channels.", MANAGERS),
        "templates.manage": Permission("Write templates of messages, have them reviewed, and delete them.", MANAGERS),
        "broadcasts.read": Permission("See broadcasts, what became of them, and who did not get them.", ANSWERING),
        "broadcasts.manage": Permission("Write to many at once, and pause or end that.", MANAGERS),
        # money
        "billing.read": Permission("See plan, limits and seats.", TEAM),
        "billing.manage": Permission("Choose a plan, pay, and claim what was bought.", OWNER, delegable=False),
        # records and privacy
        "audit.read": Permission("Read, prove and export the audit trail.", MANAGERS, delegable=False),
        "privacy.manage": Permission(
            "Hand over and erase contacts' data, and say how long it is kept.", MANAGERS, delegable=False
        ),
        "impersonations.manage": Permission(
            "See when the platform's staff acted in the organization, and send them away.", MANAGERS, delegable=False
        ),
        # how people and programs get in
        "api_keys.manage": Permission("Make, turn over and revoke API keys.", MANAGERS, delegable=False),
        "oauth_clients.manage": Permission(
            "Register and end programs that act for people by OAuth.", MANAGERS, delegable=False
        ),
        "security.manage": Permission(
            "Say how members must sign in, and connect identity providers.", MANAGERS, delegable=False
        ),
    }
)
"""Every permission. A new one is a new line here, and a door that asks for it."""

WAITING: Final = frozenset({"posts.approve"})
"""Those for which no door asks yet."""


def allows(permission: str, role: str | None, *, delegated: bool = False) -> bool:
    """Whether a role may do this; a role that is not known allows nothing.

    Raises:
        KeyError: there is no such permission; that is a bug of the caller.
    """
    asked = PERMISSIONS[permission]
    return role in asked.roles and (asked.delegable or not delegated)


def markdown() -> str:
    """docs/permissions.md."""
    return "\n".join((_INTRODUCTION, *_roles(), "", "## What each may do", "", *_matrix(), ""))


_INTRODUCTION: Final = """\
# Roles and permissions

Generated by `python -m contracts docs` from `contracts/permissions.py`; do not edit. As JSON: `GET /v1/roles`.

A person has one role in each organization that they belong to. Every door asks for one permission; what the caller's
role does not allow is answered 403 (`role-missing`), and an organization that they do not belong to looks like none
(404). A test walks every door of every service with every role and compares with this table.

## Roles
"""


def _roles() -> list[str]:
    rows = [f"| `{role}` | {ROLE_MEANINGS[role]} |" for role in ROLES]
    return ["| role | is |", "|---|---|", *rows]


def _matrix() -> list[str]:
    head = f"| permission | allows to | {' | '.join(ROLES)} |"
    rows = []
    for name, permission in PERMISSIONS.items():
        marks = " | ".join("✓" if role in permission.roles else "" for role in ROLES)
        notes = "" if permission.delegable else " Not for people of an agency."
        notes += " No door asks for it yet." if name in WAITING else ""
        rows.append(f"| `{name}` | {permission.says}{notes} | {marks} |")
    return [head, "|---" * (len(ROLES) + 2) + "|", *rows]
