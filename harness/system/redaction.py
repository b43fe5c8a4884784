"""Masking of passwords and tokens in text, which may come from URIs, settings, code and the environment.

The patterns are our own: detect-secrets (1.5.0, of 2024), the closest maintained detector, reports lines instead of
positions in them, does not handle netrc, headers or unquoted values in a diff, and takes a minute for the sources of
this project.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

_MASK = "***"
_SECRET_NAME = (
    r"password|passwd|passphrase|pwd|secret|token|credential|signature"
    r"|(?:api|access|account|auth|encryption|master|private|signing|subscription)[_-]?key"
)
# Endings of names that mean a secret: DB_PASS, SERVICE_KEY, GITHUB_PAT, REGISTRY_AUTH.
_SECRET_ENDING = r"(?:PASS|KEY|PAT|AUTH)"
# The look-behinds prevent a new attempt at every letter of a long word.
_NAME = rf"(?<![\w.-])[\w.-]{{0,80}}(?:{_SECRET_NAME})[\w.-]{{0,80}}|(?<![\w.-])sig"
_SETTING = rf"(?<![\w.-])[A-Z][A-Z0-9_]{{0,80}}_{_SECRET_ENDING}(?![\w.-])"

# Up to the last @ of a word: a password may contain an unescaped @ or /.
_USER_AND_PASSWORD = re.compile(r"(?P<kept>://[^:/\s'\"@]*:)(?P<secret>[^\s'\"]{0,1000})@")
# Up to the last @ of the line if it contains quotes or spaces. Neither a port nor a name without a colon is a password.
_ODD_PASSWORD = re.compile(
    r"(?P<kept>://[^:/\s'\"@]*:)(?!\d{1,5}(?:[/\s'\"?#,;)\]]|$))(?!\*\*\*@)(?P<secret>[^\n@]{0,200}(?:@[^\n@]{1,200}){0,3}?)"
    r"@(?=[\w.\[-]+(?::\d+)?(?:[/?#\s'\",;)\\]|$))"
)
_TOKEN_AS_USER = re.compile(r"(?P<kept>https?://)[^:/\s'\"@]+@")
_NAMED = re.compile(rf"(?P<kept>(?:(?i:{_NAME})|{_SETTING})=)(?P<secret>'[^'\n]*'|\"[^\"\n]*\"|[^&;,\s'\"]+)")
_QUOTED = re.compile(
    rf"(?P<kept>(?:(?i:{_NAME})['\"]?|{_SETTING})\s{{0,4}}[:=]\s{{0,4}}['\"])(?P<secret>[^'\"\n]+)(?=['\"])"
)
# A line of its own, as in YAML or an INI file.
_LINE = re.compile(
    rf"(?m)^(?P<kept>[+\- ]?[ \t#>]{{0,80}}(?:- |export |set |ENV )?['\"]?"
    rf"(?:(?i:[\w.-]{{0,80}}(?:{_SECRET_NAME})[\w.-]{{0,80}})|{_SETTING})['\"]?[ \t]{{0,40}}[:=][ \t]{{0,40}})"
    r"(?P<secret>\S[^\n]*)$"
)
_HEADER = re.compile(
    r"(?i)(?P<kept>\b(?:proxy-)?authorization['\"]?[ \t]{0,4}[:=][ \t]{0,4}['\"]?"
    r"(?:[\w-]{1,40}[ \t]{1,4}(?=[^\s'\"]))?)(?P<secret>[^\s'\"]+)"
)
_OTHER_HEADER = re.compile(
    r"(?i)(?P<kept>(?<![\w-])(?:(?:set-)?cookie|x-(?:\w{1,40}-){0,6}(?:auth|key)"
    r"|api-?key|(?:\w{1,40}-){1,6}(?:api-?key|access-?key|token|secret|password))['\"]?[ \t]{0,4}:[ \t]{0,4}['\"]?)"
    r"(?P<secret>[^\s'\"]+)"
)
_GAP = r"(?:[ \t]+|\r?\n[+\- ]?[ \t]*)"
_NETRC = re.compile(
    rf"(?P<kept>\b(?:machine{_GAP}\S+|default){_GAP}(?:(?:login|account){_GAP}\S+{_GAP}){{0,2}}password{_GAP})(?P<secret>\S+)"
)
_NETRC_LINE = re.compile(r"(?m)^(?P<kept>[+\- ]?[ \t]{0,80}(?:password|passwd)[ \t]{1,40})(?P<secret>\S+)[ \t]*$")
_KNOWN = re.compile(
    r"\b(?:(?:AKIA|ASIA)[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}|xox[abeoprs]-[\w-]{10,}"
    r"|sk-[\w-]{20,}|[sr]k_live_\w{16,}|hf_[A-Za-z0-9]{30,}|pypi-[\w-]{50,}|npm_[A-Za-z0-9]{36}|AIza[\w-]{35}"
    r"|dapi[0-9a-f]{32}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*)"
)
# Complete, or the part that a diff shows: everything after the first line, and everything before the last one.
_MARK = r"-----(?:BEGIN|END)[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
_KEY_LINE = r"^[+\- ]?[ \t]{0,80}[A-Za-z0-9+/=]{16,}[ \t]*\r?$"
_BEGIN, _END = (_MARK.replace("(?:BEGIN|END)", word) for word in ("BEGIN", "END"))
_PEM = re.compile(rf"(?ms)(?P<kept>{_BEGIN})(?P<secret>(?:(?!-----BEGIN).){{0,20000}}?)(?={_END})")
_PEM_HEAD = re.compile(rf"(?m)(?P<kept>{_BEGIN}\r?\n)(?P<secret>(?:{_KEY_LINE}\n?)+)")
_PEM_TAIL = re.compile(rf"(?m)(?P<kept>)(?P<secret>(?:{_KEY_LINE}\n){{1,100}})(?=[+\- ]?[ \t]*{_END})")
# A line inside one: at least 60 characters of base64 in upper and lower case, which no hash has.
_BASE64 = re.compile(
    r"(?m)^(?P<kept>[+\- ]?[ \t]*['\"]?)(?=[A-Za-z0-9+/]*[A-Z])(?=[A-Za-z0-9+/]*[a-z])(?=[A-Za-z0-9+/]*[0-9+/])"
    r"(?P<secret>[A-Za-z0-9+/]{60,}={0,2})(?=(?:\\n)?['\"]?\r?$)"
)
_FORMS = (
    _PEM,
    _PEM_HEAD,
    _PEM_TAIL,
    _BASE64,
    _USER_AND_PASSWORD,
    _ODD_PASSWORD,
    _NETRC,
    _NETRC_LINE,
    _HEADER,
    _OTHER_HEADER,
    _QUOTED,
)

_SECRET_VARIABLE = re.compile(
    rf"(?i:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIAL|(?:API|ACCESS|PRIVATE|ENCRYPTION)_?KEY)|(?:^|_){_SECRET_ENDING}$"
)
_PLACE_VARIABLE = re.compile(r"(?:_FILE|_PATH|_DIR|_URI|_URL)$", re.IGNORECASE)
_SHORTEST = 8  # Shorter values would occur in ordinary words,
_WORD = re.compile(r"[a-z_-]+")  # and so would that of SORT_KEY=accuracy.

_NO_SECRET = re.compile(r"(?:True|False|None|true|false|null|str|bytes|int|float|bool|Any)\b[\])},:|]*")
# Expressions of a program: a name, an attribute, a call. In prose, one that contains a digit may be a secret.
_CODE = re.compile(r"[A-Za-z_][A-Za-z_.]*(?:[(\[{].*)?[)\]}:]*|[{(\[].*|f|r|b|rb|rf")
_MASKED = re.compile(r"['\"]?\*\*\*['\"]?[\])},:;]*")
_FILE = re.compile(r"(?m)^diff --git .*$")


def mask_secrets(text: str) -> str:
    """Return ``text`` with passwords and tokens replaced by ``***``.

    Masks ``scheme://user:PASSWORD@host``, ``https://TOKEN@host``, values named password, token, secret, key or
    signature (``?password=...`` of a database URL, signatures of presigned links, ``"token": "..."`` in JSON or code,
    ``api_key: ...`` on a line of its own), headers, netrc, private keys, tokens of known forms, and, anywhere, the
    secrets in this process's environment. In doubt it masks too much rather than too little.
    """
    return _masked(text, environment_secrets())


def mask_tree(data: Any) -> Any:
    """Return JSON data with :func:`mask_secrets` applied to every string in it."""
    return _masked_tree(data, environment_secrets())


def mask_diff(diff: str) -> str:
    """Return the output of ``git diff`` with secrets masked as by :func:`mask_secrets`, depending on the kind of each
    file.

    In Python, a name or a call without quotes is code (``token=token``, ``token: str``); in any other file except
    prose, everything after ``password:`` is masked up to the end of the line.
    """
    secrets = environment_secrets()
    code, prose = (".py", ".pyi"), (".md", ".rst", ".txt")
    begins = [match.start() for match in _FILE.finditer(diff)]
    parts = [diff[begin:end] for begin, end in zip([0, *begins], [*begins, len(diff)], strict=True)]
    masked = []
    for part in parts:
        name = part.partition("\n")[0].rstrip('"')
        masked.append(_masked(part, secrets, code=name.endswith(code), whole_lines=not name.endswith(prose)))
    return "".join(masked)


def mask_address(address: str) -> str:
    """Return a single URI, whatever characters it contains, without its password; unprintable ones are escaped."""
    scheme, separator, rest = address.partition("://")
    user, at, place = rest.rpartition("@")
    if at and ":" in user:
        address = f"{scheme}{separator}{user.partition(':')[0]}:{_MASK}@{place}"
    shown = mask_secrets(address)
    return shown if shown.isprintable() else ascii(shown)[1:-1]


def environment_secrets() -> tuple[str, ...]:
    """Return the values of environment variables that are named like secrets, and passwords in the URLs of others.

    Values of fewer than 8 characters are left out; the longest comes first.
    """
    found = set()
    for name, value in os.environ.items():
        if _SECRET_VARIABLE.search(name) and not _PLACE_VARIABLE.search(name) and not _is_plain(name, value):
            found.add(value.strip())
        if "://" in value:
            found.update(match["secret"] for match in _USER_AND_PASSWORD.finditer(value))
    found |= {unquote(value) for value in found}
    return tuple(sorted((value for value in found if len(value) >= _SHORTEST), key=lambda value: (-len(value), value)))


def _is_plain(name: str, value: str) -> bool:
    """Whether the value of a variable whose name merely ends like a secret's is an ordinary word or a file."""
    return name.upper().endswith(("_KEY", "_AUTH")) and (_WORD.fullmatch(value) is not None or _exists(value))


def _exists(path: str) -> bool:
    try:
        return os.path.exists(path)  # noqa: PTH110
    except ValueError:
        return False


def _masked(text: str, secrets: tuple[str, ...], *, code: bool = False, whole_lines: bool = False) -> str:
    for secret in secrets:
        text = text.replace(secret, _MASK)
    for form in _FORMS:
        text = form.sub(_replaced, text)
    text = _KNOWN.sub(_MASK, text)
    text = _NAMED.sub(_unless_code if code else _replaced, text)
    text = _LINE.sub(_line_of(code, whole_lines), text)
    return _TOKEN_AS_USER.sub(rf"\g<kept>{_MASK}@", text)


def _replaced(match: re.Match[str]) -> str:
    if _NO_SECRET.fullmatch(match["secret"]):
        return match[0]
    return f"{match['kept']}{_MASK}{'@' if match[0].endswith('@') else ''}"


def _unless_code(match: re.Match[str]) -> str:
    return match[0] if _CODE.fullmatch(match["secret"]) and not _in_comment(match) else _replaced(match)


def _in_comment(match: re.Match[str]) -> bool:
    return "#" in match.string[match.string.rfind("\n", 0, match.start()) + 1 : match.end("kept")]


def _line_of(code: bool, whole: bool) -> Callable[[re.Match[str]], str]:
    """Return the function that masks such a line; in prose only before a single word, since it may be a sentence."""

    def masked(match: re.Match[str]) -> str:
        if _MASKED.fullmatch(match["secret"]):
            return match[0]
        if not whole and any(sign.isspace() for sign in match["secret"].strip()):
            return match[0]
        return match[0] if code and not _in_comment(match) else _replaced(match)

    return masked


def _masked_tree(data: Any, secrets: tuple[str, ...]) -> Any:
    if isinstance(data, str):
        return _masked(data, secrets)
    if isinstance(data, dict):
        return {key: _masked_tree(value, secrets) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_masked_tree(value, secrets) for value in data]
    return data
