"""TikTok's errors: every answer carries `error`, and `ok` is one of its codes."""

from secrets import token_hex

from sandbox.json import Object
from sandbox.refusals import Refusal

MESSAGES = {
    "access_token_invalid": "The access token is invalid or not found in the request.",
    "scope_not_authorized": "The user did not authorize the scope required for completing this request.",
    "rate_limit_exceeded": "The API rate limit was exceeded. Please try again later.",
    "invalid_params": "One or more fields in request is invalid.",
    "invalid_publish_id": "The publish_id is invalid.",
    "token_not_authorized_for_specified_publish_id": "The access_token does not have authorization for this post.",
    "spam_risk_too_many_posts": "The daily post cap from the API is reached for the current user.",
    "spam_risk_user_banned_from_posting": "The user is banned from making new posts.",
    "privacy_level_option_mismatch": "privacy_level is not specified or not among the options of creator_info.",
    "unaudited_client_can_only_post_to_private_accounts": (
        "Please review our integration guidelines at https://developers.tiktok.com/doc/content-sharing-guidelines/"
    ),
    "url_ownership_unverified": (
        "Please review our URL ownership verification rules at "
        "https://developers.tiktok.com/doc/content-posting-api-media-transfer-guide#pull_from_url"
    ),
    "invalid_file_upload": "The uploaded file does not meet the API specifications.",
}
STATUS = {
    "access_token_invalid": 401,
    "scope_not_authorized": 401,
    "rate_limit_exceeded": 429,
    "invalid_params": 400,
    "invalid_publish_id": 400,
    "invalid_file_upload": 400,
}


def ok(data: Object) -> Object:
    """A good answer."""
    return {"data": data, "error": {"code": "ok", "message": "", "log_id": log_id()}}


def error(code: str, message: str = "") -> Refusal:
    """An error by its code; 403 where TikTok has no other status for it."""
    found: Object = {"code": code, "message": message or MESSAGES.get(code, code), "log_id": log_id()}
    return Refusal(STATUS.get(code, 403), {"data": {}, "error": found})


def oauth(code: str, description: str) -> Refusal:
    """An error of the token endpoint, which has a form of its own."""
    return Refusal(400, {"error": code, "error_description": description, "log_id": log_id()})


def log_id() -> str:
    """What TikTok's support asks for."""
    return f"2026{token_hex(14).upper()}"
