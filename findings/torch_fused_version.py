"""torch.optim.SGD(fused=True) writes into parameters without counting the write.

y = x^2 at x = 3 has the derivative 6. A step with g = 1 and lr = 1 moves x to 2 before the backward
pass, which needs the x that was. A tensor written since is refused, as in the loop and in foreach;
after a fused step the derivative comes out as 4, without a word.
"""

import torch


def derivative(**path: bool) -> float:
    x = torch.nn.Parameter(torch.tensor([3.0]))
    y = x**2
    x.grad = torch.tensor([1.0])
    before = x._version
    torch.optim.SGD([x], lr=1.0, **path).step()
    print(path, "version", before, "->", x._version)
    x.grad = None
    y.backward()
    return float(x.grad)


def refused(**path: bool) -> bool:
    try:
        derivative(**path)
    except RuntimeError as error:
        return "modified by an inplace operation" in str(error)
    return False


assert refused(foreach=False)
assert refused(foreach=True)
print(derivative(fused=True))
assert derivative(fused=True) == 4  # wanted an error, or 6
