"""Small data sets with known faults, and a local web server that can break off."""

from __future__ import annotations

import csv
import threading
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.data.clips import ClipTable
from harness.data.load_clips import load_clips
from harness.registry import DATASETS
from harness.study import DataSection

ESC_COLUMNS = ("filename", "fold", "target", "category", "esc10", "src_file", "take")
ESC10 = (0, 1, 10, 11, 12, 20, 21, 38, 40, 41)
URBANSOUND_COLUMNS = ("slice_file_name", "fsID", "start", "end", "salience", "fold", "classID", "class")


def write_wav(path: Path, seconds: float = 0.02, rate: int = 8000, level: int = 8000, channels: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.full((int(seconds * rate), channels), level, dtype="<i2")
    samples[::2] *= -1
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())


def write_table(path: Path, columns: tuple[str, ...], rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.DictWriter(file, columns, lineterminator="\n")
        lines.writeheader()
        lines.writerows(rows)


def write_gtzan(folder: Path, clips: int = 1, audio: str = "genres", suffix: str = ".wav") -> None:
    """Write a small copy of GTZAN: clips of each genre in each part, and the lists of the fault-filtered split."""
    for part, name in enumerate(("test_filtered.txt", "valid_filtered.txt", "train_filtered.txt")):
        lines = []
        for genre, _ in DATASETS.get("gtzan").class_counts:
            for clip in range(clips):
                number = f"{genre}.{part * clips + clip:05d}"
                write_wav(folder / audio / genre / f"{number}{suffix}", level=1000 + 100 * part + clip)
                lines.append(f"{genre}/{number}.wav\n")
        (folder / name).write_text("".join(lines))


def write_speech_commands(folder: Path, speakers: int = 1) -> None:
    """Write a small copy of Speech Commands: in each part, each word twice by each of as many speakers."""
    for part, name in enumerate(("testing_list.txt", "validation_list.txt", "")):
        lines = []
        for word, _ in DATASETS.get("speech-commands").class_counts:
            for speaker in range(speakers):
                for take in range(2):
                    line = f"{word}/{part * speakers + speaker:08x}_nohash_{take}.wav"
                    write_wav(folder / line, level=1000 + 100 * part + take)
                    lines.append(f"{line}\n")
        if name:
            (folder / name).write_text("".join(lines))
    write_wav(folder / "_background_noise_" / "white_noise.wav", seconds=0.1)


@dataclass
class EscSet:
    """An ESC-50 layout whose rows a test may change before writing the metadata again."""

    root: Path
    rows: list[dict[str, object]]
    folder: str = "ESC-50"

    @property
    def metadata(self) -> Path:
        return self.root / self.folder / "meta" / "esc50.csv"

    def audio(self, row: int) -> Path:
        return self.root / self.folder / "audio" / str(self.rows[row]["filename"])

    def save(self) -> Path:
        write_table(self.metadata, ESC_COLUMNS, self.rows)
        return self.root


@pytest.fixture
def make_esc(tmp_path: Path) -> Callable[..., EscSet]:
    """Return a maker of ESC-50 layouts with tiny clips, whole ESC-10 unless told otherwise."""

    def make(
        targets: tuple[int, ...] = ESC10,
        folds: tuple[int, ...] = (1, 2, 3, 4, 5),
        clips: int = 8,
        folder: str = "ESC-50",
        seconds: float = 0.02,
    ) -> EscSet:
        made = EscSet(tmp_path / "data", [], folder)
        for fold in folds:
            for target in targets:
                for clip in range(clips):
                    source = fold * 100000 + target * 100 + clip // 2
                    name = f"{fold}-{source}-{'AB'[clip % 2]}-{target}.wav"
                    made.rows.append(
                        dict(
                            zip(
                                ESC_COLUMNS,
                                (name, fold, target, f"class{target}", target in ESC10, source, "AB"[clip % 2]),
                                strict=True,
                            )
                        )
                    )
                    write_wav(made.audio(-1), seconds, level=1000 + 7 * target + clip)
        made.save()
        return made

    return make


@pytest.fixture
def make_urbansound(tmp_path: Path) -> Callable[..., Path]:
    """Return a maker of UrbanSound8K layouts: fold -> clips of each of the 10 classes."""

    def make(counts: dict[int, tuple[int, ...]], extension: str = ".wav", seconds: float = 0.02) -> Path:
        root, rows = tmp_path / "data", []
        for fold, per_class in counts.items():
            for label, clips in enumerate(per_class):
                for clip in range(clips):
                    source = fold * 10000 + label * 1000 + clip // 2
                    name = f"{source}-{label}-0-{clip}{extension}"
                    row = (name, source, 1.0, 1.0 + seconds, 1, fold, label, f"class{label}")
                    rows.append(dict(zip(URBANSOUND_COLUMNS, row, strict=True)))
                    write_wav(root / "UrbanSound8K" / "audio" / f"fold{fold}" / name, seconds)
        write_table(root / "UrbanSound8K" / "metadata" / "UrbanSound8K.csv", URBANSOUND_COLUMNS, rows)
        return root

    return make


def table_of(
    labels: list[int], folds: list[int], recordings: list[str] | None = None, dataset: str = "esc10"
) -> ClipTable:
    """Return a ClipTable without any audio."""
    n = len(labels)
    frame = pd.DataFrame(
        {
            "clip_id": [f"clip{row:04d}" for row in range(n)],
            "path": [f"/nowhere/clip{row:04d}.wav" for row in range(n)],
            "label": np.array(labels, dtype=np.int64),
            "fold": np.array(folds, dtype=np.int64),
            "recording": recordings if recordings is not None else [f"recording{row:04d}" for row in range(n)],
            "duration": np.ones(n),
        }
    )
    return ClipTable(dataset, frame, tuple(f"class{label}" for label in range(max(labels) + 1)), "0" * 64)


@pytest.fixture
def make_table() -> Callable[..., ClipTable]:
    return table_of


@pytest.fixture
def wav() -> Callable[..., None]:
    return write_wav


@dataclass
class Shelf:
    """What the local server offers and how it misbehaves; ``log`` gathers (status, Range header) of each answer."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    tell_length: bool = True
    stop_after: list[int] = field(default_factory=list)
    refuse: list[int] = field(default_factory=list)
    log: list[tuple[int, str]] = field(default_factory=list)

    def put(self, name: str, content: bytes, etag: str = '"one"') -> str:
        self.files[f"/{name}"], self.etags[f"/{name}"] = content, etag
        return f"{self.address}/{name}"


def _handler(shelf: Shelf) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            if shelf.refuse:
                self._answer(shelf.refuse.pop(0), b"", asked)
                return
            content = shelf.files.get(self.path)
            if content is None:
                self._answer(404, b"", asked)
                return
            etag = shelf.etags[self.path]
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
            if not asked or not shelf.ranges or self.headers.get("If-Range", etag) != etag:
                self._answer(200, content, asked, etag=etag)
            elif start >= len(content):
                self._answer(416, b"", asked, place=f"bytes */{len(content)}")
            else:
                place = f"bytes {start}-{len(content) - 1}/{len(content)}"
                self._answer(206, content[start:], asked, etag=etag, place=place)

        def _answer(self, status: int, content: bytes, asked: str, etag: str = "", place: str = "") -> None:
            shelf.log.append((status, asked))
            self.send_response(status)
            if etag:
                self.send_header("ETag", etag)
            if place:
                self.send_header("Content-Range", place)
            if shelf.tell_length:
                self.send_header("Content-Length", str(len(content)))
            self.send_header("Connection", "close")
            self.end_headers()
            stop = shelf.stop_after.pop(0) if shelf.stop_after and content else len(content)
            self.wfile.write(content[:stop])
            self.close_connection = True

    return Handler


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    """Return a web server on 127.0.0.1 that answers Range requests and can be told to break off."""
    offer = Shelf()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(offer))
    offer.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield offer
    server.shutdown()
    server.server_close()
    thread.join(timeout=5)


@pytest.fixture(scope="session")
def esc10(esc_root: Path) -> ClipTable:
    """Return the clips of the real ESC-10."""
    return load_clips(DataSection(dataset="esc10"), esc_root)


@pytest.fixture(scope="session")
def urbansound(urbansound_root: Path) -> ClipTable:
    """Return the clips of folds 1, 2 and 10 of the real UrbanSound8K."""
    return load_clips(DataSection(dataset="urbansound8k", folds=(1, 2, 10)), urbansound_root)
