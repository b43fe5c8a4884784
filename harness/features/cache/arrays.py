"""Reading an untrusted array file: nothing is unpickled, and only numbers are returned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TYPES = (np.dtype("<f4"), np.dtype("<i8"))


def open_array(path: Path | str) -> NDArray[Any]:
    """Return the array in the ``.npy`` file ``path``, memory-mapped: float32 or int64, of any shape, in C order.

    Raises
    ------
    OSError
        When the file is missing or cannot be read.
    ValueError
        When it is not such a file, is truncated, or holds anything else; the message says what.
    """
    try:
        # A crafted shape may overflow before it is refused.
        with np.errstate(over="ignore"):
            array: NDArray[Any] = np.lib.format.open_memmap(path, mode="r")
    except OSError:
        raise
    except Exception as error:
        # A header is a Python literal, which can be invalid in many ways.
        raise ValueError(f"not an array file, or truncated ({str(error).splitlines()[0][:200]})") from None
    if array.dtype not in _TYPES:
        raise ValueError(f"its dtype is {str(array.dtype)[:50]}, not float32 or int64")
    if not array.flags.c_contiguous:
        raise ValueError("it is stored in Fortran order, not in C order")
    return array
