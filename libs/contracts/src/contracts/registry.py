"""All events there are: the one list to add a new event to."""

from contracts import auth, billing, compliance, inbox, publisher
from contracts.event import Decoder, Event

EVENTS: tuple[type[Event], ...] = (
    auth.UserRegistered,
    auth.UserVerified,
    auth.OrganizationCreated,
    auth.OrganizationRenamed,
    auth.InvitationCreated,
    auth.InvitationRevoked,
    auth.InvitationAccepted,
    auth.MemberAdded,
    auth.MemberRoleChanged,
    auth.MemberRemoved,
    auth.MailPreferencesChanged,
    auth.SessionsRevoked,
    auth.AuthExportPartReady,
    auth.AuthErasureAnswered,
    billing.EntitlementsChanged,
    inbox.ChannelConnected,
    inbox.ChannelDisconnected,
    inbox.ChannelHealthChanged,
    inbox.ConversationOpened,
    inbox.ConversationReopened,
    inbox.ConversationChanged,
    inbox.MessageReceived,
    inbox.MessageSent,
    inbox.MessageStatusChanged,
    inbox.MessageFailed,
    inbox.MediaReady,
    inbox.MediaFailed,
    inbox.InboxExportPartReady,
    inbox.InboxErasureAnswered,
    publisher.AccountConnected,
    publisher.AccountDisconnected,
    publisher.AccountHealthChanged,
    publisher.PostScheduled,
    publisher.PostRescheduled,
    publisher.PostCancelled,
    publisher.PostPublished,
    publisher.PostFailed,
    publisher.PostUnconfirmed,
    publisher.PostEngaged,
    publisher.PartnerQueueOpened,
    publisher.PartnerQueueClosed,
    publisher.PublisherExportPartReady,
    publisher.PublisherErasureAnswered,
    compliance.ExportRequested,
    compliance.ExportReady,
    compliance.ErasureRequested,
    compliance.ErasureCancelled,
    compliance.ErasureBegun,
    compliance.ErasureFinished,
    compliance.KeyDestroyed,
    compliance.RetentionChanged,
)

decode = Decoder(EVENTS)

FOR_BROWSERS: tuple[type[Event], ...] = tuple(event for event in EVENTS if event.browsers is not None)
"""What the gateway tells the browsers of an organization."""
