"""The RIFF container of WAV files: how many bytes of samples its header states, and how many exist.

A program that writes to a pipe cannot seek back to fill in the length, so it leaves a placeholder: 0xFFFFFFFF (ffmpeg),
0x7FFFF000 rounded down to complete samples (sox), 0x80000000, 0, and others. RF64 is EBU Tech 3306.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

_BYTE_ORDER = {b"RIFF": "<", b"RIFX": ">", b"RF64": "<"}
PLACEHOLDER = 0x7E000000
"""More bytes than any clip has, since clips last at most a minute: a size of at least this (2.1 GB) is a
placeholder."""
_IN_DS64 = 0xFFFFFFFF
# PCM, float, A-law, mu-law and the extensible format: the bytes of one sample of all channels belong together.
_UNCOMPRESSED = (1, 3, 6, 7, 0xFFFE)


@dataclass(frozen=True)
class _Samples:
    """Where the samples start, how many bytes the header states, and where and how that number is written.

    ``frame`` is the bytes of one sample of all channels, 1 where that is unknown.
    """

    start: int
    stated: int
    field: int
    form: str
    frame: int


def is_wav(content: bytes) -> bool:
    """Return whether ``content`` starts like a WAV file of either byte order, or like RF64."""
    return content[:4] in _BYTE_ORDER and content[8:12] == b"WAVE"


def cut_wav(content: bytes) -> str:
    """Return how a WAV file is truncated; empty when it is not.

    Where the header states no length, an incomplete sample shows that the file is truncated.
    """
    samples = _samples(content)
    if samples is None:
        return "the file ends before its samples"
    here = len(content) - samples.start
    if 0 < samples.stated < PLACEHOLDER:
        missing = here < samples.stated
        return f"the header states {samples.stated} bytes of samples, but the file has {here}" if missing else ""
    if not _open_ended(content, samples):
        return ""
    rest = here % samples.frame
    padded = rest == 1 and here % 2 == 0  # a chunk of an odd size is followed by one byte
    if rest and not padded:
        return f"the header states no length, and the last frame has only {rest} of {samples.frame} bytes"
    return ""


def with_length(content: bytes) -> bytes | None:
    """Return a WAV file whose header states 0 bytes of samples with their number filled in; None when it does not.

    libsndfile reads every other placeholder as "up to the end", but takes 0 literally.
    """
    samples = _samples(content) if is_wav(content) else None
    if samples is None or samples.stated or not _open_ended(content, samples):
        return None
    made = bytearray(content)
    struct.pack_into(samples.form, made, samples.field, min(len(content) - samples.start, _IN_DS64))
    return bytes(made)


def _samples(content: bytes) -> _Samples | None:
    """Return where the samples are; None where the file ends before them."""
    order = _BYTE_ORDER[content[:4]]
    at, frame, ds64 = 12, 1, None
    while at + 8 <= len(content):
        name, size = struct.unpack_from(f"{order}4sI", content, at)
        body = at + 8
        if name == b"fmt " and body + 14 <= len(content):
            (tag,), (align,) = (struct.unpack_from(f"{order}H", content, body + skip) for skip in (0, 12))
            frame = max(1, align) if tag in _UNCOMPRESSED else 1
        elif name == b"ds64" and body + 16 <= len(content):
            ds64 = body + 8
        elif name == b"data":
            if size == _IN_DS64 and ds64 is not None:
                return _Samples(body, int.from_bytes(content[ds64 : ds64 + 8], "little"), ds64, "<Q", frame)
            return _Samples(body, size, at + 4, f"{order}I", frame)
        at = body + size + size % 2
    return None


def _open_ended(content: bytes, samples: _Samples) -> bool:
    """Return whether the samples continue to the end of the file because the header does not state their length.

    A header that states 0 bytes may be correct: then nothing follows, or other chunks do.
    """
    if samples.stated:
        return samples.stated >= max(PLACEHOLDER, len(content) - samples.start)
    at, order = samples.start, _BYTE_ORDER[content[:4]]
    while at + 8 <= len(content) and content[at : at + 4].rstrip(b" ").isalnum():
        (size,) = struct.unpack_from(f"{order}I", content, at + 4)
        at += 8 + size + size % 2
    return at != len(content)
