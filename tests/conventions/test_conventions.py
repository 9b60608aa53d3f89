"""Conventions against hand-worked numbers, proven identities, and their own other forms."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from momentum.conventions import CONVENTIONS, SPEAKERS, Convention, Hyper, get

ALL = list(CONVENTIONS.values())
DECAYS = ("coupled", "before", "simultaneous", "after")


def rationals() -> st.SearchStrategy[fmpq]:
    return st.builds(fmpq, st.integers(-20, 20), st.integers(1, 12))


def positive() -> st.SearchStrategy[fmpq]:
    return st.builds(fmpq, st.integers(1, 11), st.just(12))


@st.composite
def hypers(draw: st.DrawFn, convention: Convention, decay: bool = True) -> Hyper:
    return Hyper(
        lr=draw(positive()),
        momentum=draw(positive()),
        dampening=draw(positive()) if "dampening" in convention.takes else 0,
        weight_decay=draw(positive() | st.just(fmpq(0))) if decay else fmpq(0),
        nesterov="nesterov" in convention.takes and draw(st.booleans()),
        maximize=draw(st.booleans()),
        nu=draw(positive()),
    )


def walk(
    step: Any, initial: Any, theta: fmpq, grads: Sequence[fmpq], hypers: Sequence[Hyper]
) -> list[fmpq]:
    path, state = [], initial
    for grad, h in zip(grads, hypers):
        theta, state = step(theta, grad, state, h)
        path.append(theta)
    return path


def path(convention: Convention, theta: Any, grads: Any, hypers: Any) -> list[fmpq]:
    return walk(convention.step, convention.initial, theta, grads, hypers)


# Responses to the gradients of minimal probes, worked by hand: (momentum 1/2, start 0).
HAND = {
    ("accumulated", False): ([1, 0], [1, 0], ["-1", "-1"]),
    ("zero_started", False): ([1, 0], [1, 0], ["-1", "-1"]),
    ("scaled", False): ([1, 0], [1, 0], ["-1", "-3/2"]),
    ("accumulated", True): ([1, 0], [1, 1], ["-3/2", "-7/4"]),
    ("scaled", True): ([1, 0], [1, 0], ["-3/2", "-7/4"]),
    ("averaged", False): ([1, 0], [1, 1], ["-1/2", "-3/4"]),
    ("averaged", True): ([1, 0], [1, 1], ["-3/4", "-7/8"]),
    ("averaged_debiased", False): ([1, 0], [1, 1], ["-1", "-4/3"]),
    ("two_point", False): ([1, 0], [1, 0], ["-1", "-3/2"]),
    ("look_ahead", False): ([1, 0], [1, 0], ["-1", "-3/2"]),
    ("quasi_hyperbolic", False): ([1, 0], [1, 1], ["-3/4", "-7/8"]),  # nu = 1/2
}


@pytest.mark.parametrize(("name", "nesterov"), HAND)
def test_convention_follows_the_hand_worked_response(name: str, nesterov: bool) -> None:
    grads, rates, wanted = HAND[name, nesterov]
    half = fmpq(1, 2)
    steps = [Hyper(lr=fmpq(r), momentum=half, nesterov=nesterov, nu=half) for r in rates]
    got = path(get(name), fmpq(0), [fmpq(g) for g in grads], steps)
    assert [str(x) for x in got] == wanted


@pytest.mark.parametrize("name", ["accumulated", "zero_started"])
def test_dampening_spares_the_first_step_only_where_it_must(name: str) -> None:
    half = fmpq(1, 2)
    h = Hyper(lr=fmpq(1), momentum=half, dampening=half)
    got = path(get(name), fmpq(0), [fmpq(1), fmpq(1)], [h, h])
    wanted = {"accumulated": ["-1", "-2"], "zero_started": ["-1/2", "-5/4"]}[name]
    assert [str(x) for x in got] == wanted


@pytest.mark.parametrize(
    ("decay", "wanted"),
    [
        ("coupled", ["3/4", "7/16"]),  # v: 1/2, then 1/4 + 3/8 = 5/8; x: 3/4, 3/4 - 5/16 = 7/16
        ("before", ["3/4", "9/16"]),
        ("simultaneous", ["3/4", "9/16"]),
        ("after", ["3/4", "9/16"]),
    ],
)
def test_decay_shrinks_the_parameter_without_gradient(decay: str, wanted: list[str]) -> None:
    half = fmpq(1, 2)
    h = Hyper(lr=half, momentum=half, weight_decay=half)
    got = path(get("accumulated").with_decay(decay), fmpq(1), [fmpq(0)] * 2, [h, h])
    assert [str(x) for x in got] == wanted


def test_decay_after_the_step_also_shrinks_the_step() -> None:
    h = Hyper(lr=fmpq(1, 10), weight_decay=fmpq(1, 2))
    for decay, wanted in (("before", "17/20"), ("simultaneous", "17/20"), ("after", "171/200")):
        got = path(get("accumulated").with_decay(decay), fmpq(1), [fmpq(1)], [h])
        assert str(got[0]) == wanted


@pytest.mark.parametrize("decay", DECAYS)
@pytest.mark.parametrize("convention", ALL, ids=lambda c: c.name)
@settings(max_examples=40)
@given(data=st.data())
def test_forms_are_one_rule_in_exact_arithmetic(
    convention: Convention, decay: str, data: st.DataObject
) -> None:
    convention = convention.with_decay(decay)
    theta, state = data.draw(rationals()), convention.initial
    for _ in range(4):
        grad, h = data.draw(rationals()), data.draw(hypers(convention))
        ends = [form(theta, grad, state, h) for form in convention.all_forms(h)]
        assert len({(str(x), str(s)) for x, s in ends}) == 1
        theta, state = ends[0]


@given(data=st.data(), theta=rationals())
def test_two_point_equals_scaled_under_every_schedule(data: st.DataObject, theta: fmpq) -> None:
    """With a constant momentum of the last difference."""
    steps = [data.draw(hypers(get("two_point"), decay=False)) for _ in range(5)]
    grads = [data.draw(rationals()) for _ in steps]
    assert path(get("two_point"), theta, grads, steps) == path(get("scaled"), theta, grads, steps)


@given(data=st.data(), theta=rationals())
def test_averaged_equals_zero_started_with_the_rate_shrunk(
    data: st.DataObject, theta: fmpq
) -> None:
    """A rate of lr (1 - momentum), constant momentum, any schedule of lr."""
    momentum, nesterov = data.draw(positive()), data.draw(st.booleans())
    rates = data.draw(st.lists(positive(), min_size=1, max_size=6))
    grads = [data.draw(rationals()) for _ in rates]
    a = [Hyper(lr=r, momentum=momentum, nesterov=nesterov) for r in rates]
    b = [h._replace(lr=h.lr * (1 - momentum)) for h in a]
    assert path(get("averaged"), theta, grads, a) == path(get("zero_started"), theta, grads, b)


@given(data=st.data(), theta=rationals())
def test_quasi_hyperbolic_spans_from_plain_descent_to_the_average(
    data: st.DataObject, theta: fmpq
) -> None:
    """Ma and Yarats 2019, section 3: nu = 0 is plain descent, nu = 1 the average."""
    steps = [data.draw(hypers(get("quasi_hyperbolic"), decay=False)) for _ in range(4)]
    grads = [data.draw(rationals()) for _ in steps]
    for nu, other in ((0, "zero_started"), (1, "averaged")):
        mine = [h._replace(nu=fmpq(nu)) for h in steps]
        theirs = [h._replace(momentum=fmpq(0)) for h in steps] if nu == 0 else steps
        got = path(get("quasi_hyperbolic"), theta, grads, mine)
        assert got == path(get(other), theta, grads, theirs)


@given(data=st.data(), theta=rationals())
def test_scaled_nesterov_walks_on_the_look_ahead_points(data: st.DataObject, theta: fmpq) -> None:
    """The point y = x - momentum v, at a constant momentum and any schedule of lr."""
    momentum, curvature = data.draw(positive()), data.draw(rationals())
    rates = data.draw(st.lists(positive(), min_size=1, max_size=5))
    ahead, nag = get("look_ahead"), get("scaled")
    x, state, y, other = theta, ahead.initial, theta, nag.initial
    for rate in rates:
        h = Hyper(lr=rate, momentum=momentum)
        point = ahead.gradient_point(x, state, h)
        assert point == y
        x, state = ahead.step(x, curvature * point, state, h)
        y, other = nag.step(y, curvature * y, other, h._replace(nesterov=True))


@given(data=st.data(), theta=rationals())
def test_conventions_agree_at_constant_rate_and_differ_under_a_schedule(
    data: st.DataObject, theta: fmpq
) -> None:
    momentum, rate = data.draw(positive()), data.draw(positive())
    h = Hyper(lr=rate, momentum=momentum)
    grads = [data.draw(rationals().filter(bool)) for _ in range(3)]
    names = ("accumulated", "zero_started", "scaled", "two_point")
    paths = [path(get(n), theta, grads, [h] * 3) for n in names]
    assert all(p == paths[0] for p in paths)
    turned = [h, h._replace(lr=rate / 2), h]
    assert path(get("scaled"), theta, grads, turned) != path(
        get("zero_started"), theta, grads, turned
    )


@pytest.mark.parametrize("convention", ALL, ids=lambda c: c.name)
@given(data=st.data())
def test_maximize_is_descent_on_the_turned_gradient(
    convention: Convention, data: st.DataObject
) -> None:
    steps = [data.draw(hypers(convention)) for _ in range(3)]
    grads, theta = [data.draw(rationals()) for _ in steps], data.draw(rationals())
    turned = [h._replace(maximize=not h.maximize) for h in steps]
    assert path(convention, theta, grads, steps) == path(
        convention, theta, [-g for g in grads], turned
    )


@pytest.mark.parametrize("convention", ALL, ids=lambda c: c.name)
def test_rules_run_over_floats_and_arrays_and_change_nothing(convention: Convention) -> None:
    h = Hyper(lr=0.5, momentum=0.5, weight_decay=0.5, nu=0.5)
    theta, grad = np.array([1.0, 2.0]), np.array([0.5, -1.0])
    kept = theta.copy(), grad.copy()
    state, plain = convention.initial, [convention.initial, convention.initial]
    now, scalars = theta, [1.0, 2.0]
    for _ in range(3):
        now, state = convention.step(now, grad, state, h)
        for i in range(2):
            scalars[i], plain[i] = convention.step(scalars[i], float(grad[i]), plain[i], h)
    assert list(now) == scalars
    assert np.array_equal(theta, kept[0])
    assert np.array_equal(grad, kept[1])


@pytest.mark.parametrize("speaker", SPEAKERS)
def test_get_knows_every_speaker(speaker: str) -> None:
    convention = get(speaker)
    assert speaker in CONVENTIONS[convention.name].spoken_by
    assert get(convention.full_name) == convention


def test_get_takes_a_kind_of_decay_and_keeps_objects() -> None:
    assert get("scaled:after").decay == "after"
    assert get("torch:before") == get("timm")
    assert get(get("scaled")) is get("scaled")


def test_get_takes_what_is_always_in_nesterovs_form() -> None:
    """v = g = 4; x = 8 - (4 + 4 / 2) / 2 = 5, whatever is set."""
    h = Hyper(lr=fmpq(1, 2), momentum=fmpq(1, 2))
    always = get("torch:before:nesterov")
    always.validate(Hyper(0.1, 0.9, nesterov=True))
    theta, _ = always.step(fmpq(8), fmpq(4), always.initial, h)
    assert theta == 5
    assert get(always.full_name).full_name == always.full_name == "accumulated:before:nesterov"
    with pytest.raises(ValueError, match="no Nesterov's form"):
        get("quasi_hyperbolic:nesterov")


def test_get_takes_what_covers_a_difference_of_iterates() -> None:
    """It is the same rule, with one more form where the velocity moves."""
    h = Hyper(lr=fmpq(1, 2), momentum=fmpq(1, 2))
    plain, wider = get("keras"), get("keras:differences")
    assert get(wider.full_name).full_name == wider.full_name == "scaled:before:differences"
    assert get("torch:differences:nesterov").full_name == "accumulated:differences:nesterov"
    assert len(wider.all_forms(h)) == len(plain.all_forms(h)) + 1
    state = plain.initial._replace(step=3, v=fmpq(2))
    ends = {form(fmpq(8), fmpq(4), state, h) for form in wider.all_forms(h)}
    assert len(ends) == 1  # 8 - (2 / 2 + 4 / 2)
    assert ends.pop()[0] == 5
    for still in (h._replace(lr=0), h._replace(momentum=0), h._replace(nesterov=True)):
        assert len(wider.all_forms(still)) == len(plain.all_forms(still))
    with pytest.raises(ValueError, match="averaged has no forms whose velocity is a difference"):
        get("averaged:differences")


@pytest.mark.parametrize("name", ["nadam", "scaled:later", ""])
def test_get_refuses_unknown_names_and_lists_the_known(name: str) -> None:
    with pytest.raises(ValueError, match="known are"):
        get(name)


@pytest.mark.parametrize("convention", ALL, ids=lambda c: c.name)
def test_conventions_refuse_what_they_do_not_take(convention: Convention) -> None:
    for name, value in (("dampening", 0.5), ("nesterov", True)):
        h = Hyper(lr=0.1, momentum=0.9)._replace(**{name: value})
        if name in convention.takes:
            convention.validate(h)
        else:
            with pytest.raises(ValueError, match=f"{convention.name} has no {name}"):
                convention.validate(h)


@pytest.mark.parametrize("convention", ALL, ids=lambda c: c.name)
def test_convention_records_are_complete(convention: Convention) -> None:
    assert convention.formula
    assert convention.source.text


def test_get_tells_whose_conventions_are_known_where_no_name_is_near() -> None:
    with pytest.raises(ValueError, match=r"known are accumulated, .*whose: .*keras") as far:
        get("qqqqqqqq")
    assert "did you mean" not in str(far.value)
    with pytest.raises(ValueError, match="did you mean 'keras'") as near:
        get("kears")
    assert "or say whose" not in str(near.value)
