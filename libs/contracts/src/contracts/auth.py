"""What the auth service says: people, organizations, invitations, memberships, sessions."""

from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field

from contracts.audit import AuditEntry
from contracts.event import Audience, Event
from contracts.names import MANAGERS, TEAM, Name, PlanName, RoleName
from contracts.privacy import AnswersErasure, AnswersExport


class UserRegistered(Event):
    """Somebody opened an account, by proving the address it was asked for with; `UserVerified` follows at once."""

    type: ClassVar[str] = "auth.user.registered.v1"
    subject: ClassVar[str] = "user_id"
    audience: ClassVar[Audience] = "internal"

    user_id: UUID = Field(description="The new user.")


class UserVerified(Event):
    """A user proved that the address of the account is theirs; from now on they can sign in."""

    type: ClassVar[str] = "auth.user.verified.v1"
    subject: ClassVar[str] = "user_id"
    audience: ClassVar[Audience] = "internal"

    user_id: UUID = Field(description="The user who is verified now.")


class UserSuspended(Event):
    """A user was suspended by staff: sessions have ended, and signing in is refused."""

    type: ClassVar[str] = "auth.user.suspended.v1"
    subject: ClassVar[str] = "user_id"
    audience: ClassVar[Audience] = "internal"

    user_id: UUID = Field(description="The user who is suspended now.")
    reason: Name = Field(description="Why, in a word.", examples=["abuse"])


class UserRestored(Event):
    """A suspended user may sign in again."""

    type: ClassVar[str] = "auth.user.restored.v1"
    subject: ClassVar[str] = "user_id"
    audience: ClassVar[Audience] = "internal"

    user_id: UUID = Field(description="The user who is no longer suspended.")


class OrganizationSuspended(Event):
    """An organization was suspended by staff: nobody acts in it, and nothing should leave on its behalf."""

    type: ClassVar[str] = "auth.organization.suspended.v1"
    subject: ClassVar[str] = "organization_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    reason: Name = Field(description="Why, in a word.", examples=["payment"])


class OrganizationRestored(Event):
    """A suspended organization may be acted in again."""

    type: ClassVar[str] = "auth.organization.restored.v1"
    subject: ClassVar[str] = "organization_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM


class OrganizationCreated(Event):
    """An organization, the tenant, came into being; its creator's membership follows as an event of its own."""

    type: ClassVar[str] = "auth.organization.created.v1"
    subject: ClassVar[str] = "organization_id"
    audience: ClassVar[Audience] = "partners"

    created_by: UUID = Field(description="The user who created it.")


class OrganizationRenamed(Event):
    """An organization carries a new name.

    The name does not travel; who shows it reads it from auth.
    """

    type: ClassVar[str] = "auth.organization.renamed.v1"
    subject: ClassVar[str] = "organization_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM


class OrganizationSecurityChanged(Event):
    """An organization demands a second factor of whoever acts in it, or does so no more."""

    type: ClassVar[str] = "auth.organization.security_changed.v1"
    subject: ClassVar[str] = "organization_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    requires_second_factor: bool = Field(description="Whether it does from now on.", examples=[True])


class InvitationCreated(Event):
    """Somebody was invited to join an organization in a role."""

    type: ClassVar[str] = "auth.invitation.created.v1"
    subject: ClassVar[str] = "invitation_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = MANAGERS

    invitation_id: UUID = Field(description="The invitation.")
    role: RoleName = Field(description="The role the invited person will have.")


class InvitationRevoked(Event):
    """An invitation was withdrawn before it was accepted and can no longer be used."""

    type: ClassVar[str] = "auth.invitation.revoked.v1"
    subject: ClassVar[str] = "invitation_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = MANAGERS

    invitation_id: UUID = Field(description="The invitation that is void now.")


class InvitationAccepted(Event):
    """An invited person accepted; the membership follows as an event of its own."""

    type: ClassVar[str] = "auth.invitation.accepted.v1"
    subject: ClassVar[str] = "invitation_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = MANAGERS

    invitation_id: UUID = Field(description="The invitation that is used up now.")
    user_id: UUID = Field(description="The user who accepted it.")


class MemberAdded(Event):
    """A user became a member of an organization and takes one seat."""

    type: ClassVar[str] = "auth.member.added.v1"
    subject: ClassVar[str] = "member_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    member_id: UUID = Field(description="The membership.")
    user_id: UUID = Field(description="The user who is a member now.")
    role: RoleName = Field(description="The role of the member.")


class MemberRoleChanged(Event):
    """A member has another role from now on."""

    type: ClassVar[str] = "auth.member.role_changed.v1"
    subject: ClassVar[str] = "member_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    member_id: UUID = Field(description="The membership.")
    user_id: UUID = Field(description="The user whose role changed.")
    role: RoleName = Field(description="The role from now on.")


class MemberRemoved(Event):
    """A user is no longer a member of an organization; the seat is free again."""

    type: ClassVar[str] = "auth.member.removed.v1"
    subject: ClassVar[str] = "member_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    member_id: UUID = Field(description="The membership that ended.")
    user_id: UUID = Field(description="The user who is no longer a member.")


class TeamCreated(Event):
    """A team, a named group of members, came into being; nobody is in it yet."""

    type: ClassVar[str] = "auth.team.created.v1"
    subject: ClassVar[str] = "team_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    team_id: UUID = Field(description="The new team.")


class TeamRenamed(Event):
    """A team has another name from now on."""

    type: ClassVar[str] = "auth.team.renamed.v1"
    subject: ClassVar[str] = "team_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    team_id: UUID = Field(description="The team.")


class TeamMembersChanged(Event):
    """Members came into a team or went out of it.

    Who leaves the organization leaves its teams, too; of that only `MemberRemoved` tells.
    """

    type: ClassVar[str] = "auth.team.members_changed.v1"
    subject: ClassVar[str] = "team_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    team_id: UUID = Field(description="The team.")
    added: list[UUID] = Field(max_length=100, description="The users who came in.")
    removed: list[UUID] = Field(max_length=100, description="The users who went out.")


class TeamDeleted(Event):
    """A team is no more; its members stay members of the organization."""

    type: ClassVar[str] = "auth.team.deleted.v1"
    subject: ClassVar[str] = "team_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    team_id: UUID = Field(description="The team that is gone.")


class DelegationProposed(Event):
    """An agency asked to act in this organization, or a client offers this agency to act in its own."""

    type: ClassVar[str] = "auth.delegation.proposed.v1"
    subject: ClassVar[str] = "delegation_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = MANAGERS

    delegation_id: UUID = Field(description="The delegation that waits for this organization's word.")
    by: Name = Field(description="Who proposes it: `client` or `agency`.", examples=["agency"])


class DelegationGranted(Event):
    """People of an agency may act in this organization, its client, from now on."""

    type: ClassVar[str] = "auth.delegation.granted.v1"
    subject: ClassVar[str] = "delegation_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = MANAGERS

    delegation_id: UUID = Field(description="The delegation.")
    agency_id: UUID = Field(description="The organization of the agency.")
    roles: list[RoleName] = Field(description="The roles in which at most they act.", examples=[["editor"]])
    ends_at: AwareDatetime = Field(description="When it ends by itself.")


class DelegationChanged(Event):
    """An agency sends others to this organization, its client, or in other roles."""

    type: ClassVar[str] = "auth.delegation.changed.v1"
    subject: ClassVar[str] = "delegation_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = MANAGERS

    delegation_id: UUID = Field(description="The delegation.")


class DelegationRevoked(Event):
    """Nobody of an agency acts in this organization, its client, any more; or what was proposed came to nothing."""

    type: ClassVar[str] = "auth.delegation.revoked.v1"
    subject: ClassVar[str] = "delegation_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = MANAGERS

    delegation_id: UUID = Field(description="The delegation that is over.")
    agency_id: UUID = Field(description="The organization of the agency.")
    because: Name = Field(description="Who ended it: `client`, `agency`, or `expired`.", examples=["client"])


class OnboardingCompleted(Event):
    """Somebody completed their first steps in an organization; a first draft is to be written for them."""

    type: ClassVar[str] = "auth.onboarding.completed.v1"
    subject: ClassVar[str] = "onboarding_id"
    audience: ClassVar[Audience] = "internal"

    onboarding_id: UUID = Field(description="The first steps of this member.")
    user_id: UUID = Field(description="Who completed them.")
    post_id: UUID = Field(description="The id that the draft is to have, so that it is one however often this comes.")
    goals: list[Name] = Field(max_length=10, description="What they want to achieve.", examples=[["be_seen"]])
    template: Name = Field(description="The template that comes nearest to their business.", examples=["craft"])
    language: Name = Field(description="In which language the draft is to be.", examples=["en"])


class SubscriptionClaimed(Event):
    """An organization claims a subscription that was bought before it was there; billing looks for it.

    A verified owner has shown the code that came with the purchase. Here it is by its SHA-256 alone.
    """

    type: ClassVar[str] = "auth.subscription.claimed.v1"
    subject: ClassVar[str] = "claim_id"
    audience: ClassVar[Audience] = "internal"

    claim_id: UUID = Field(description="The claim.")
    code_hash: str = Field(
        pattern=r"^[0-9a-f]{64}$",
        description="SHA-256 of the 26 characters of the code, in hexadecimal.",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )
    claimed_by: UUID = Field(description="The owner who claims it.")


class SubscriptionClaimWithdrawn(Event):
    """A claim was taken back before it led to a subscription."""

    type: ClassVar[str] = "auth.subscription.claim_withdrawn.v1"
    subject: ClassVar[str] = "claim_id"
    audience: ClassVar[Audience] = "internal"

    claim_id: UUID = Field(description="The claim that is void now.")


class OwnershipOffered(Event):
    """An owner offered the organization to another member, who has seven days to accept."""

    type: ClassVar[str] = "auth.ownership.offered.v1"
    subject: ClassVar[str] = "transfer_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    transfer_id: UUID = Field(description="The offer.")
    user_id: UUID = Field(description="The user to whom it is made.")


class OwnershipWithdrawn(Event):
    """An offer of an organization was taken back, declined, or ended with the membership of either side."""

    type: ClassVar[str] = "auth.ownership.withdrawn.v1"
    subject: ClassVar[str] = "transfer_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    transfer_id: UUID = Field(description="The offer that is void now.")


class OwnershipTransferred(Event):
    """An organization went from one owner to another; both changes of role follow as events of their own."""

    type: ClassVar[str] = "auth.ownership.transferred.v1"
    subject: ClassVar[str] = "transfer_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    transfer_id: UUID = Field(description="The offer that was accepted.")
    from_user_id: UUID = Field(description="The user who was an owner and is an administrator now.")
    to_user_id: UUID = Field(description="The user who is an owner now.")


class MailPreferencesChanged(Event):
    """A user wants mails of a category, or wants them no more; whoever mails users keeps a copy of this."""

    type: ClassVar[str] = "auth.mail_preferences.changed.v1"
    subject: ClassVar[str] = "user_id"
    audience: ClassVar[Audience] = "internal"

    user_id: UUID = Field(description="The user who decides.")
    category: str = Field(
        pattern=r"^[a-z][a-z-]{0,39}$", description="The category of mails.", examples=["invitations"]
    )
    wanted: bool = Field(description="Whether mails of this category are wanted from now on.")


class SubscriptionGranted(Event):
    """Staff gave an organization a plan until a date; it lifts the plan that is paid for and is no subscription."""

    type: ClassVar[str] = "auth.subscription.granted.v1"
    subject: ClassVar[str] = "grant_id"
    audience: ClassVar[Audience] = "internal"

    grant_id: UUID = Field(description="The grant.")
    plan: PlanName = Field(description="The plan that is granted.")
    until: AwareDatetime = Field(description="When the grant ends by itself.")


class SubscriptionRevoked(Event):
    """A granted plan was taken back before its date; what is paid for stays."""

    type: ClassVar[str] = "auth.subscription.revoked.v1"
    subject: ClassVar[str] = "grant_id"
    audience: ClassVar[Audience] = "internal"

    grant_id: UUID = Field(description="The grant that is void now.")
    plan: PlanName = Field(description="The plan that was granted.")
    until: AwareDatetime = Field(description="When the grant would have ended by itself.")


class SystemSettingChanged(Event):
    """A setting of the system has another value.

    The value does not travel; who needs it reads it from auth.
    """

    type: ClassVar[str] = "auth.system_setting.changed.v1"
    subject: ClassVar[str] = "setting_id"
    audience: ClassVar[Audience] = "internal"

    setting_id: UUID = Field(description="The setting; the same everywhere and for ever.")
    setting: Name = Field(description="What it is called.", examples=["maintenance"])


class FlagChanged(Event):
    """A feature flag was defined, changed or taken away.

    Its rules do not travel; who evaluates flags reads them from auth.
    """

    type: ClassVar[str] = "auth.flag.changed.v1"
    subject: ClassVar[str] = "flag_id"
    audience: ClassVar[Audience] = "internal"

    flag_id: UUID = Field(description="The flag.")
    flag: str = Field(
        pattern=r"^[a-z][a-z0-9_.-]{0,59}$", description="By what it is asked for.", examples=["new-composer"]
    )


class SessionsRevoked(Event):
    """One session, or all sessions, of a user ended before their time; or an API key, or what a program was granted.

    Access tokens of that session, or with an older epoch when no session is named, are refused from now on. The
    tokens of an API key name the key as user and as session.
    """

    type: ClassVar[str] = "auth.session.revoked.v1"
    subject: ClassVar[str] = "user_id"
    audience: ClassVar[Audience] = "internal"

    user_id: UUID = Field(description="The user whose sessions ended.")
    session_id: UUID | None = Field(default=None, description="The one session that ended; null means all.")
    epoch: int = Field(
        ge=0,
        lt=2**63,
        description="The user's session epoch from now on: when all sessions ended, older tokens are void.",
    )


class SigningKeyRemoved(Event):
    """A key that signs access tokens was taken away in an emergency.

    Tokens it has signed are refused from now on, wherever they are shown; sessions go on with their next refresh.
    """

    type: ClassVar[str] = "auth.signing_key.removed.v1"
    subject: ClassVar[str] = "key_id"
    audience: ClassVar[Audience] = "internal"

    key_id: UUID = Field(description="The key; made of its name, and so the same everywhere and for ever.")
    kid: str = Field(
        pattern=r"^[A-Za-z0-9_-]{1,128}$",
        description="The name of the key in the key set.",
        examples=["Zm9vYmFyYmF6cXV4"],
    )


class SessionReuseDetected(Event):
    """A refresh token that was used before was shown again: somebody has a copy, and the session has ended.

    Whoever lets things happen in this person's name may want to hold them until the person has signed in anew.
    """

    type: ClassVar[str] = "auth.session.reuse_detected.v1"
    subject: ClassVar[str] = "user_id"
    audience: ClassVar[Audience] = "internal"

    user_id: UUID = Field(description="Whose session it was.")
    session_id: UUID = Field(description="The session that ended.")


class AuthAuditRecorded(AuditEntry):
    """Something about accounts, sessions, organizations or members was done that the audit trail keeps."""

    type: ClassVar[str] = "auth.audit.recorded.v1"


class AuthExportPartReady(AnswersExport):
    """The part of auth in an export of a person's data is handed over."""

    type: ClassVar[str] = "auth.export.part_ready.v1"


class AuthErasureAnswered(AnswersErasure):
    """What became of what auth kept about a person who is to be forgotten."""

    type: ClassVar[str] = "auth.erasure.answered.v1"
