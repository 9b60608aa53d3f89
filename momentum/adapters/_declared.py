"""Optimizers whose constructor says by names what it takes: facts and runs of most frameworks."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from momentum.adapters import _shared
from momentum.adapters._libraries import Claims, Library
from momentum.adapters._run import COPIES, OF_GRADIENTS, ArrayRun
from momentum.adapters._shared import fitted
from momentum.adapters.plain import PlainSubject
from momentum.conventions import Hyper
from momentum.conventions.hyper import NUMBERS
from momentum.subjects.protocol import Array, Facts


class Stated(Claims, total=False):
    """Facts of an optimizer beside its hyper-parameters."""

    dtypes: tuple[str, ...]
    offers: frozenset[str]
    none_gradients: bool
    scalars: bool


@dataclass(frozen=True)
class Declared:
    """An optimizer whose constructor takes hyper-parameters by name.

    names: those that vary: our name -> its own. kept: all other arguments of the constructor.
    """

    function: Callable[..., object]
    facts: Facts
    names: Mapping[str, str]
    kept: Mapping[str, object]

    def arguments(self, h: Hyper) -> dict[str, Any]:
        """All keyword arguments for these hyper-parameters.

        Raises: ValueError where one differs from what can be had.
        """
        return {**_shared.arguments(h, self.names, self.facts.fixed), **self.kept}

    def made(self, h: Hyper, *arrays: object) -> Any:
        """What the constructor returns."""
        return self.function(*arrays, **self.arguments(h))


class DeclaredRun(ArrayRun):
    """A live run of a declared optimizer, which `begin` makes; `adapt` makes its subject.

    of_library: gives the kind of its arrays. leading: how many arguments of the constructor stand
    before the hyper-parameters. settable: those that may change in a run, where the constructor
    takes them. attributes: of the optimizer, into which they are then written: our name -> its own.
    offers: see OFFERS. options: those of `start` that `begin` takes by name.
    nesterov: names of those that have Nesterov's form for good, without an argument for it.
    """

    of_library: Callable[[], Library]
    leading = 0
    settable: Collection[str] = NUMBERS
    attributes: Mapping[str, str] = {}
    offers = COPIES | OF_GRADIENTS | {"state_bytes"}
    options: Collection[str] = ()
    nesterov: Collection[str] = ()

    def __init__(
        self,
        said: Declared,
        parameters: Sequence[Array],
        hyper: Hyper,
        dtype: str,
        **options: object,
    ) -> None:
        super().__init__(type(self).of_library(), parameters, dtype)
        self.said = said
        self.begin(hyper, **options)

    def begin(self, hyper: Hyper) -> None:
        """Make the optimizer of `theta`."""
        self.optimizer = self.said.made(hyper)

    def set(self, hyper: Hyper, group: int = 0) -> None:
        """Write them into the optimizer's attributes, as Python's own numbers."""
        for ours, attribute in self.attributes.items():
            setattr(self.optimizer, attribute, float(getattr(hyper, ours)))

    @classmethod
    def claims(cls, obj: object) -> Stated:
        """What is claimed of an optimizer beside its hyper-parameters."""
        library = cls.of_library()
        own: Stated = {"none_gradients": cls.takes_none, "offers": frozenset(cls.offers)}
        return {"dtypes": library.dtypes, **own, **library.claims}

    @classmethod
    def adapt(cls, obj: Callable[..., Any], fixed: Mapping[str, object], name: str) -> PlainSubject:
        """The subject of an optimizer's constructor.

        Raises: UsageError where a fixed argument is not taken, or another one is needed.
        """
        names, values, kept = fitted(obj, cls.leading, fixed, name)
        names, kept = _shared.parted(names, values, kept)
        always = {"nesterov": True} if getattr(obj, "__name__", "") in cls.nesterov else {}
        facts = Facts(
            name=name,
            hyper=frozenset(names),
            settable=frozenset(names) & frozenset(cls.settable),
            fixed={**values, **always},
            **cls.claims(obj),
        )
        said = Declared(obj, facts, names, kept)
        return PlainSubject(facts, partial(cls, said), frozenset(cls.options))
