"""Text without the passwords and tokens that URIs, settings and the environment may have put into it."""

from __future__ import annotations

import os
import re
from typing import Any

_MASK = "***"
_SECRET_NAME = r"password|passwd|pwd|secret|token|api[_-]?key|credential|signature|\bsig"
# Up to the last @ of a word: a password may hold an @ or a / that its owner forgot to escape.
_USER_AND_PASSWORD = re.compile(r"(?P<kept>://[^:/\s'\"@]*:)(?P<secret>[^\s'\"]*)@")
_TOKEN_AS_USER = re.compile(r"(?P<kept>https?://)[^:/\s'\"@]+@")
# The look-behinds keep long words from being tried again at every letter.
_NAMED_SECRET = re.compile(
    rf"(?<![\w.-])(?P<kept>[\w.-]*(?:{_SECRET_NAME})[\w.-]*=)(?:'[^']*'|\"[^\"]*\"|[^&;,\s'\"]+)", re.IGNORECASE
)
_QUOTED_SECRET = re.compile(
    rf"(?<![\w.-])(?P<kept>[\w.-]*(?:{_SECRET_NAME})[\w.-]*['\"]?\s{{0,4}}[:=]\s{{0,4}}['\"])[^'\"\n]+(?=['\"])",
    re.IGNORECASE,
)
_HEADER = re.compile(r"(?P<kept>\bauthorization['\"]?\s{0,4}[:=]\s{0,4}['\"]?\w+\s+)[^\s'\"]+", re.IGNORECASE)
_SECRET_VARIABLE = re.compile(
    r"PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIAL|(?:API|ACCESS|PRIVATE|ENCRYPTION)_?KEY", re.IGNORECASE
)
_PLACE_VARIABLE = re.compile(r"(?:_FILE|_PATH|_DIR|_URI|_URL)$", re.IGNORECASE)
_SHORTEST = 8  # A shorter value would be found in ordinary words.


def mask_secrets(text: str) -> str:
    """Return ``text`` with passwords and tokens replaced by ``***``.

    Masks ``scheme://user:PASSWORD@host``, ``https://TOKEN@host``, values named password, token, secret, key or
    signature (``?password=...`` of a database URL, signatures of presigned links, ``"token": "..."`` in JSON or code),
    and, wherever it stands, what a secret of this process's environment holds. Rather too much than too little.
    """
    return _masked(text, environment_secrets())


def mask_tree(data: Any) -> Any:
    """Return JSON data with :func:`mask_secrets` applied to every string in it."""
    return _masked_tree(data, environment_secrets())


def environment_secrets() -> tuple[str, ...]:
    """Return the values of environment variables that are named like secrets, and passwords in the URLs of others.

    Values of fewer than 8 characters are left out; the longest comes first.
    """
    found = set()
    for name, value in os.environ.items():
        if _SECRET_VARIABLE.search(name) and not _PLACE_VARIABLE.search(name):
            found.add(value.strip())
        if "://" in value:
            found.update(match["secret"] for match in _USER_AND_PASSWORD.finditer(value))
    return tuple(sorted((value for value in found if len(value) >= _SHORTEST), key=lambda value: (-len(value), value)))


def _masked(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        text = text.replace(secret, _MASK)
    text = _USER_AND_PASSWORD.sub(rf"\g<kept>{_MASK}@", text)
    for pattern in (_HEADER, _QUOTED_SECRET, _NAMED_SECRET):
        text = pattern.sub(rf"\g<kept>{_MASK}", text)
    return _TOKEN_AS_USER.sub(rf"\g<kept>{_MASK}@", text)


def _masked_tree(data: Any, secrets: tuple[str, ...]) -> Any:
    if isinstance(data, str):
        return _masked(data, secrets)
    if isinstance(data, dict):
        return {key: _masked_tree(value, secrets) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_masked_tree(value, secrets) for value in data]
    return data
