"""Which adapter takes what, when several frameworks are loaded."""

from momentum.adapters import ADAPTERS


def test_torch_is_asked_last():
    # Its adapter takes any function of `params` and a rate, such as tinygrad's SGD.
    assert list(ADAPTERS)[-1] == "torch"
