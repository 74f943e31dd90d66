"""The doors of the inbox."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter

from inbox.allowances.router import router as allowances
from inbox.assignment.router import internal as presence
from inbox.assignment.router import router as assignment
from inbox.attributes.router import router as attributes
from inbox.broadcasts.links.router import router as links
from inbox.broadcasts.router import router as broadcasts
from inbox.broadcasts.senders.router import router as paces
from inbox.broadcasts.zones.router import router as zones
from inbox.canned_replies.router import router as canned_replies
from inbox.channels.router import router as channels
from inbox.channels.viewing.router import internal as viewers
from inbox.channels.viewing.router import router as viewing
from inbox.chat.file_router import public as chat_files
from inbox.chat.file_router import router as shared_files
from inbox.chat.files import LARGEST_FILE
from inbox.chat.router import lines as chat_lines
from inbox.chat.router import public as chat
from inbox.chat.router import visits as chat_visits
from inbox.consent.router import router as consent
from inbox.contacts.merging.router import router as merging
from inbox.contacts.router import router as contacts
from inbox.conversations.counts.router import router as counts
from inbox.conversations.participants.router import router as participants
from inbox.conversations.router import router as conversations
from inbox.drafts.router import router as drafts
from inbox.exports.router import public as export_files
from inbox.exports.router import router as exports
from inbox.fields.router import router as fields
from inbox.forms.router import public as forms
from inbox.forms.router import router as held
from inbox.imports.model import LARGEST as LARGEST_IMPORT
from inbox.imports.router import jobs as contact_jobs
from inbox.imports.router import router as imports
from inbox.labels.router import router as labels
from inbox.macros.doors import router as macro_jobs
from inbox.macros.router import router as macros
from inbox.media.router import router as media
from inbox.messages.router import router as messages
from inbox.notes.router import router as notes
from inbox.search.router import router as search
from inbox.segments.router import router as segments
from inbox.signatures.router import router as signatures
from inbox.sites.router import router as sites
from inbox.templates.router import router as templates
from inbox.templates.samples.model import LARGEST as LARGEST_SAMPLE
from inbox.templates.samples.router import PATH as SAMPLES
from inbox.templates.samples.router import router as samples
from inbox.timeline.router import router as timeline
from inbox.variables.router import router as variables
from inbox.views.router import router as views

ROUTERS: Final[Sequence[APIRouter]] = (
    allowances,
    channels,
    viewing,
    paces,
    viewers,
    sites,
    chat,
    chat_visits,
    chat_lines,
    chat_files,
    shared_files,
    forms,
    held,
    merging,
    consent,
    fields,
    timeline,
    contacts,
    conversations,
    participants,
    counts,
    assignment,
    presence,
    messages,
    templates,
    samples,
    media,
    labels,
    notes,
    search,
    signatures,
    variables,
    attributes,
    canned_replies,
    drafts,
    views,
    segments,
    exports,
    export_files,
    imports,
    contact_jobs,
    macros,
    broadcasts,
    zones,
    links,
    macro_jobs,
)

LARGE_BODIES: Final = {
    "/v1/chat-files": LARGEST_FILE,
    "/v1/conversation-files": LARGEST_FILE,
    SAMPLES: LARGEST_SAMPLE,
    "/v1/contact-imports": LARGEST_IMPORT,
}
"""Bytes that bodies below these paths may have, where they are files."""
