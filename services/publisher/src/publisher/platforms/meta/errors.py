"""Meta's errors as data: by subcode where there is one that tells more, else by code.

Sources: Meta's pages "Graph API: Handling Errors" and "Instagram Platform: Error Codes" and Threads' documentation of
containers, read on 2026-11-30 as copies of others; what else is known of a code is in the words.
"""

from typing import Final

from publisher.platforms.catalogue import Catalogue, Meaning

_RECONNECT: Final = "The permission is not accepted any more."

COMMON: Final[Catalogue] = {
    "1": Meaning("unanswered", "their-error", "Meta answered with an error of its own."),
    "2": Meaning("unanswered", "their-error", "Meta's service is not available for a moment."),
    "4": Meaning("not_accepted", "rate-limited", "Meta takes no more calls of our application for now.", 900.0, True),
    "10": Meaning("refused", "permission-missing", "A permission is missing; connect it again and allow all."),
    "17": Meaning("not_accepted", "rate-limited", "Meta takes no more calls for this account for now.", 900.0, True),
    "32": Meaning("not_accepted", "rate-limited", "Meta takes no more calls for this page for now.", 900.0, True),
    "33": Meaning("refused", "not-there", "What this refers to is not there any more."),
    "102": Meaning("parked", "token-refused", _RECONNECT),
    "190": Meaning("parked", "token-refused", _RECONNECT),
    "200": Meaning("refused", "permission-missing", "A permission is missing; connect it again and allow all."),
    "341": Meaning("not_accepted", "application-limit", "Meta's limit for our application is reached.", 3600.0, True),
    "368": Meaning(
        "refused",
        "blocked-for-policy",
        "Meta has blocked this for a while, because it takes it for a breach of its policies; look into the account's"
        " support inbox there before publishing again.",
    ),
    "458": Meaning("parked", "token-refused", "The permission was taken back at Meta."),
    "459": Meaning("parked", "token-refused", "Meta wants the person who gave it to sign in there first."),
    "460": Meaning("parked", "token-refused", "The person's password was changed, which ends the permission."),
    "463": Meaning("parked", "token-refused", "The permission has expired."),
    "464": Meaning("parked", "token-refused", "Meta wants the person who gave it to confirm their account."),
    "467": Meaning("parked", "token-refused", "The permission is not valid any more."),
    "492": Meaning("parked", "token-refused", "The person who gave the permission has no role on the page any more."),
    "506": Meaning("refused", "duplicate", "This account has published the same already, and Meta refuses it again."),
    "613": Meaning("not_accepted", "rate-limited", "Meta takes no more calls for now.", 900.0, True),
    "2635": Meaning(
        "not_accepted",
        "api-version-sunset",
        "Meta has switched off the version of its API that we speak.",
        3600.0,
        True,
    ),
    "80001": Meaning("not_accepted", "rate-limited", "Meta takes no more calls for this page for now.", 900.0, True),
    "80002": Meaning("not_accepted", "rate-limited", "Instagram takes no more calls for now.", 900.0, True),
}

FACEBOOK: Final[Catalogue] = {
    **COMMON,
    "324": Meaning("refused", "image-missing", "Facebook got no picture; choose it again."),
    "352": Meaning("refused", "video-format", "Facebook does not take this video's format; use MP4 or MOV."),
    "382": Meaning("refused", "video-too-small", "The video file is too small."),
    "389": Meaning("not_accepted", "media-not-fetched", "Facebook could not fetch the video.", 60.0),
    "390": Meaning("not_accepted", "media-not-fetched", "Facebook took too long to fetch the video.", 60.0),
    "6000": Meaning("refused", "video-refused", "Facebook could not take the video; encode it again."),
    "1363026": Meaning("refused", "video-too-long", "The video is longer than Facebook takes."),
    "1363037": Meaning("refused", "video-too-large", "The video is larger than Facebook takes."),
    "1363041": Meaning("not_accepted", "upload-lost", "Facebook lost the upload.", 60.0),
    "1366046": Meaning("refused", "image-refused", "Facebook takes pictures of at most 4 MB as JPEG or PNG."),
    "1609005": Meaning("refused", "link-refused", "Facebook could not read the link; check the address."),
    "1609008": Meaning("refused", "link-refused", "Facebook does not allow this link."),
}

INSTAGRAM: Final[Catalogue] = {
    **COMMON,
    "-2": Meaning("not_accepted", "media-not-fetched", "Instagram could not fetch the file in time.", 60.0),
    "-1": Meaning("unanswered", "their-error", "Instagram answered with an error of its own."),
    "9": Meaning(
        "not_accepted", "quota-used-up", "The account has published as much as Instagram allows.", 3600.0, True
    ),
    "2207001": Meaning("unanswered", "their-error", "Instagram answered with an error of its own."),
    "2207003": Meaning("not_accepted", "media-not-fetched", "Instagram took too long to fetch the file.", 60.0),
    "2207004": Meaning("refused", "image-too-large", "The picture is larger than the 8 MB that Instagram takes."),
    "2207005": Meaning("refused", "image-format", "Instagram takes pictures as JPEG; convert it."),
    "2207006": Meaning("refused", "container-gone", "Instagram does not know the upload any more; publish it anew."),
    "2207008": Meaning("not_accepted", "container-not-ready", "Instagram does not find the upload yet.", 60.0),
    "2207009": Meaning("refused", "aspect-ratio", "Instagram takes pictures between 4:5 and 1.91:1; crop it."),
    "2207010": Meaning(
        "refused",
        "caption-too-long",
        "Instagram takes 2,200 characters, 30 hashtags and 20 mentions; shorten the text.",
    ),
    "2207018": Meaning("refused", "media-not-readable", "Instagram could not open the file."),
    "2207020": Meaning("refused", "container-expired", "The upload has expired at Instagram; publish it anew."),
    "2207023": Meaning("refused", "media-type", "Instagram does not know this type of post."),
    "2207026": Meaning("refused", "video-format", "Instagram does not take this video's format; use MP4 or MOV."),
    "2207027": Meaning("not_accepted", "container-not-ready", "Instagram is not done with the upload yet.", 30.0),
    "2207028": Meaning("refused", "carousel-size", "Instagram takes 2 to 10 pictures and videos in a carousel."),
    "2207032": Meaning("not_accepted", "container-not-made", "Instagram could not take the upload.", 30.0),
    "2207035": Meaning("refused", "tags-refused", "Instagram takes no positions of product tags in videos."),
    "2207036": Meaning("refused", "tags-refused", "Instagram wants a position for each product tag in a picture."),
    "2207037": Meaning("refused", "tags-refused", "Instagram does not take one of the product tags."),
    "2207040": Meaning("refused", "too-many-tags", "Instagram takes no more than 20 tags; remove some."),
    "2207042": Meaning(
        "not_accepted",
        "quota-used-up",
        "The account has published as much as Instagram allows in 24 hours.",
        3600.0,
        True,
    ),
    "2207050": Meaning(
        "refused",
        "account-restricted",
        "Instagram has restricted the account; sign in there and follow what it says.",
    ),
    "2207051": Meaning(
        "refused", "taken-for-spam", "Instagram takes this for spam and has stopped it; change it or wait a day."
    ),
    "2207052": Meaning("not_accepted", "media-not-fetched", "Instagram could not fetch the file.", 60.0),
    "2207053": Meaning("not_accepted", "upload-lost", "Instagram lost the upload.", 60.0),
    "2207057": Meaning("refused", "cover-outside", "The cover's time lies outside the video."),
    "2207076": Meaning("refused", "video-refused", "Instagram could not process the video; encode it again."),
    "2207082": Meaning("refused", "upload-refused", "Instagram could not take the upload; choose the file again."),
}

THREADS: Final[Catalogue] = {
    **COMMON,
    "24": Meaning("not_accepted", "container-not-ready", "Threads does not find the upload yet.", 30.0),
    "2207042": Meaning(
        "not_accepted",
        "quota-used-up",
        "The profile has published as much as Threads allows in 24 hours.",
        3600.0,
        True,
    ),
    "2207051": Meaning("refused", "taken-for-spam", "Threads takes this for spam and has stopped it."),
    "2207052": Meaning("not_accepted", "media-not-fetched", "Threads could not fetch the file.", 60.0),
}

THREADS_PROCESSING: Final = {
    "FAILED_DOWNLOADING_VIDEO": "Threads could not fetch the video.",
    "FAILED_PROCESSING_AUDIO": "Threads could not read the video's sound; encode it as AAC.",
    "FAILED_PROCESSING_VIDEO": "Threads could not read the video; encode it as H.264.",
    "INVALID_ASPEC_RATIO": "Threads does not take the video's shape.",
    "INVALID_BIT_RATE": "The video's bit rate is more than Threads takes.",
    "INVALID_DURATION": "Threads takes videos of at most 5 minutes.",
    "INVALID_FRAME_RATE": "Threads takes 23 to 60 frames a second.",
    "INVALID_AUDIO_CHANNELS": "Threads takes one or two channels of sound.",
    "INVALID_AUDIO_CHANNEL_LAYOUT": "Threads takes mono or stereo sound.",
    "UNKNOWN": "Threads could not process it, and says no more.",
}
"""The words of `error_message` of a container that failed; the misspelling is theirs."""
