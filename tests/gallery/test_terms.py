"""The terms that wrong rules are made of: with a convention's own they are its own rule."""

import pytest
from flint import fmpq

from momentum.conventions import Hyper
from momentum.gallery.wrong import _terms as terms

H = Hyper(*(fmpq(k, 7) for k in (1, 3, 2, 5)))
OWN = {
    "accumulated": terms.velocity(lambda d, s, h: h.momentum * s.v + (1 - h.dampening) * d),
    "scaled": terms.velocity(
        lambda d, s, h: h.momentum * s.v + h.lr * d, first=True, by=terms.moved_scaled
    ),
}


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("name", OWN)
def test_the_own_velocity_makes_the_own_step(name: str, nesterov: bool) -> None:
    h = H._replace(nesterov=nesterov)
    x = y = fmpq(5, 3)
    state = other = terms.State()
    for grad in (fmpq(2), fmpq(-1, 3), fmpq(4, 5)):
        x, state = terms.RULE[name](x, grad, state, h)
        y, other = OWN[name](y, grad, other, h)
        assert (x, state) == (y, other)


def test_what_is_exchanged_is_all_that_changes() -> None:
    grad, first = fmpq(2), terms.State()
    _, state = terms.ACCUMULATED(fmpq(1), grad, first, H)
    own, left = terms.ACCUMULATED(fmpq(1), grad, state, H)
    d = grad + H.weight_decay
    made = {
        "hyper": terms.hyper(lambda h: h),
        "gradient": terms.gradient(lambda x, g, s, h: terms.decayed(x, g, h)),
        "found": terms.found(lambda s, h: s),
        "left": terms.left(lambda old, new, h: new),
        "fed": terms.fed(lambda g: g),
        "landed": terms.landed(lambda end, x, g, s, h: end),
        "look": terms.look(lambda d, v, s, h: h.lr * (d + h.momentum * v)),
        "update": terms.update(lambda d, new, old, h: h.lr * new.v, "accumulated"),
    }
    for name, rule in made.items():
        assert rule(fmpq(1), grad, state, H) == (own, left), name
    looked, _ = made["look"](fmpq(1), grad, state, H._replace(nesterov=True))
    assert looked == 1 - H.lr * (d + H.momentum * left.v)


@pytest.mark.parametrize(("first", "wanted"), [(False, [1, 1, 2]), (True, [1, 1, 1])])
def test_a_number_is_of_the_step_before_or_of_the_first(first: bool, wanted: list[int]) -> None:
    known: list[int] = []

    def step(number: int, *given: object) -> object:
        known.append(number)
        return terms.ACCUMULATED(*given)

    rule = terms.recalled(lambda x, s, h: int(s.step + 1), step, first)
    x, state = fmpq(1), terms.State()
    for _ in range(3):
        x, state = rule(x, fmpq(1), state, H)
    assert known == wanted
