"""Decoding one audio file to its last sample, and detecting truncation and damage.

libsndfile opens a truncated WAV or Ogg file as if it were a complete, shorter one, and silently skips an Ogg page with
a wrong checksum, so the containers are examined here (RIFF; Ogg: RFC 3533).
"""

from __future__ import annotations

import hashlib
import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness.data.riff import PLACEHOLDER, cut_wav, is_wav, with_length

if TYPE_CHECKING:
    import soundfile

_BLOCK = 1 << 16
_OGG_HEADER, _OGG_LAST_PAGE = 27, 0x04
# Format expected from a file name's suffix, in libsndfile's terms; other suffixes are not checked.
_FORMATS = {
    ".wav": ("WAV", "WAVEX", "RF64"),
    ".ogg": ("OGG",),
    ".flac": ("FLAC",),
    ".mp3": ("MP3",),
    ".aif": ("AIFF",),
    ".aiff": ("AIFF",),
}
LONGEST = 60.0
"""Longest clip in seconds: its planes are computed at once, so this bounds memory. The data sets' clips last 5 s."""
RATES = (1_000, 768_000)
"""Range of plausible sample rates, in Hz; a header with another one is damaged."""
_REVERSED_BITS = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True)
class AudioFacts:
    """The result of decoding a file to its end.

    ``container`` is the format as libsndfile names it. ``promised`` and ``decoded`` are the numbers of frames (samples
    of each channel) that the header states and that were read. ``peak`` is the largest absolute finite sample, 1 being
    full scale. ``cut`` says how the container is truncated, ``broken`` where it fails its checksum; otherwise they are
    empty. ``digest`` is the SHA-256 of the file, hex.
    """

    container: str
    promised: int
    decoded: int
    sample_rate: int
    channels: int
    peak: float
    finite: bool
    cut: str
    broken: str
    digest: str

    @property
    def seconds(self) -> float:
        """Length of what was decoded, in seconds."""
        return self.decoded / self.sample_rate if self.sample_rate > 0 else 0.0


def open_audio(path: Path) -> soundfile.SoundFile:
    """Open ``path`` for reading; a WAV file whose header states no length is read to its end.

    Raises
    ------
    soundfile.LibsndfileError
        When it is not audio that libsndfile can read.
    OSError
        When the file cannot be read.
    """
    import soundfile  # loads libsndfile, which listing commands do not need

    file = soundfile.SoundFile(str(path))
    if file.frames or path.stat().st_size >= PLACEHOLDER or (content := with_length(path.read_bytes())) is None:
        return file
    file.close()
    return soundfile.SoundFile(io.BytesIO(content))


def decode_fully(path: Path) -> AudioFacts:
    """Decode every sample of ``path``, in blocks, and return what was found.

    Raises
    ------
    ValueError
        When the file cannot be opened or decoding fails; the message is the decoder's.
    OSError
        When the file cannot be read.
    """
    import soundfile

    content = path.read_bytes()
    decoded, peak, finite = 0, 0.0, True
    try:
        with open_audio(path) as file:
            container, promised, rate, channels = file.format, file.frames, file.samplerate, file.channels
            while len(block := file.read(_BLOCK, dtype="float32", always_2d=True)):
                decoded += len(block)
                good = np.isfinite(block)
                if not good.all():
                    finite, block = False, block[good]
                peak = max(peak, float(np.abs(block).max(initial=0.0)))
    except soundfile.LibsndfileError as error:
        raise ValueError(error.error_string) from None
    cut, broken = cut_off(content), broken_page(content)
    digest = hashlib.sha256(content).hexdigest()
    return AudioFacts(container, promised, decoded, rate, channels, peak, finite, cut, broken, digest)


def not_a_file(path: Path) -> str:
    """Return why ``path`` is not a readable file, empty when it is one; opening a pipe to check would block forever."""
    if path.is_file():
        return ""
    if path.is_dir():
        return "is a folder, not a file"
    if path.exists():
        return "is a pipe or a device, not a file"
    return f"is a link to {path.readlink()}, which does not exist" if path.is_symlink() else "does not exist"


def unusable(frames: int, rate: int) -> str:
    """Return why a file with this header cannot be a clip, empty when it can."""
    if frames <= 0:
        return "contains no samples"
    if not RATES[0] <= rate <= RATES[1]:
        return f"its header states {rate} samples per second, expected {RATES[0]} to {RATES[1]}"
    if frames > LONGEST * rate:
        return f"lasts {frames / rate:.1f} s, but at most {LONGEST:g} s can be used"
    return ""


def other_format(path: Path, container: str) -> str:
    """Return the format of ``path`` when it is not the one that its name implies, else the empty string."""
    promised = _FORMATS.get(path.suffix.lower())
    return "" if promised is None or container in promised else container


def cut_off(content: bytes) -> str:
    """Return how a WAV or Ogg file is truncated; empty when it is not, or is of another format."""
    if is_wav(content):
        return cut_wav(content)
    if content[:4] == b"OggS":
        return _cut_ogg(content)
    return ""


def broken_page(content: bytes) -> str:
    """Return which page of an Ogg file fails its checksum; empty when none does, or it is of another format."""
    at = 0
    while content[at : at + 4] == b"OggS" and at + _OGG_HEADER <= len(content):
        end = _ogg_page_end(content, at)
        page = content[at : at + 22] + bytes(4) + content[at + 26 : end]
        if end <= len(content) and _ogg_checksum(page) != int.from_bytes(content[at + 22 : at + 26], "little"):
            return f"the Ogg page at byte {at} fails its checksum"
        at = end
    return ""


def _cut_ogg(content: bytes) -> str:
    at, flags = 0, 0
    while at < len(content):
        if content[at : at + 4] != b"OggS" or at + _OGG_HEADER > len(content):
            return f"no page of the Ogg stream starts at byte {at}, where one is expected"
        flags, at = content[at + 5], _ogg_page_end(content, at)
    if at > len(content):
        return f"its last page is missing {at - len(content)} bytes"
    return "" if flags & _OGG_LAST_PAGE else "the last page of the stream is missing"


def _ogg_page_end(content: bytes, at: int) -> int:
    """Return where the page that starts at ``at`` ends, by the sizes in its header."""
    lacing = content[at + 26]
    return at + _OGG_HEADER + lacing + sum(content[at + _OGG_HEADER : at + _OGG_HEADER + lacing])


def _ogg_checksum(page: bytes) -> int:
    """Return the CRC of a page whose checksum field is zero.

    Ogg's CRC has zlib's polynomial but processes bits in reverse order and starts from zero, so zlib's fast
    implementation is given reversed bytes and its result is reversed.
    """
    turned = zlib.crc32(page.translate(_REVERSED_BITS), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{turned:032b}"[::-1], 2)
