"""What goes into the audit trail: one line per security- or data-relevant action, and what each action means.

Each service says its lines with a class of its own (`AuthAuditRecorded` is `auth.audit.recorded.v1`), so that they
leave from its outbox like any other fact. They are made by `kit.audit.audited`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, ClassVar, Final
from uuid import UUID

from pydantic import Field

from contracts.event import Audience, Event
from contracts.names import Name

ACTOR_KINDS: Final = ("user", "key", "client", "system", "operator", "provider", "staff")
MOST_DETAILS: Final = 12

Detail = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:+/-]{0,80}$")]
"""A word, an id, a state, a time: neither a sentence nor an address passes, for there is no space and no at sign."""


class AuditEntry(Event):
    """The base of the audit events of all services; it has no type of its own."""

    subject: ClassVar[str] = "target_id"
    audience: ClassVar[Audience] = "internal"

    action: str = Field(
        pattern=r"^[a-z][a-z0-9_]{0,29}(\.[a-z][a-z0-9_]{0,39}){2}$",
        description="What was done, as service, noun and verb; what each means stands in contracts.audit.",
        examples=["auth.member.removed"],
    )
    actor_kind: Name = Field(description="What kind of actor did it; later kinds pass, too.", examples=[*ACTOR_KINDS])
    actor_id: UUID | None = Field(default=None, description="The actor, where it is one with an id.")
    target_kind: Name = Field(description="What kind of thing it was done to.", examples=["member"])
    target_id: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,79}$",
        description="The id of that thing.",
        examples=["019bc1a2-7f00-7000-8000-00000000000a"],
    )
    details: dict[Name, Detail | Annotated[int, Field(ge=-(2**53) + 1, lt=2**53)] | bool] = Field(
        default_factory=dict,
        max_length=MOST_DETAILS,
        description="What else tells what was done: states, roles, counts; no text, no addresses.",
        examples=[{"role": "editor"}],
    )
    request_id: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9._-]{8,128}$",
        description="The request in which it was done, where there was one.",
        examples=["019bc1a2-7f00-7000-8000-00000000000b"],
    )


ACTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        # accounts and sessions
        "auth.user.registered": "An account was opened.",
        "auth.user.imported": "An account was brought from another system, with its proven address.",
        "auth.user.verified": "The address of an account was proven.",
        "auth.challenge.begun": "A link or code was asked for, for an address or number.",
        "auth.challenge.failed": "A wrong code was shown for a number.",
        "auth.password.reset": "A password was reset by a link or code.",
        "auth.password.changed": "Somebody changed their password.",
        "auth.password.refused": "Somebody wanted to change a password and did not know the present one.",
        "auth.address.change_begun": "Somebody wants another mail address or phone number.",
        "auth.address.changed": "Somebody has another mail address or phone number.",
        "auth.address.change_undone": "A former mail address or phone number was brought back by its owner.",
        "auth.address.removed": "Somebody took a phone number off the account.",
        "auth.user.deleted": "An account was deleted.",
        "auth.session.started": "Somebody signed in.",
        "auth.session.refused": "Somebody tried to sign in and was refused.",
        "auth.session.throttled": "Sign-in was refused because it was tried too often.",
        "auth.session.switched": "A session went on in another organization.",
        "auth.session.ended": "Somebody signed out.",
        "auth.session.revoked": "Somebody ended one of their sessions.",
        "auth.session.others_revoked": "All sessions of an account but the present one were ended.",
        "auth.session.all_revoked": "All sessions of an account were ended.",
        "auth.factor_recovery.begun": "Staff began to remove all second factors of somebody who has lost them.",
        "auth.factor_recovery.cancelled": "A removal of second factors was stopped: by the link, a factor or staff.",
        "auth.factor_recovery.done": "All second factors of somebody who had lost them were removed.",
        "auth.session.displaced": "A session was ended because its person had begun too many others.",
        "auth.session.reuse_detected": "A used refresh token was shown again, and its session was ended.",
        "auth.session.broke_glass": "An owner signed in past the identity provider that others must use.",
        "auth.identity_provider.created": "An identity provider of an organization was connected.",
        "auth.identity_provider.changed": "An identity provider of an organization was changed, enabled or disabled.",
        "auth.identity_provider.removed": "An identity provider of an organization was disconnected.",
        "auth.domain.named": "An organization said that a domain is its own.",
        "auth.domain.proven": "A domain was proven by its DNS: its people are sent to the organization's provider.",
        "auth.domain.released": "An organization let go of a domain.",
        "auth.federation.refused": "Somebody's sign-in with a provider was refused.",
        "auth.identity.linked": "An account at a provider opens an account here from now on.",
        "auth.identity.unlinked": "An account at a provider opens an account here no more.",
        "auth.user.locked": "Too many guesses in a row: unknown devices are refused until a mail's link is followed.",
        "auth.user.unlocked": "Somebody followed the link of a mail, and unknown devices may try again.",
        "auth.network.suspected": "Many different accounts were tried in vain from one network.",
        "auth.device.added": "Somebody signed in on a device that was not known.",
        "auth.device.remembered": "The second factor is spared on a device for a while.",
        "auth.device.not_remembered": "The second factor is asked for on all devices again.",
        "auth.device.renamed": "A device was given another name.",
        "auth.device.forgotten": "A device was forgotten, and sessions on it were ended.",
        "auth.session.proven": "Somebody showed in their session once more who they are.",
        "auth.factor.added": "Somebody added a second factor.",
        "auth.factor.removed": "Somebody removed a second factor.",
        "auth.factor.renamed": "Somebody gave a second factor another name.",
        "auth.passkey.count_regressed": "A passkey counts less than before: there may be a copy of it.",
        "auth.factor.refused": "What was shown as a factor was wrong, or had been used before.",
        "auth.recovery_codes.renewed": "Somebody had new recovery codes made; earlier ones are void.",
        "auth.recovery_code.used": "A recovery code was used up.",
        "auth.mail_preferences.changed": "Somebody decided which mails they want.",
        # organizations
        "auth.organization.created": "An organization was created.",
        "auth.organization.renamed": "An organization was given another name.",
        "auth.organization.security_changed": "An organization demands a second factor of its members, or no more.",
        "auth.invitation.created": "Somebody was invited into an organization.",
        "auth.invitation.sent": "The mail of an invitation was sent again.",
        "auth.invitation.revoked": "An invitation was withdrawn.",
        "auth.invitation.accepted": "An invitation was accepted.",
        "auth.member.added": "A member was added.",
        "auth.member.role_changed": "A member was given another role.",
        "auth.member.removed": "A member was removed, or left.",
        "auth.team.created": "A team was created.",
        "auth.team.renamed": "A team was given another name.",
        "auth.team.members_changed": "Members came into a team or went out of it.",
        "auth.team.deleted": "A team was deleted.",
        "auth.delegation.proposed": "An agency asked to act for a client, or a client offered it.",
        "auth.delegation.granted": "An agency was allowed to act for a client.",
        "auth.delegation.assigned": "An agency said whom it sends to a client.",
        "auth.delegation.ended": "An agency's acting for a client ended, or was declined.",
        # what staff look at and do
        "auth.user.searched": "A member of staff searched for users.",
        "auth.user.read": "A member of staff read about a user.",
        "auth.user.addresses_opened": "A member of staff opened the addresses of a user.",
        "auth.user.reset_started": "A member of staff had the mail sent by which a user chooses another password.",
        "auth.user.suspended": "A user was suspended.",
        "auth.user.restored": "A suspended user was restored.",
        "auth.organization.read": "A member of staff read about an organization.",
        "auth.organization.suspended": "An organization was suspended.",
        "auth.organization.restored": "A suspended organization was restored.",
        "auth.subscription.granted": "An organization was granted a plan until a date.",
        "auth.subscription.revoked": "A granted plan was taken back.",
        "auth.onboarding.completed": "Somebody completed their first steps in an organization.",
        "auth.subscription.claimed": "An organization claimed a subscription that was bought before.",
        "auth.subscription.claim_withdrawn": "A claim of a subscription was taken back.",
        "auth.ownership.offered": "An organization was offered to another member.",
        "auth.ownership.withdrawn": "An offer of an organization ended without being accepted.",
        "auth.ownership.transferred": "An organization went to another owner.",
        # staff in a person's place
        "auth.impersonation.begun": "A member of staff began to act in a person's place.",
        "auth.impersonation.ended": "A member of staff no longer acts in a person's place.",
        "auth.request.impersonated": "A member of staff, in a person's place, asked something of auth.",
        # the platform's staff
        "auth.staff.added": "Somebody was added to the platform's staff.",
        "auth.staff.enrolled": "A member of staff set password and code app.",
        "auth.staff.enrolment_renewed": "Password and code app of a member of staff were voided, to be set anew.",
        "auth.staff.role_changed": "A member of staff was given another role.",
        "auth.staff.removed": "A member of staff was removed.",
        "auth.staff.signed_in": "A member of staff signed in.",
        "auth.staff.signed_out": "A member of staff signed out.",
        "auth.staff.proven": "A member of staff showed password and code again.",
        "auth.staff.refused": "Somebody tried to sign in as staff and was refused.",
        "auth.staff.throttled": "Sign-in of staff was refused because it was tried too often.",
        "auth.staff.reuse_detected": "A used refresh token of staff was shown again, and its session was ended.",
        "auth.staff.session_ended": "A session of a member of staff was ended.",
        # what programs show
        "auth.api_key.created": "An API key was made.",
        "auth.api_key.rotated": "An API key was given a successor.",
        "auth.api_key.ended": "An API key was ended.",
        "auth.oauth_client.registered": "A program of a partner was registered.",
        "auth.oauth_client.changed": "What is registered of a partner's program was changed.",
        "auth.oauth_client.secret_rotated": "A partner's program was given another secret.",
        "auth.oauth_client.ended": "A partner's program was ended.",
        "auth.oauth_grant.given": "Somebody let a partner's program act for them.",
        "auth.oauth_grant.refused": "Somebody refused what a partner's program asked for.",
        "auth.oauth_grant.withdrawn": "Somebody let a partner's program act for them no more.",
        "auth.oauth_grant.ended": "What a partner's program was granted ended: taken back, or its tokens used twice.",
        # how the platform is run
        "auth.user_operation.submitted": "Something is done to many users at once; each has a line of their own.",
        "auth.job.cancelled": "A bulk work was cancelled.",
        "auth.job.retried": "What failed of a bulk work was tried again.",
        "auth.announcement.drafted": "An announcement was begun.",
        "auth.announcement.changed": "The draft of an announcement was written anew.",
        "auth.announcement.tried_out": "A member of staff sent an announcement to themselves.",
        "auth.announcement.scheduled": "An announcement was let go, at once or at a time.",
        "auth.announcement.cancelled": "An announcement was called off.",
        "auth.announcement.ended": "An announcement has reached everybody, or was given up.",
        "auth.staff_export.requested": "Staff asked for a list of users or organizations.",
        "auth.staff_export.downloaded": "Staff downloaded a list of users or organizations.",
        "auth.staff_export.expired": "A list of users or organizations was deleted because its time was over.",
        "auth.system_setting.changed": "A setting of the system was changed.",
        "auth.flag.created": "A feature flag was defined.",
        "auth.flag.changed": "A feature flag was given other rules.",
        "auth.flag.killed": "A feature flag was switched off for everybody, or its rules hold again.",
        "auth.flag.deleted": "A feature flag was taken away.",
        # the platform's own keys
        "auth.signing_key.created": "The first key that signs access tokens was made.",
        "auth.signing_key.removed": "A key that signs access tokens was taken away, and what it signed was voided.",
        "auth.signing_key.rotated": "A new key that signs access tokens was announced.",
        # billing
        "billing.request.impersonated": "A member of staff, in a person's place, asked something of billing.",
        "billing.plan.changed": "An organization came to another plan.",
        "billing.entitlements.changed": "What an organization may use was changed.",
        # publisher
        "publisher.request.impersonated": "A member of staff, in a person's place, asked something of publisher.",
        "publisher.account.connected": "An account on a platform was connected.",
        "publisher.account.disconnected": "An account on a platform was disconnected.",
        "publisher.connection.begun": "Connecting an account on a platform was begun.",
        "publisher.post.created": "A post was written.",
        "publisher.post.changed": "A post was changed, or given another time to leave.",
        "publisher.post.cancelled": "A post was withdrawn.",
        "publisher.post.deleted": "A post was deleted.",
        "publisher.post.resolved": "A person said whether a post is live that nobody could confirm.",
        "publisher.partner_queue.opened": "The queue through which a partner hears was opened.",
        "publisher.partner_queue.closed": "The queue through which a partner hears was closed.",
        # inbox
        "inbox.request.impersonated": "A member of staff, in a person's place, asked something of inbox.",
        "inbox.channel.connected": "A channel was connected.",
        "inbox.channel.disconnected": "A channel was disconnected.",
        "inbox.conversation.assigned": "A conversation was given to somebody, or to nobody.",
        "inbox.conversation.state_changed": "A conversation was opened, resolved or put off.",
        "inbox.message.sent": "A message to a contact was written.",
        "inbox.contact.erased": "The data of a contact was erased.",
        # compliance
        "compliance.request.impersonated": "A member of staff, in a person's place, asked something of compliance.",
        "compliance.audit.read": "The audit trail was read.",
        "compliance.audit.proved": "A proof of a line of the audit trail was fetched.",
        "compliance.audit.exported": "A part of the audit trail was exported.",
        "compliance.signing_key.created": "A key that signs the audit trail was made.",
        "compliance.export.requested": "An export of personal data was asked for.",
        "compliance.export.ready": "An export of personal data is ready.",
        "compliance.export.failed": "An export of personal data failed.",
        "compliance.export.downloaded": "An export of personal data was downloaded.",
        "compliance.export.expired": "An export of personal data was deleted because its time was over.",
        "compliance.erasure.requested": "An erasure of personal data was asked for.",
        "compliance.erasure.cancelled": "An erasure of personal data was called off.",
        "compliance.erasure.begun": "An erasure of personal data began.",
        "compliance.erasure.blocked": "An erasure of personal data is held up.",
        "compliance.erasure.finished": "An erasure of personal data is complete.",
        "compliance.key.destroyed": "A key was destroyed: what it sealed can never be read again.",
        "compliance.retention.changed": "How long data is kept was changed.",
    }
)
"""Every action with what it means, in a sentence for customers. A new one is a new line here."""
