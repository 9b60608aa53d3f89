"""What a convention is: a rule for one array, and the record of who wrote it and who speaks it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from momentum.arithmetic.number import Number
from momentum.conventions import _decay, _text
from momentum.conventions._inverse import Inverse
from momentum.conventions._response import Response
from momentum.conventions._rule import N, Rule, S, State
from momentum.conventions._speaker import Spelling
from momentum.conventions.hyper import EVERYWHERE, NEUTRAL
from momentum.conventions.hyper import Hyper as Hyper  # the convention files import it here
from momentum.errors import did_you_mean


class Source(NamedTuple):
    """Where a statement comes from: author, year, section or equation; or owner/repository#n."""

    text: str


NOWHERE = Source("")


def _here(theta: Number, state: State, h: Hyper) -> Number:
    return theta


OUTSIDE = "outside of the velocity: a new rate acts on all old gradients at once"
INSIDE = "inside the velocity: old gradients keep the rate they came with"


def _signed(rule: Rule) -> Rule:
    """The rule with the gradient's sign turned first of all where `maximize` is set."""

    def signed(theta: N, grad: Number, state: S, h: Hyper) -> tuple[N, S]:
        return rule(theta, -grad if h.maximize else grad, state, h)

    return signed


@dataclass(frozen=True)
class Convention:
    """One meaning of "momentum". Its name, its rule and what it takes are enough to check with.

    rule: as its authors write it. takes: hyper-parameters beyond lr, weight_decay and maximize that
    it knows. words: what is particular to
    it, as the cause of a failure. label: the head of a narrow column. source: who wrote it.
    speakers: implementations that follow it, and how each says it.
    rate, dampening: what these do in it, in words.
    alike: convention -> why a subject may not tell the two apart. contains: convention -> with
    which value of a hyper-parameter that the other lacks this one is it.
    forms: the same rule in other algebra, which rounds differently; the bound covers them all.
    differences: those whose velocity is a difference of iterates, where it has one.
    response: closed forms of how a gradient moves the parameter, where they are known.
    inverse: the rule solved for its hyper-parameters, where it can be converted into.
    gradient_point: where the gradient of a closed loop is taken.
    keeps_iterates: the state holds parameters, so moving a parameter beside the rule is felt later.
    address: where it was read from, if it is not one of the package. always_nesterov: whether it
    is the same in Nesterov's form whatever is set, see `in_nesterov_form`. covers_differences:
    whether the bound covers `differences`, see `with_differences`.
    """

    name: str
    rule: Rule
    takes: frozenset[str] = frozenset({"momentum"})
    words: str = ""
    label: str = ""
    source: Source = NOWHERE
    speakers: tuple[Spelling, ...] = ()
    rate: str = ""
    dampening: str = "honoured"
    alike: Mapping[str, str] = field(default_factory=dict)
    contains: Mapping[str, str] = field(default_factory=dict)
    forms: Callable[[Hyper], tuple[Rule, ...]] = lambda h: ()
    differences: Callable[[Hyper], tuple[Rule, ...]] | None = None
    response: Response | None = None
    inverse: Inverse | None = None
    gradient_point: Callable[[Any, Any, Hyper], Any] = _here
    initial: Any = field(default_factory=State)
    decay: str = "coupled"
    keeps_iterates: bool = False
    address: str = ""
    always_nesterov: bool = False
    covers_differences: bool = False

    @property
    def full_name(self) -> str:
        """Name, with what is not usual (`scaled:before`): kind of decay, forms, Nesterov's form."""
        unusual = {
            self.decay: self.decay != "coupled",
            "differences": self.covers_differences,
            "nesterov": self.always_nesterov,
        }
        return ":".join([self.name, *(word for word, there in unusual.items() if there)])

    @property
    def knows(self) -> frozenset[str]:
        """All hyper-parameters that it has."""
        return self.takes | EVERYWHERE

    def lacks(self, name: str, value: object) -> bool:
        """It has no meaning for a value, which is not what it does anyway."""
        idle = value == NEUTRAL.get(name, value) or (name == "nesterov" and self.always_nesterov)
        return name not in self.knows and not idle

    @property
    def formula(self) -> tuple[str, ...]:
        """The whole step as people read it, one line an assignment, from the rule itself."""
        return _text.formula(self)

    @property
    def reference(self) -> str:
        """What `get` reads it by."""
        return f"{self.address or self.name}{self.full_name.removeprefix(self.name)}"

    @property
    def spoken_by(self) -> Mapping[str, str]:
        """Implementations that follow it, each with its kind of weight decay."""
        return {speaker.name: speaker.decay for speaker in self.speakers}

    @property
    def in_words(self) -> str:
        """What is particular to it, and its name."""
        return f"{self.words or 'another rule'} (convention {self.name})"

    @property
    def looks_ahead(self) -> bool:
        """Its gradient is taken elsewhere than at the parameter."""
        return self.gradient_point is not _here

    def with_decay(self, kind: str) -> "Convention":
        """The same convention with another kind of weight decay.

        Raises: ValueError for an unknown kind.
        """
        if kind not in _decay.KINDS:
            known = f"known are {', '.join(_decay.KINDS)}{did_you_mean(kind, _decay.KINDS)}"
            raise ValueError(f"unknown weight decay {kind!r}: {known}")
        return replace(self, decay=kind)

    def in_nesterov_form(self) -> "Convention":
        """The same convention, always in Nesterov's form: for what takes no such flag.

        Raises: ValueError where it has none.
        """
        if "nesterov" not in self.takes:
            raise ValueError(f"convention {self.name} has no Nesterov's form to choose")

        def turned(h: Hyper) -> Hyper:
            return h._replace(nesterov=True)

        return replace(
            self,
            rule=lambda theta, grad, state, h: self.rule(theta, grad, state, turned(h)),
            forms=lambda h: self.forms(turned(h)),
            takes=self.takes - {"nesterov"},
            response=None,
            inverse=None,
            always_nesterov=True,
        )

    def with_differences(self) -> "Convention":
        """The same convention, whose bound covers a velocity that is a difference of iterates.

        Raises: ValueError where it has no such forms.
        """
        more = self.differences
        if more is None:
            raise ValueError(f"convention {self.name} has no forms whose velocity is a difference")
        return replace(self, forms=lambda h: (*self.forms(h), *more(h)), covers_differences=True)

    def step(self, theta: N, grad: Number, state: S, h: Hyper) -> tuple[N, S]:
        """One whole step: sign, decay, rule."""
        return _signed(_decay.KINDS[self.decay](self.rule))(theta, grad, state, h)

    def all_forms(self, h: Hyper) -> tuple[Rule, ...]:
        """The whole step in every algebraic form that an implementation may take."""
        decays = [self.decay]
        if h.weight_decay and not self.keeps_iterates and self.decay in _decay.EQUAL:
            decays = list(_decay.EQUAL)
        rules = (self.rule, *self.forms(h))
        return tuple(_signed(_decay.KINDS[kind](rule)) for rule in rules for kind in decays)

    def validate(self, h: Hyper) -> None:
        """Refuse hyper-parameters that this convention does not know.

        Raises: ValueError.
        """
        for name in NEUTRAL:
            value = getattr(h, name)
            if name != "momentum" and self.lacks(name, value):
                raise ValueError(f"convention {self.name} has no {name}: got {name}={value}")
