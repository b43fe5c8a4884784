"""Where the files of a data set are below the data root: in the authors' layout, or in one that copies of it have.

A copy in another layout is read where that is safe: when every file that its metadata names is there.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.data.inventory import ClipEntry, Inventory, dataset_folder, folder_names
from harness.errors import DataError
from harness.registry import Dataset


@dataclass(frozen=True)
class Arrangement:
    """Where metadata and audio are in the folder of a data set.

    Attributes
    ----------
    metadata
        Path of the metadata file.
    audio
        Folder of a clip; names in braces are filled in for each.
    name
        What messages call the arrangement; empty for the authors'.
    """

    metadata: str
    audio: str
    name: str = ""

    @property
    def fixed_audio(self) -> str:
        """The part of ``audio`` before the first name in braces."""
        return self.audio.partition("{")[0]


@dataclass(frozen=True)
class Place:
    """A copy of a data set.

    Attributes
    ----------
    folder
        Its folder.
    arrangement
        How its files are arranged there.
    layout
        What differs from the authors' layout, in words; empty when nothing does.
    renamed
        Whether no more differs than the name of the folder.
    """

    folder: Path
    arrangement: Arrangement
    layout: str = ""
    renamed: bool = False

    @property
    def metadata(self) -> Path:
        """The metadata file."""
        return self.folder / self.arrangement.metadata

    def audio(self, file: str, **parts: object) -> Path:
        """Return the path of an audio file; ``parts`` fill in the braces of the arrangement."""
        return self.folder / self.arrangement.audio.format(**parts) / file

    def inventory(self, dataset: Dataset, classes: Sequence[str], entries: Sequence[ClipEntry]) -> Inventory:
        """Return the inventory of ``entries`` as :meth:`checked`; classes without one are its absent ones."""
        used = {entry.label for entry in entries}
        absent = tuple(name for label, name in enumerate(classes) if label not in used)
        return self.checked(Inventory(dataset, self.folder, self.metadata, tuple(classes), tuple(entries), absent))

    def checked(self, inventory: Inventory) -> Inventory:
        """Return ``inventory``, of this place, with its layout.

        Raises
        ------
        DataError
            When the layout is not the authors' and not every named file is there.
        """
        if self.layout and not self.renamed:
            present = {entry.path for entry in inventory.present()}
            missing = [entry for entry in inventory.entries if entry.path not in present]
            if missing:
                raise DataError(
                    f"{self.folder}: looks like {inventory.dataset.title} in another layout ({self.layout}), but "
                    f"{len(missing)} of {len(inventory.entries)} files are not there, the first is {missing[0].path} "
                    f"(named in {missing[0].origin}); put them there, or arrange the data set as its authors did"
                )
        return replace(inventory, layout=self.layout)


def find_place(dataset: Dataset, root: Path, arrangements: Sequence[Arrangement]) -> Place:
    """Return where ``dataset`` is: below ``root``, nested in a folder of its name, or ``root`` itself.

    Parameters
    ----------
    dataset : Dataset
        The data set.
    root : Path
        The data root.
    arrangements : sequence of Arrangement
        The authors' first, then those of known copies. Of several with the same metadata, the first whose folder of
        audio is there counts.

    Raises
    ------
    DataError
        When it is at none of these places.
    """
    for folder, where in _folders(dataset, root):
        possible = [arrangement for arrangement in arrangements if (folder / arrangement.metadata).is_file()]
        if possible:
            arrangement = next((each for each in possible if (folder / each.fixed_audio).is_dir()), possible[0])
            layout = ", ".join(filter(None, (where, arrangement.name)))
            return Place(folder, arrangement, layout, not arrangement.name and folder.parent == root)
    return Place(dataset_folder(dataset, root), arrangements[0])


def _folders(dataset: Dataset, root: Path) -> Iterator[tuple[Path, str]]:
    """Yield the folders that may hold a data set, each with what is unusual about it."""
    usual, *others = folder_names(dataset)
    yield root / usual, ""
    for name in others:
        yield root / name, f"{name}/ instead of {usual}/"
    for outer, inner in itertools.product((usual, *others), repeat=2):
        yield root / outer / inner, f"nested as {outer}/{inner}/"
    yield root, f"the data root itself instead of a folder {usual}/ in it"
