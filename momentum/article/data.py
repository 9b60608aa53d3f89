"""The article's regression data: NASA airfoil self-noise, or a stand-in where it is out of reach.

Looked for in this order: the folder that the environment variable MOMENTUM_DATA names, the user's
cache, the UCI Machine Learning Repository (once, kept in the cache), the embedded stand-in. Either
line end is accepted: the file is checked by its SHA-256 after CRLF has become LF. The publisher
may move the file; then the stand-in serves, and the output says so.

Source: Brooks, Pope and Marcolini 1989, NASA RP-1218; DOI 10.24432/C5VW2C, CC BY 4.0.
"""

import hashlib
import logging
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from numpy.typing import NDArray

from momentum.article import standin
from momentum.errors import UsageError

FILE = "airfoil_self_noise.dat"
VARIABLE = "MOMENTUM_DATA"
URL = "https://archive.ics.uci.edu/ml/machine-learning-databases/00291/" + FILE
SHA256 = "10ee06e6cfb27dae6b44213d421d217012fb1f9b697592e73a4e4016b52d425f"  # with LF
SECONDS = 5  # patience with a server that does not answer


@dataclass(frozen=True)
class Regression:
    """Rows of a linear regression, standardised, and where they came from.

    Shapes: features (n, 5), targets (n,).
    """

    features: NDArray[np.float64]
    targets: NDArray[np.float64]
    origin: str

    @cached_property
    def moments(self) -> NDArray[np.float64]:
        """(1/n) A^T A with A = [features, 1, targets]. Shapes: (7, 7)."""
        ones = np.ones((len(self.targets), 1))
        columns = np.hstack([self.features, ones, self.targets[:, None]])
        return np.asarray(columns.T @ columns / len(columns))

    @property
    def curvature(self) -> NDArray[np.float64]:
        """Eigenvalues of the loss's Hessian (1/n) [X, 1]^T [X, 1], ascending. Shapes: (6,)."""
        return np.asarray(np.linalg.eigvalsh(self.moments[:-1, :-1]))

    @property
    def optimum(self) -> float:
        """Least value of the loss (1/2n) |X w + b - y|^2.

        (M_yy - M_yx M_xx^{-1} M_xy) / 2
        """
        matrix, cross = self.moments[:-1, :-1], self.moments[:-1, -1]
        return float(self.moments[-1, -1] - cross @ np.linalg.solve(matrix, cross)) / 2

    def loss(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Loss over all rows, for weights and bias at once: c^T M c / 2, c = (w, b, -1).

        Shapes: theta (..., 6) -> (...).
        """
        c = np.concatenate([theta, -np.ones((*theta.shape[:-1], 1))], axis=-1)
        return np.asarray(np.einsum("...i,ij,...j->...", c, self.moments, c) / 2)


def load() -> Regression:
    """The airfoil data, or the stand-in.

    Raises: UsageError where MOMENTUM_DATA names a folder without the file, or with another one.
    """
    folder = os.environ.get(VARIABLE)
    if folder:
        path = Path(folder) / FILE
        if not path.is_file():
            raise UsageError(f"{VARIABLE} = {folder}: no file {FILE} in this folder")
        text = _checked(path)
        if text is None:
            raise UsageError(f"{path}: not the airfoil data, its checksum differs")
        return standardised(text, f"airfoil self-noise data (from {VARIABLE})")
    text = _cached_or_downloaded()
    if text is not None:
        return standardised(text, "airfoil self-noise data (from the cache)")
    return stand_in()


def stand_in() -> Regression:
    """The generated data with the airfoil's second moments."""
    rows = standin.rows()
    origin = "stand-in: generated rows with the second moments of the airfoil data"
    return Regression(rows[:, :-1], rows[:, -1], origin)


def standardised(text: bytes, origin: str) -> Regression:
    """Columns to mean 0 and population standard deviation 1 over all rows; the first 1500 kept.

    Rounded to float32, the format in which the article trains. Shapes: see Regression.
    """
    table = np.loadtxt(text.decode("ascii").splitlines(), dtype=np.float64)
    scaled = (table - table.mean(axis=0)) / table.std(axis=0)
    kept = scaled[: standin.ROWS].astype(np.float32).astype(np.float64)
    return Regression(kept[:, :-1], kept[:, -1], origin)


def _with_lf(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n")


def _checked(path: Path) -> bytes | None:
    """The file's text with LF line ends, or None where it is missing or not the data."""
    if not path.is_file():
        return None
    text = _with_lf(path.read_bytes())
    return text if hashlib.sha256(text).hexdigest() == SHA256 else None


def _cache() -> Path:
    return platformdirs.user_cache_path("momentum")


def _cached_or_downloaded() -> bytes | None:
    cache = _cache()
    text = _checked(cache / FILE)
    if text is not None:
        return text
    try:
        import pooch
    except ImportError:
        return None
    fetch = pooch.HTTPDownloader(timeout=SECONDS)

    def fetch_with_lf(url: str, output_file: Any, pooch: Any) -> None:
        """Download with LF line ends, so that one checksum covers both published variants."""
        fetch(url, output_file, pooch)
        path = Path(output_file)
        path.write_bytes(_with_lf(path.read_bytes()))

    pooch.get_logger().setLevel(logging.CRITICAL)
    try:
        pooch.retrieve(
            URL, known_hash=f"sha256:{SHA256}", fname=FILE, path=cache, downloader=fetch_with_lf
        )
    except (OSError, ValueError):  # no network, no server, no cache folder; a wrong checksum
        return None
    return _checked(cache / FILE)
