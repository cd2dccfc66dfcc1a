"""Passwords out of texts. Pure."""

import re
from collections.abc import Sequence
from typing import Final

MASK: Final = "***"

# Greedy up to the last @: a password with an unescaped @ or / is masked as a whole.
_USER_INFO: Final = re.compile(r"(?<=://)\S*(?=@)")
_SECRET_OPTION: Final = re.compile(
    r"(?i)([?&](?:[a-z_]*(?:password|passwd|secret|token|api_?key|auth))=)[^&#\s'\"]*"
)


def redact(text: str) -> str:
    """The text without the user names and passwords of the URLs in it."""
    if "=" in text:
        text = _SECRET_OPTION.sub(rf"\g<1>{MASK}", text)
    return _USER_INFO.sub(MASK, text) if "@" in text else text


def describe(error: BaseException) -> str:
    """What went wrong, on one line and without a password: the type too, unless it is ours and
    its text is made for people."""
    from eventbus_core.monitoring import EventBusError

    text = redact(" ".join(str(error).split()))
    if isinstance(error, EventBusError) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def redact_arguments(text: str, arguments: Sequence[str]) -> str:
    """As `redact`, and without what stands before an @ in any of these arguments: they may be
    URLs that somebody misspelt."""
    for argument in arguments:
        if "@" in argument:
            harmless = f"{MASK}@{argument.rpartition('@')[2]}"
            for written in (argument, repr(argument)[1:-1]):
                text = text.replace(written, harmless)
    return redact(text)


def hide_before_at(text: str) -> str:
    """Without what stands before an @ in any word: a part of a URL may be quoted that was taken
    for something else, as what follows an unescaped slash in a password."""
    return re.sub(r"\S+@", f"{MASK}@", text) if "@" in text else text
