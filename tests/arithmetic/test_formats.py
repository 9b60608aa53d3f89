"""Formats against NumPy's and torch's own types and conversions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum.arithmetic import FORMATS, Format, format_of

NATIVE = {"float64": np.float64, "float32": np.float32, "float16": np.float16}


@pytest.mark.parametrize("name", NATIVE)
def test_formats_have_the_constants_of_numpy(name: str) -> None:
    info, format = np.finfo(NATIVE[name]), FORMATS[name]
    assert format.u == float(info.eps) / 2
    assert format.smallest_subnormal == float(info.smallest_subnormal)
    assert format.smallest_normal == float(info.smallest_normal)
    assert format.largest == float(info.max)


def test_formats_have_the_constants_of_torch_bfloat16() -> None:
    torch = pytest.importorskip("torch")
    info, format = torch.finfo(torch.bfloat16), FORMATS["bfloat16"]
    assert format.u == info.eps / 2
    assert format.smallest_normal == info.smallest_normal
    assert format.largest == info.max
    assert format.smallest_subnormal == 2.0**-133  # 2^(2 - 127 - 8)


def floats_near(format: Format) -> st.SearchStrategy[float]:
    """Floats with an interesting place in the format: ties, limits, subnormals, anything."""
    near = st.sampled_from(
        [format.largest, format.smallest_normal, format.smallest_subnormal, 1.0, 0.0]
    )
    ties = st.builds(
        lambda m, e, s: s * m * 2.0**e,
        st.integers(0, 2**12),
        st.integers(-145, 110),
        st.sampled_from([-1.0, 1.0]),
    )
    nudged = st.builds(lambda x, k: x * (1 + k * 2.0**-52), near, st.integers(-4, 4))
    return st.floats(width=64) | ties | nudged


@pytest.mark.parametrize("name", ["float32", "float16"])
@given(data=st.data())
def test_round_equals_numpys_conversion(name: str, data: st.DataObject) -> None:
    x = data.draw(floats_near(FORMATS[name]))
    with np.errstate(all="ignore"):
        wanted = float(np.float64(x).astype(NATIVE[name]))
        got = float(FORMATS[name]._round_any(np.array(x)))
    assert np.array_equal(got, wanted, equal_nan=True)


@given(floats_near(FORMATS["bfloat16"]))
def test_round_equals_the_slow_way_in_bfloat16(x: float) -> None:
    format = FORMATS["bfloat16"]
    with np.errstate(all="ignore"):
        slow = format._round_any(np.array(x))
    assert np.array_equal(format.round(x), slow, equal_nan=True)


@given(st.floats(width=32))
def test_round_equals_torchs_conversion_in_bfloat16(x: float) -> None:
    torch = pytest.importorskip("torch")
    wanted = torch.tensor(x, dtype=torch.float32).to(torch.bfloat16).double().numpy()
    assert np.array_equal(FORMATS["bfloat16"].round(x), wanted, equal_nan=True)


@pytest.mark.parametrize("format", FORMATS.values(), ids=lambda f: f.name)
@given(data=st.data())
def test_round_is_off_by_at_most_u_and_half_a_subnormal(
    format: Format, data: st.DataObject
) -> None:
    x = data.draw(st.floats(min_value=-format.largest, max_value=format.largest))
    got = float(format.round(x))
    assert abs(got - x) <= max(format.u * abs(x), format.smallest_subnormal / 2)


def test_format_of_knows_flushing_formats() -> None:
    assert format_of("float32").underflow == 2.0**-150
    assert format_of("float32:flushing").underflow == 2.0**-125


def test_a_format_is_made_once() -> None:
    for name in (*FORMATS, "float32:flushing"):
        assert format_of(name) is format_of(name)


@pytest.mark.parametrize(
    ("name", "twice"), [("float64", 0), ("float32", 0), ("float16", 1), ("bfloat16", 1)]
)
def test_an_operation_in_few_digits_may_round_in_float32_first(name: str, twice: int) -> None:
    format = FORMATS[name]
    u = 2.0**-format.precision + twice * 2.0**-24
    assert u < format.operation_u < u * (1 + 2.0**-27)
    beside = u + 2.0**-53
    assert beside < format.operation_u_beside_float64 < beside * (1 + 2.0**-27)


@pytest.mark.parametrize("name", ["float8", "float32:fast", ""])
def test_format_of_refuses_unknown_names(name: str) -> None:
    with pytest.raises(ValueError, match="known are float64"):
        format_of(name)


@pytest.mark.parametrize("format", FORMATS.values(), ids=lambda f: f.name)
def test_round_is_infinite_from_half_a_spacing_above_the_largest(format: Format) -> None:
    if format.name == "float64":
        assert format.round(format.largest) == format.largest
        return
    tie = 2.0**format.emax * (2 - 2.0**-format.precision)
    for sign in (1.0, -1.0):
        assert format.round(sign * format.largest) == sign * format.largest
        assert format.round(sign * np.nextafter(tie, 0.0)) == sign * format.largest
        assert format.round(sign * tie) == sign * np.inf
        assert format.round(sign * tie * 4) == sign * np.inf
        assert format.round(sign * np.inf) == sign * np.inf


@pytest.mark.parametrize("format", FORMATS.values(), ids=lambda f: f.name)
def test_round_ties_go_to_even_in_every_binade_and_below(format: Format) -> None:
    if format.name == "float64":
        return
    unit = format.smallest_subnormal
    for k, wanted in ((0.5, 0), (1.5, 2), (2.5, 2), (0.75, 1), (1.25, 1), (3.5, 4)):
        assert format.round(k * unit) == wanted * unit
        assert format.round(-k * unit) == -wanted * unit
    spacing = 2.0 * format.u
    for x, wanted in ((1 + 0.5 * spacing, 1), (1 + 1.5 * spacing, 1 + 2 * spacing)):
        assert format.round(x) == wanted
        assert format.round(x * 8) == wanted * 8
    assert format.smallest_normal == 2.0 ** (1 - format.emax)
    assert format.round(format.smallest_normal) == format.smallest_normal
    assert np.isnan(format.round(np.nan))
