"""How large the values of a study may be, so that a slip of the keyboard is one sentence, not a machine out of memory.

Bounds hold for a study that is to run. One that is recorded is read whatever its values are: it ran.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from harness.errors import StudyError
from harness.vocabulary import DATASETS

if TYPE_CHECKING:
    from harness.study.spec import StudySpec

MOST_BYTES = 4 << 30
"""Most bytes that the spectrum of one clip may take."""


@dataclass(frozen=True)
class Most:
    """The largest value of a field, or the greatest length of its text or list, and why; annotates the field.

    ``each`` bounds the values of a list.
    """

    limit: float
    why: str
    each: float | None = None

    def fault(self, value: Any) -> str:
        """Return what is wrong with ``value``; empty when nothing is."""
        if isinstance(value, bool) or value is None:
            return ""
        if isinstance(value, int | float):
            return f"{_limit(self.limit)} at most ({self.why}), received {_cut(value)}" if value > self.limit else ""
        if isinstance(value, str | tuple | dict) and len(value) > self.limit:
            kind = "characters" if isinstance(value, str) else "entries"
            return f"{_limit(self.limit)} {kind} at most ({self.why}), received {len(value)}"
        if self.each is not None and isinstance(value, tuple | dict):
            for one in value:
                size = one if isinstance(one, int | float) else len(one) if isinstance(one, str) else 0
                if size > self.each:
                    return f"{_limit(self.each)} at most for each ({self.why}), received {_cut(one)}"
        return ""


def bound_of(model: type[BaseModel], field: str) -> Most | None:
    """Return the bound of a field; None where it has none."""
    return next((each for each in model.model_fields[field].metadata if isinstance(each, Most)), None)


def require_bounded(spec: StudySpec, source: str) -> None:
    """Raise StudyError, with a line for each fault, where a value of ``spec`` is beyond its bound; ``source`` names the
    study in it. The values of arms and the ends of searched ranges have the bounds of their fields."""
    faults = dict.fromkeys([*_faults(spec, ""), *_set_faults(spec), *_spectrum_faults(spec)])
    if faults:
        raise StudyError("\n".join(f"{source}: {fault}" for fault in faults))


def _faults(section: BaseModel, place: str) -> Iterator[str]:
    for name in type(section).model_fields:
        value = getattr(section, name)
        where = f"{place}.{name}" if place else name
        bound = bound_of(type(section), name)
        if bound is not None and (fault := bound.fault(value)):
            yield f"{where}: {fault}"
        inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, tuple) else ()
        for key, each in [(None, value), *inner]:
            if isinstance(each, BaseModel):
                yield from _faults(each, where if key is None else f"{where}[{getattr(each, 'name', key)}]")


def _set_faults(spec: StudySpec) -> Iterator[str]:
    for arm in spec.trained_arms:
        settings = spec.settings(arm)
        for section in ("train", "model", "protocol"):
            for fault in _faults(getattr(settings, section), section):
                yield f"arm {arm.name!r}: {fault}"
    for name, space in spec.searched_fields.items():
        bound = bound_of(name.model, name.field)
        for value in (space.low, space.high, *(space.choices or ())) if bound else ():
            if bound and (fault := bound.fault(value)):
                yield f"search.space.{name}: {fault}"


def _spectrum_faults(spec: StudySpec) -> Iterator[str]:
    """What each value allows may still be too much together."""
    features, image = spec.features, spec.features.image
    seconds = features.clip_seconds or DATASETS[spec.data.dataset].seconds
    sets = [spec.settings(arm).inputs for arm in spec.trained_arms]
    papers = any(each.layout == "segments" for each in sets)
    for used, place, length, rate, n_fft, hop in (
        (papers, "features", seconds, features.sample_rate, features.n_fft, features.hop_length),
        (len(sets) > papers, "features.image", image.seconds, image.sample_rate, image.n_fft, image.hop_length),
    ):
        size = spectrum_bytes(length, rate, n_fft, hop)
        if used and size > MOST_BYTES:
            yield (
                f"{place}: n_fft = {n_fft} every hop_length = {hop} samples of {length:g} s at {rate} Hz makes a "
                f"spectrum of {size / 2**30:.1f} GiB a clip, {MOST_BYTES / 2**30:g} GiB at most; "
                "raise hop_length or lower n_fft"
            )


def spectrum_bytes(seconds: float, sample_rate: int, n_fft: int, hop_length: int) -> int:
    """Return the bytes of a clip's complex spectrum in double precision, which computing planes needs at least."""
    return int(1 + seconds * sample_rate / hop_length) * (1 + n_fft // 2) * 16


def _limit(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:g}"


def _cut(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value) if _writable(value) else "a number of many digits"
    return text if len(text) <= 40 else f"{text[:37]}..."


def _writable(value: Any) -> bool:
    """Whether Python writes ``value`` out (a whole number of thousands of digits it refuses)."""
    return not isinstance(value, int) or value.bit_length() < 1000
