"""Hyper-parameters of the target, step by step, so that a model sees the same points.

At each step the source moves what the model sees by a known row, and so must the target; and the
target's velocity has to hold whatever the source's may still tell. Both are linear conditions,
the convention's inverse turns them into hyper-parameters, and each answer is tried with the
target's own rule. Where a step leaves a choice, the search comes back to it when a later step
fails.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from flint import fmpq

from momentum.arithmetic import exact
from momentum.arithmetic.surd import Radical, Surd, height
from momentum.conventions import Convention, Found, Hyper, Inverse, State, Wanted
from momentum.conversion import linear
from momentum.conversion.given import allowed
from momentum.conversion.linear import Place, Row
from momentum.conversion.source import Step
from momentum.conversion.speakers import Speaker

ONE = exact(1)

HEIGHTS = 5
"""Square roots, one over another, that hyper-parameters may be made of: each doubles the rationals
that a number holds. Chosen freely."""

WAYS = 4
"""To the furthest step, that are compared; one more is remembered. Chosen freely."""

# The search comes back this often for each step before it gives up: a guard, chosen freely.
_RETURNS = 8


class At(NamedTuple):
    """Both runs before a step, in one basis, the momentum that the target has laid down, and the
    square roots that its hyper-parameters are made of."""

    source: Place
    target: Place
    held: Any = None
    radical: Radical | None = None


class Search:
    """One way through all steps, for one Nesterov form a step and one initial state.

    heights: how many square roots hyper-parameters may be made of, one over another. met: for each
    step the numbers whose roots it needed, in some way there, and that were not to be had. failed,
    ways: the furthest step that could not be taken, and the ways there.
    """

    def __init__(
        self,
        source: Convention,
        steps: Sequence[Step],
        target: Speaker,
        nesterov: Sequence[bool],
        initial: State,
        heights: float = 0,
    ) -> None:
        self.source, self.steps, self.target = source, steps, target
        self.convention = target.convention
        assert self.convention.inverse is not None
        self.inverse: Inverse = self.convention.inverse
        self.nesterov, self.initial, self.heights = nesterov, initial, heights
        self.path, self.ways = tuple[Hyper, ...](), list[tuple[Hyper, ...]]()
        self.failed, self.lacks_decay = -1, False
        self.met: list[list[Any]] = [[] for _ in steps]

    def run(self) -> list[Hyper] | None:
        """The hyper-parameters of every step, or None; then `failed` says how far it came."""
        start = At(linear.begin(self.source.initial), linear.begin(self.initial))
        stack = [self._answers(0, start)]
        path: list[Hyper] = []
        returns = _RETURNS * len(self.steps)
        while stack:
            answer = next(stack[-1], None)
            if answer is None:
                stack.pop()
                returns -= 1
                if not stack or returns < 0:
                    return None
                path.pop()
                continue
            h, at = answer
            path.append(h)
            if len(path) == len(self.steps):
                # One row more, for the momentum with which the last point is read.
                return path if at.held is None else [*path, h._replace(momentum=at.held)]
            self.path = tuple(path)
            stack.append(self._answers(len(path), at))
        return None

    def _answers(self, t: int, at: At) -> Iterator[tuple[Hyper, At]]:
        """Every way found to take step t, best first."""
        path, wanted = self.path[:t], self.wanted(t, at)
        any_taken = False
        if wanted is not None:
            for found in self._found(t, wanted.want):
                taken = self.take(t, at, found, wanted)
                if taken is None:
                    continue
                any_taken = True
                yield taken
                for again in self._again(t, wanted, found, taken):
                    taken = self.take(t, at, again, wanted)
                    if taken is not None:
                        yield taken
        if not any_taken and t >= self.failed:
            self.ways = [] if t > self.failed else self.ways
            self.failed = t
            if len(self.ways) <= WAYS and path not in self.ways:
                self.ways.append(path)

    def _found(self, t: int, want: Wanted) -> Iterator[Found]:
        dampened = self.target.takes("dampening") and (
            not self.nesterov[t] or self.target.dampened_nesterov
        )
        return self.inverse.solve(want, self.nesterov[t], dampened)

    def _again(
        self, t: int, wanted: "Target", found: Found, taken: tuple[Hyper, At]
    ) -> Iterator[Found]:
        """The same step with another velocity, where it is free and the next step asks for one."""
        if not wanted.aligned or t + 1 == len(self.steps):
            return
        h, after = taken
        following = self.wanted(t + 1, after)
        if following is None:
            return
        nesterov, want, scale = self.nesterov[t + 1], following.want, self.inverse.scale
        fresh = wanted.want.Q is None or wanted.want.held == 0
        if fresh and scale is not None and (nesterov or "nesterov" not in self.convention.takes):
            standing, moving = self._past_standing(t + 1, after, following)
            by = scale.carried(scale.rescaling(moving, wanted.want, found), standing)
            again = by and scale.rescaled(wanted.want, found, by)
            if again and again != found:
                yield again
        shifts = self.inverse.shifts
        coupled = self.convention.decay == "coupled" and self.target.takes("weight_decay")
        if h.lr == 0 and coupled and nesterov and shifts is not None:
            # Decay at rate 0 moves nothing, but it adds the parameter to the velocity.
            keep = linear.kept(self.convention, after.target.state, h)
            for part in shifts(want) if keep else ():
                yield found._replace(decay=h.weight_decay + part / keep)

    def _past_standing(self, t: int, at: At, following: "Target") -> tuple[list[Wanted], Wanted]:
        """The averaging steps from t on that ask for no scale, and the first step that does."""
        standing: list[Wanted] = []
        want = following.want
        scale = self.inverse.scale
        while scale and scale.standing and want.P == 0 and 0 in (want.Q, want.kappa):
            found = next(self._found(t, want), None)
            taken = None if found is None else self.take(t, at, found, following)
            if taken is None or t + 1 == len(self.steps):
                break
            t, at = t + 1, taken[1]
            after = self.wanted(t, at)
            if after is None:
                break
            standing.append(want)
            following, want = after, after.want
        return standing, want

    def wanted(self, t: int, at: At) -> "Target | None":
        """What step t has to do, in the target's own coordinates; None where it cannot."""
        step = self.steps[t]
        after = linear.advance(self.source, at.source, step.h)
        y_next = linear.seen(self.source, after, step.following)
        v_next = after.state.v
        y, v = self._coordinates(t, at)
        if not any(y):
            return None
        gradient = -y_next[-1]
        basis = linear.independent([y, v])
        weights = linear.combination(y_next[:-1], basis)
        if weights is None:
            return None
        whole = len(basis) == 2
        A, Q = weights[0], (-weights[1] if whole else None)
        if not whole and any(v) and not self.convention.keeps_iterates:
            Q = exact(0)  # the velocity is a part of the parameter: only momentum 0 is tried
        aligned = step.matters and len(linear.independent([y_next, v_next])) == 2
        remembered = linear.combination(v_next[:-1], basis) if aligned else None
        if aligned and remembered is None:
            return None
        P, mu, kappa, decay = gradient, None, None, None
        coupled = self.convention.decay == "coupled"
        if coupled and P != 0:
            decay = (1 - A) / P
        if remembered is not None:
            R, K = remembered[0], v_next[-1]
            M = remembered[1] if whole else (exact(0) if Q is not None else None)
            if decay is None and coupled:
                decay = R / K if K else None
                part = exact(0) if K else -R
            elif coupled:
                part = K * decay - R
            elif A == 0:
                return None
            else:
                part = -R / A
            kappa = K - part * P
            mu = None if M is None else M - part * (Q or 0)
        if self.convention.decay == "after":
            if A == 0:
                return None
            P, Q = P / A, None if Q is None else Q / A
        following = step.following.momentum + step.like.momentum - step.h.momentum
        want = Wanted(
            P, Q, mu, kappa, step.like, following, getattr(at.target.state, "weight", 0),
            at.target.state.step == 0, at.held, self.met[t], at.radical, self.heights,
        )  # fmt: skip
        return Target(want, A, decay, aligned, y_next, v_next)

    def _coordinates(self, t: int, at: At) -> tuple[Row, Row]:
        """What the model sees and the velocity, before the step."""
        y = linear.seen(self.source, at.source, self.steps[t].h)
        looks_back = self.convention.keeps_iterates and at.target.state.step == 0
        return y, (y if looks_back else at.target.state.v)

    def take(self, t: int, at: At, found: Found, wanted: "Target") -> tuple[Hyper, At] | None:
        """The step with these hyper-parameters, if it does what it should and the API allows."""
        h = self._hyper(t, found, wanted)
        if h is None or not allowed(self.target, h):
            return None
        try:
            after = linear.advance(self.convention, at.target, h)
        except ZeroDivisionError:
            return None
        following = h._replace(momentum=h.momentum if found.following is None else found.following)
        if not linear.equal(linear.seen(self.convention, after, following), wanted.y_next):
            return None
        if wanted.aligned and not any(after.state.v):
            return None
        if wanted.aligned:
            told = linear.combination(after.state.v, [wanted.y_next, wanted.v_next])
            if told is None or told[1] == 0:
                return None
        source = linear.advance(self.source, at.source, self.steps[t].h)
        here, there = linear.compress(source, after)
        made = [x.radical for x in (*h, found.following) if isinstance(x, Surd)]
        return h, At(here, there, found.following, max([at.radical, *made], key=height))

    def _hyper(self, t: int, found: Found, wanted: "Target") -> Hyper | None:
        """All hyper-parameters of a step, or None where the API does not have them."""
        like = self.steps[t].like
        decay: Any
        two_point, kind = self.convention.keeps_iterates, self.convention.decay
        if two_point and kind in ("coupled", "simultaneous"):
            rest = 1 - wanted.A + (found.momentum if wanted.want.Q is not None else 0)
            decay = rest / found.lr if found.lr else like.weight_decay
        elif two_point and wanted.want.Q is not None:
            return self._looking_back(found, wanted, like)
        elif kind == "coupled":
            free = like.weight_decay if self.target.takes("weight_decay") else 0
            decay = free if wanted.decay is None else wanted.decay
            decay = decay if found.decay is None else found.decay
        else:
            free = like.weight_decay if self.target.takes("weight_decay") else 0
            decay = (1 - wanted.A) / found.lr if found.lr else free
        if decay and not self.target.takes("weight_decay"):
            self.lacks_decay = True
            return None
        dampening = 1 - found.keep
        if dampening and not self.target.takes("dampening"):
            return None
        numbers = found.lr, found.momentum, dampening, decay
        return Hyper(*numbers, self.nesterov[t], like.maximize, found.nu).lifted(exact)

    def _looking_back(self, found: Found, wanted: "Target", like: Hyper) -> Hyper | None:
        """Decoupled decay of the two-point rule, which moves the iterate that it looks back on."""
        A, m, lr = wanted.A, found.momentum, found.lr
        if self.convention.decay == "before":
            shrunk = A / (1 + m) if m != -1 else exact(0)
        else:
            shrunk = A - m * A  # P and Q came divided by A; the rule's own factor is A - Q
            if shrunk == 0:
                return None
            m, lr = m * A / shrunk, lr * A / shrunk
        decay = (1 - shrunk) / lr if lr else exact(0)
        if decay and not self.target.takes("weight_decay"):
            return None
        return Hyper(lr, m, exact(0), decay, False, like.maximize, ONE)


class Target(NamedTuple):
    """A wanted step with what decides its decay, and the rows that it has to reach."""

    want: Wanted
    A: fmpq
    decay: Any
    aligned: bool
    y_next: Row
    v_next: Row
