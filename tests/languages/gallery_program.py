"""A defect of the gallery behind the process protocol: python gallery_program.py NAME."""

import base64
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np

from momentum.conventions import Hyper
from momentum.gallery import GALLERY
from momentum.languages.protocol import OFFERED, OPTIONS

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
from speak import Refused, serve

SUBJECT: Any = GALLERY[sys.argv[1]].build()
FACTS = SUBJECT.facts


class Run:
    """A run of the defect; the arrays' shapes are kept, since a gradient comes without."""

    def __init__(
        self, parameters: Any, hyper: Any, dtype: str, shapes: Any, groups: Any, options: Any
    ) -> None:
        self.shapes = shapes
        given = self._arrays(parameters), _hypers(hyper), dtype, groups, options
        try:
            self.run = SUBJECT.start(*given)
        except ValueError as error:
            raise Refused(str(error)) from None
        if "point" in FACTS.offers:
            self.point = lambda: _flat(self.run.point())

    def _arrays(self, rows: Any) -> list[Any]:
        return [None if x is None else np.reshape(x, s) for x, s in zip(rows, self.shapes)]

    def step(self, gradients: Any) -> None:
        self.run.step(self._arrays(gradients))

    def set(self, hyper: Any) -> None:
        """Tell it what has changed, group by group, as in process."""
        for g, h in enumerate(_hypers(hyper)):
            self.run.set(h, g)

    def parameters(self) -> Any:
        return _flat(self.run.parameters())

    def save(self) -> Any:
        return base64.b64encode(pickle.dumps(self.run.save())).decode()

    def load(self, saved: str) -> None:
        self.run.load(pickle.loads(base64.b64decode(saved)))

    def place(self, values: Any) -> None:
        self.run.place(self._arrays(values))

    def restart(self) -> None:
        self.run.restart()


def _hypers(rows: Any) -> list[Hyper]:
    return [Hyper(**row) for row in rows]


def _flat(arrays: Any) -> list[Any]:
    return [np.ravel(x).tolist() for x in arrays]


serve(
    Run,
    dtypes=list(FACTS.dtypes),
    hyper=sorted(FACTS.hyper),
    settable=sorted(FACTS.settable),
    groups=True,
    none_gradients=FACTS.none_gradients,
    scalars=FACTS.scalars,
    empty=FACTS.empty,
    offers=sorted(FACTS.offers & OFFERED),
    options=[name for name, offer in OPTIONS.items() if offer in FACTS.offers],
)
