"""What a refused conversion offers, done by hand."""

from fractions import Fraction

import pytest

from momentum.arithmetic import exact
from momentum.conversion import Conversion, convert
from momentum.conversion.proof import row_at
from momentum.conversion.text import tell
from momentum.conversion.ways_out import others, rescaling


def dropped(source: str, target: str, **extra: object) -> Conversion:
    rows = [{"lr": lr, "momentum": "0.9", **extra} for lr in ("0.1", "0.1", "0.01", "0.05")]
    return convert(source, target, rows, steps=12)


@pytest.mark.parametrize(
    ("source", "target", "extra"),
    [
        ("keras", "torch", {"nesterov": True}),
        ("caffe", "optax", {"nesterov": True, "weight_decay": "0.01"}),
        ("keras", "timm", {"nesterov": True, "weight_decay": "0.01"}),
    ],
)
def test_a_velocity_rescaled_by_hand_trains_alike(
    source: str, target: str, extra: dict[str, object]
) -> None:
    refused = dropped(source, target, **extra)
    assert not refused.exists
    way = rescaling(refused)
    assert way is not None
    # lr outside of the velocity: lr_new (f v) = lr_old v.
    assert way.factors == {2: 10, 3: exact(Fraction(1, 5))}
    a, b = refused.source.convention, refused.target.convention
    x = y = exact(3)
    s, u = a.initial, b.initial
    for t in range(9):
        grad = exact(t * t - 5)
        if t in way.factors:
            u = u._replace(v=u.v * way.factors[t])
        x, s = a.step(x, grad, s, row_at(refused.source_hypers, t))
        y, u = b.step(y, grad, u, row_at(way.rows, t))
        assert x == y
    text = "\n".join(tell(refused))
    assert "multiplied by hand by old lr / new lr" in text


def test_no_rescaling_is_offered_where_it_does_not_do() -> None:
    assert rescaling(convert("torch", "d2l", [{"lr": "0"}, {"lr": "0.1"}])) is None
    constant = convert("keras", "keras2", {"lr": "0.1", "momentum": "0.9", "weight_decay": "0.01"})
    assert rescaling(constant) is None
    decayed = dropped("keras", "torch", nesterov=True, weight_decay="0.01")
    assert rescaling(decayed) is None


@pytest.mark.parametrize(
    ("source", "target", "extra"),
    [
        ("keras", "torch", {"weight_decay": "0.01", "nesterov": True}),
        ("keras", "keras2", {"weight_decay": "0.01"}),
        ("torch", "heavyball", {"weight_decay": "0.01", "nesterov": True}),
    ],
)
def test_whom_a_dead_end_names_can_take_the_recipe(
    source: str, target: str, extra: dict[str, object]
) -> None:
    recipe = {"lr": "0.1", "momentum": "0.9", **extra}
    refused = convert(source, target, recipe)
    assert not refused.exists
    named = others(refused)
    assert named
    assert not {source, target} & set(named)
    for name in named:
        assert convert(source, name, recipe).exists
    assert f"way out: it can be converted to {named[0]}" in "\n".join(tell(refused))


def test_an_api_without_decay_is_said_to_lack_it() -> None:
    recipe = {"lr": "0.1", "momentum": "0.9", "weight_decay": "0.01"}
    assert "jax would need weight decay, which it lacks" in str(
        convert("torch", "jax", recipe).remainder
    )


def test_who_dampens_nesterovs_form_follows_its_rate() -> None:
    """A rate inside the velocity that changes takes another square root at every step."""
    recipe = dropped("keras", "torch", nesterov=True, weight_decay="0.01")
    assert others(recipe) == ["burn", "onnx", "pytorch_optimizer"]
