"""Bounds on the values of a study, so that a typing error gives a message instead of exhausting memory.

Bounds apply to studies that are to run. A recorded study is read whatever its values are, since it ran.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import BaseModel

from harness.errors import StudyError
from harness.registry import Layout
from harness.section import bound_of

if TYPE_CHECKING:
    from harness.study.spec import StudySpec

MOST_BYTES = 4 << 30
"""Most bytes that the spectrum of one clip may take."""


def require_bounded(spec: StudySpec, source: str) -> None:
    """Raise StudyError, with a line for each fault, where a value of ``spec`` is beyond its bound; ``source`` names the
    study in it. The values of arms and the ends of searched ranges have the bounds of their fields."""
    faults = dict.fromkeys([*_faults(spec, ""), *_set_faults(spec), *_spectrum_faults(spec)])
    if faults:
        raise StudyError("\n".join(f"{source}: {fault}" for fault in faults))


def _faults(section: BaseModel, place: str) -> Iterator[str]:
    for name, value in {**dict(section), **(section.model_extra or {})}.items():
        where = f"{place}.{name}" if place else name
        bound = bound_of(type(section), name) if name in type(section).model_fields else None
        if bound is not None and (fault := bound.fault(value)):
            yield f"{where}: {fault}"
        inner = [(where, value)]
        if isinstance(value, dict):
            inner = [(f"{where}.{key}", each) for key, each in value.items()]
        elif isinstance(value, tuple):
            inner = [(f"{where}[{getattr(each, 'name', k)}]", each) for k, each in enumerate(value)]
        for inner_place, each in inner:
            if isinstance(each, BaseModel):
                yield from _faults(each, inner_place)


def _set_faults(spec: StudySpec) -> Iterator[str]:
    for arm in spec.trained_arms:
        settings = spec.settings(arm)
        own = settings.protocol
        sections = (
            ("train", settings.train),
            ("model", settings.options),
            ("protocol", own),
            ("protocol", own.options),
        )
        for name, section in sections:
            for fault in _faults(section, name):
                yield f"arm {arm.name!r}: {fault}"
        for searched, space in spec.searched_fields.items():
            kind = type(settings.options if searched.section == "model" else settings.train)
            bound = bound_of(kind, searched.field) if searched.field in kind.model_fields else None
            for value in (space.low, space.high, *(space.choices or ())) if bound else ():
                if bound and (fault := bound.fault(value)):
                    yield f"search.space.{searched}: {fault}"


def _spectrum_faults(spec: StudySpec) -> Iterator[str]:
    """Values within their bounds can still be too large in combination."""
    features = spec.features
    for inputs in {spec.inputs(arm) for arm in spec.trained_arms}:
        if inputs.layout is Layout.VECTOR:
            continue
        segments = inputs.layout is Layout.SEGMENTS
        length = (features.clip_seconds or spec.data.description.seconds) if segments else features.image.seconds
        for plane in inputs.planes:
            options = features.of(plane)
            n_fft = getattr(options, "n_fft", 0)
            rate = getattr(options, "sample_rate", features.sample_rate)
            hop = getattr(options, "hop_length", features.hop_length)
            size = spectrum_bytes(length, rate, n_fft, hop)
            if size > MOST_BYTES:
                yield (
                    f"features.planes.{plane}: n_fft = {n_fft} and hop_length = {hop} for {length:g} s at {rate} Hz "
                    f"give a spectrum of {size / 2**30:.1f} GiB per clip, at most {MOST_BYTES / 2**30:g} GiB are "
                    "allowed; raise hop_length or lower n_fft"
                )


def spectrum_bytes(seconds: float, sample_rate: int, n_fft: int, hop_length: int) -> int:
    """Return the bytes of a clip's complex spectrum in double precision, the least memory that computing planes takes.

    Parameters
    ----------
    seconds : float
        Duration of the clip.
    sample_rate : int
        In Hz.
    n_fft : int
        Length of the transform, in samples.
    hop_length : int
        Samples between frames.
    """
    return int(1 + seconds * sample_rate / hop_length) * (1 + n_fft // 2) * 16
