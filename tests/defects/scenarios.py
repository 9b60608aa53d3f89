"""Everything that a subject can be asked to do, once: answers that two subjects are compared by."""

from dataclasses import replace

import numpy as np

from momentum.conventions import Hyper
from momentum.observation import begin, observe
from momentum.problems import Problem
from momentum.subject import LAYOUTS

SHAPES = ((3, 5), (33,), (), (3, 5), (0,))
GROUPS = (0, 1, 0, 1, 0)
BAD = ("lr", "momentum", "weight_decay")


def hyper(subject, **values):
    """Hyper-parameters, those only that the subject honours."""
    wanted = {"lr": 0.1, "momentum": 0.9} | values
    return Hyper(**{n: x for n, x in wanted.items() if n == "lr" or n in subject.facts.hyper})


def problem(subject, dtype, *rows, shapes=SHAPES, groups=GROUPS, **more):
    """rows: per step, one dict of values a group."""
    steps = tuple(tuple(hyper(subject, **g) for g in row) for row in rows)
    return Problem(dtype, shapes, steps, groups, **more)


def answer(function):
    """What came out, comparable: arrays by their bytes, errors by their type."""
    try:
        return _frozen(function())
    except Exception as error:
        return type(error).__name__


def _frozen(x):
    if isinstance(x, np.ndarray):
        return (x.shape, (x + 0.0).tobytes())
    if isinstance(x, (list, tuple)):
        return [_frozen(y) for y in x]
    return x


def scenarios(subject, dtype):
    """(name, function) of each; the functions return what is to be compared."""

    def told(*rows, **more):
        return lambda: observe(subject, problem(subject, dtype, *rows, **more)).iterates

    full = {"dampening": 0.3, "weight_decay": 0.2, "nu": 0.7}
    other = {"lr": 0.03, "momentum": 0.5, "dampening": 0.6, "weight_decay": 0.1, "nu": 0.4}
    again = {"lr": 0.3, "momentum": 0.97, "dampening": 0.1, "weight_decay": 0.3, "nu": 0.9}
    for flags in ({}, {"nesterov": True}, {"maximize": True}, {"nesterov": True, "maximize": True}):
        a, b, c = full | flags, other | flags, again | flags
        rows = ((a, b), (a, b), (b, a), (c, b), (c, a), (a, c))
        gaps = frozenset({(0, 2), (1, 1), (3, 0), (4, 3)})
        yield f"schedule {flags}", told(*rows)
        yield f"gaps {flags}", told(*rows, missing=gaps)
        yield f"closed {flags}", told(*rows, kind="quadratic")
        yield f"no decay {flags}", told(*[(flags, flags)] * 3)
        for h in (a, flags):
            yield f"fed {h}", lambda h=h: fed(subject, problem(subject, dtype, (h, h), (h, h)))
    for kind in ("special", "tiny", "huge", "wide", "impulse", "still", "constant"):
        yield kind, told(*[(full, other)] * 4, kind=kind)
    late = [({"dampening": 0.3}, other)] * 3
    yield "impulse at rest", told(*late, kind="still", shapes=((4,),) * 2, groups=(0, 1))
    off, fast = {"lr": 0.0}, {"lr": 5.0, "momentum": 0.99}
    yield "lr 0", told((full, full), (off, off), (full, full))
    yield "large lr", told((fast, fast), (fast, fast), (fast, fast))
    plain = {"momentum": 0.0}
    yield "momentum 0", told((full, full), (plain, plain), (full, full))
    pair = {"shapes": ((4,), (4,)), "groups": (0, 1)}
    yield "mixed momentum", told((full, plain), (full, plain), **pair)
    damped = {"dampening": 0.3}
    yield (
        "zeros first",
        lambda: zeros_first(subject, problem(subject, dtype, *[(damped, damped)] * 3)),
    )
    bare = {"momentum": 0.0, "nesterov": True}
    yield "nesterov without momentum", told((bare, bare))
    one = {"shapes": ((3,),), "groups": (0,)}
    yield "long", told(*[({"dampening": 0.3},)] * 270, **one)
    yield "large", told((full,), (full,), shapes=((4097,), (100,)), groups=(0, 0))
    light = full | {"weight_decay": 0.1}
    yield "one difference", told((full, light), (full, light))
    yield "switched on", told((full | {"weight_decay": 0.0}, full), (full, full))
    slow = {"lr": 1e-12}
    yield "tiny lr", told((slow, slow), (slow, slow), kind="from_zero")
    for layout in LAYOUTS:
        shaped = {"shapes": ((3, 5), (2, 3, 4, 5), (4, 4)), "groups": (0, 0, 0)}
        options = (("layout", layout),)
        p = problem(subject, dtype, *[(full,)] * 2, options=options, kind="impulse", **shaped)
        yield layout, lambda p=p: around(subject, p)
        yield layout, lambda p=p: around(subject, replace(p, kind="normal"))
    for options in ({"scheduler": (1.0, 0.5, 0.5, 0.25)}, {"tensor_lr": True}):
        for extra in ({}, {"tensor_lr": True}):
            pairs = tuple((options | extra).items())
            yield str(pairs), told((full, other), (full, other), (other, full), options=pairs)
    schedule = (("scheduler", (0.5,)),)
    yield "scheduler without momentum", told((plain, plain), options=schedule)
    if len(subject.facts.dtypes) > 1:
        names = tuple(subject.facts.dtypes[i % 2] for i in range(3))
        p = problem(subject, dtype, (full,), shapes=((3,),) * 3, groups=(0,) * 3)
        mixed = replace(p, options=(("dtypes", names),))
        yield "mixed dtypes", lambda: begin_and_step(subject, mixed)
    p = problem(subject, dtype, *[(full | {"maximize": True}, other)] * 6)
    yield "live and again", lambda: live_and_again(subject, p)
    q = problem(subject, dtype, *[({"nesterov": True}, other)] * 6)
    for name in ("save", "hand_over", "deepcopy", "pickle"):
        yield name, lambda name=name: resumed(subject, p, name)
        yield name, lambda name=name: resumed(subject, q, name)
    bare_run = problem(subject, dtype, *[(plain, plain)] * 6)
    yield "save without momentum", lambda: resumed(subject, bare_run, "save")
    yield "foreign state", lambda: foreign(subject, p)
    yield "scaler", lambda: scaled(subject, p)
    yield "closure", lambda: [begin(subject, p).step_closure(g) for g in [p.gradients(0, p.start)]]
    yield "moved by closure", lambda: closed(subject, p)
    yield "sparse", lambda: sparse(subject, replace(p, kind="special"))
    for options in ((), (("scheduler", (0.5, 0.25)),)):
        yield "late group", lambda o=options: late_group(subject, replace(p, options=o))
    yield "bad values", lambda: [[e, *bad(subject, dtype, e)] for e in (-0.5, np.nan, np.inf, 0.0)]
    vast = {"shapes": ((2**16 + 3,),), "groups": (0,)}
    yield "vast", told((full,), (full,), **vast)
    yield "both", lambda: begin_and_step(subject, problem(
        subject, dtype, ({"nesterov": True, "dampening": 0.5},) * 2))  # fmt: skip


def steps(run, p, first, last):
    """Parameters after each of some steps."""
    out = []
    for t in range(first, last):
        run.step(p.gradients(t, p.start))
        out.append(run.parameters())
    return out


def begin_and_step(subject, p):
    return steps(begin(subject, p), p, 0, p.steps)


def zeros_first(subject, p):
    run = begin(subject, p)
    run.step([np.zeros(shape) for shape in p.shapes])
    return steps(run, p, 1, 3)


def fed(subject, p):
    """Gradients after the step, what overwriting them does, memory kept."""
    run = begin(subject, p)
    here = run.storage()
    first = [steps(run, p, 0, 1), run.fed()]
    run.overwrite_fed()
    moved = steps(run, p, 1, 2)
    counts = [run.state_bytes(), run.live_objects(), run.graph_nodes()]
    before, after = run.caller_dicts()
    return [first, moved, run.storage() == here, counts, before == after]


def around(subject, p):
    run = begin(subject, p)
    return [steps(run, p, 0, p.steps), run.surroundings()]


def live_and_again(subject, p):
    """Two live runs in turns, hyper-parameters changed on one; then a third."""
    a, b = begin(subject, p), begin(subject, p)
    out = [steps(a, p, 0, 2), steps(b, p, 2, 4)]
    a.set(hyper(subject, lr=0.7), 0)
    return [*out, steps(a, p, 2, 4), steps(b, p, 4, 6), begin_and_step(subject, p)]


def resumed(subject, p, how):
    """A run that goes on as two: after a change, a save or copy, and another change."""
    run = begin(subject, p)
    first = steps(run, p, 0, 2)
    run.set(hyper(subject, lr=0.02, momentum=0.6, dampening=0.4, weight_decay=0.1), 1)
    if how in ("deepcopy", "pickle"):
        twin = run.duplicate(how)
    else:
        twin = begin(subject, p)
        saved = run.save() if how == "save" else run.hand_over(twin)
        steps(run, p, 0, 1) if how == "save" else None
        twin.load(saved) if how == "save" else None
    out = [first, steps(twin, p, 2, 4), steps(run, p, 3, 5)]
    twin.set(hyper(subject, lr=0.5), 0)
    return [*out, steps(twin, p, 4, 6)]


def foreign(subject, p):
    run = begin(subject, p)
    steps(run, p, 0, 2)
    return [answer(lambda s=s: begin(subject, p).load(s)) for s in run.foreign_state().values()]


def scaled(subject, p):
    """Skipped and taken steps, of inf and of nan in one parameter or the other."""
    run, out = begin(subject, p), []
    for t, (i, odd) in enumerate(((1, np.inf), (None, 0), (1, np.nan), (0, np.inf), (None, 0))):
        gradients = [np.array(g) for g in p.gradients(t, p.start)]
        if i is not None:
            gradients[i].flat[0] = odd
        out.append([run.scaled_step(gradients, 4.0), run.parameters()])
    return out


def closed(subject, p):
    run = begin(subject, p)
    out = [run.step_closure(p.gradients(t, p.start)) for t in range(3)]
    return [out, run.parameters()]


def sparse(subject, p):
    run = begin(subject, p)
    for t in range(3):
        run.step_sparse([np.where(np.isfinite(g) & (g > 0), g, 0) for g in p.gradients(t, p.start)])
    return run.parameters()


def late_group(subject, p):
    """A group added after two steps, with hyper-parameters good and bad."""
    run = begin(subject, p)
    out = steps(run, p, 0, 2)
    out.append(answer(lambda: run.add_group([np.ones(3)], hyper(subject, lr=-1.0))))
    run = begin(subject, p)
    steps(run, p, 0, 2)
    run.add_group([np.ones(3)], hyper(subject, lr=0.01, dampening=0.2))
    for t in (2, 3):
        run.step([*p.gradients(t, p.start), np.full(3, 0.5)])
        out.append(run.parameters())
    return out


def bad(subject, dtype, value):
    """How bad values are met, in the first group and in the second."""
    for name in (*BAD, "both"):
        for group in (0, 1):
            rows = [{}, {}]
            rows[group] = dict.fromkeys(BAD, value) if name == "both" else {name: value}
            p = problem(subject, dtype, tuple(rows))
            yield answer(lambda p=p: begin(subject, p) and None)
            yield answer(lambda p=p: begin_and_step(subject, p))
