"""Velocity as a sum of steps: the learning rate is inside it."""

from collections.abc import Iterator

from momentum.arithmetic import exact
from momentum.arithmetic.number import Number
from momentum.arithmetic.surd import Exact
from momentum.conventions._convention import INSIDE, Convention, Hyper, Source
from momentum.conventions._forms import difference_forms, velocity_forms
from momentum.conventions._inverse import Found, Inverse, Scale, Wanted, roots, usual
from momentum.conventions._response import summed
from momentum.conventions._rule import State
from momentum.conventions._speaker import DECAY, NESTEROV, OWN, RATE, Spelling


def rule(theta: Number, grad: Number, state: State, h: Hyper) -> tuple[Number, State]:
    d = grad + h.weight_decay * theta
    v = h.momentum * state.v + h.lr * d
    update = h.lr * d + h.momentum * v if h.nesterov else v
    return theta - update, State(state.step + 1, v)


def factors(state: State, h: Hyper) -> tuple[Number, Number, Number]:
    return 1, h.lr, 1


def solve(w: Wanted, nesterov: bool, dampening: bool) -> Iterator[Found]:
    return nesterov_inside(w) if nesterov else iter([Found(w.P, usual(w))])


def nesterov_inside(w: Wanted) -> Iterator[Found]:
    """v' = m v + lr d; y' = y - lr d - m v'."""
    choices: tuple[Exact, ...]
    if w.Q is None:
        choices = (w.like.momentum,)
    elif w.kappa and w.mu:
        c = w.P / w.kappa - w.Q / w.mu
        choices = (c * w.mu,)
    else:
        choices = roots(w.Q, w)
    for m in choices:
        if m != -1:
            yield Found(w.P / (1 + m), m)
        elif w.kappa and w.mu:
            yield Found(m * w.kappa / w.mu, m)
    if w.P == 0 and w.Q is None and w.kappa:  # momentum -1 stores the gradient and stands still
        yield Found(w.like.lr or exact(1), exact(-1))


def rescaled(w: Wanted, found: Found, by: Exact) -> Found | None:
    lr = found.lr * by
    return Found(lr, w.P / lr - 1) if lr else None  # -1 again where P is 0


def rescaling(w: Wanted, first: Wanted, found: Found) -> Exact | None:
    if not (w.Q and w.mu and w.kappa):
        return None
    return (w.P / w.kappa - w.Q / w.mu) ** 2 * w.mu**2 / w.Q


convention = Convention(
    name="scaled",
    rule=rule,
    words="the learning rate is inside the velocity",
    rate=INSIDE,
    source=Source("Dive into Deep Learning, section Momentum; Rumelhart, Hinton, Williams 1986"),
    speakers=(
        Spelling("d2l", OWN, "sgd_momentum(params, states, dict({}))", velocity="states"),
        Spelling("article", OWN, "sgd_momentum(params, states, dict({}))", velocity="states"),
        Spelling("keras", RATE | NESTEROV | DECAY, "keras.optimizers.SGD({})", decay="before",
                 idle=True, velocity="optimizer.momentums", source="its signature in 3.15.1"),
        Spelling("tfa", RATE | NESTEROV | DECAY, "tfa.optimizers.SGDW({})", decay="before",
                 per_step=True),
        Spelling("keras2", RATE | NESTEROV, "tf.keras.optimizers.legacy.SGD({})", idle=True),
        Spelling("caffe", {"lr": "base_lr", "momentum": "momentum"} | DECAY | NESTEROV,
                 'type="SGD", {}', 'type="Nesterov", {}'),
        Spelling("caffe2", OWN | NESTEROV, "MomentumSGDUpdate({})"),
        Spelling("cntk", OWN | {"weight_decay": "l2_regularization_weight"},
                 "cntk.momentum_sgd(parameters, {})", "cntk.nesterov(parameters, {})",
                 unit_gain=True, source="microsoft/CNTK, Source/Math/Matrix.cpp"),
        Spelling("mxnet", RATE | {"weight_decay": "wd", "nesterov": "nesterov"},
                 "mx.optimizer.SGD({})", "mx.optimizer.NAG({})", idle=True),
        # scikit-learn: its alpha is divided by the samples of a batch and spares biases.
        Spelling("sklearn", {"lr": "learning_rate_init", "momentum": "momentum",
                             "nesterov": "nesterovs_momentum"}, 'MLPRegressor(solver="sgd", {})',
                 defaults={"momentum": "0.9", "nesterov": True}, source="its signature in 1.9.1"),
        # Chainer: NesterovAG takes the wrong velocity, so Nesterov's form is left out.
        Spelling("chainer", OWN | DECAY, "MomentumSGD({})",
                 decay_call="{inner}; optimizer.add_hook(WeightDecay({weight_decay}))",
                 defaults={"momentum": "0.9"}, source="its source in 7.8.1"),
        Spelling("flux", {"lr": "eta", "momentum": "rho"} | DECAY | NESTEROV,
                 "Momentum({})", "Nesterov({})",
                 decay_call="OptimiserChain(WeightDecay({weight_decay}), {inner})",
                 defaults={"momentum": "0.9"}, source="FluxML/Optimisers.jl, src/rules.jl"),
        Spelling("lasagne", RATE | NESTEROV, "lasagne.updates.momentum(loss, params, {})",
                 "lasagne.updates.nesterov_momentum(loss, params, {})",
                 defaults={"momentum": "0.9"}, source="Lasagne/Lasagne, lasagne/updates.py"),
        Spelling("dlib", {"lr": "learning_rate", "momentum": "momentum"} | DECAY, "sgd({})",
                 defaults={"momentum": "0.9", "weight_decay": "0.0005"},
                 source="davisking/dlib, dlib/dnn/solvers.h"),
        Spelling("tinygrad_classic", OWN | DECAY | NESTEROV, "SGD(params, {}, classic=True)",
                 idle=True, source="its signature in 0.14.0"),
        Spelling("neon", RATE | DECAY | NESTEROV, "GradientDescentMomentum({})", idle=True),
        Spelling("nnabla", OWN | DECAY | NESTEROV, "S.Momentum({})", "S.Nesterov({})",
                 decay_call="{inner}; solver.weight_decay({weight_decay})",
                 defaults={"momentum": "0.9"}),
        Spelling("tiny-dnn", {"lr": "alpha", "momentum": "mu", "weight_decay": "lambda",
                             "nesterov": "nesterov"}, "momentum{{{}}}", "nesterov_momentum{{{}}}",
                 defaults={"momentum": "0.9"}),
        Spelling("mlpack", {"lr": "stepSize", "momentum": "momentum", "nesterov": "nesterov"},
                 "MomentumSGD({})", "NesterovMomentumSGD({})", defaults={"momentum": "0.5"},
                 source="mlpack/ensmallen, sgd/update_policies"),
        Spelling("pylearn2", RATE | {"nesterov": "nesterov_momentum"}, "Momentum({})"),
        Spelling("blocks", RATE, "Momentum({})"),
        Spelling("brain.js", {"lr": "learningRate", "momentum": "momentum"},
                 "new NeuralNetwork({{{}}})", defaults={"momentum": "0.1"}),
        Spelling("river.momentum", {"lr": "lr", "momentum": "rho"}, "river.optim.Momentum({})",
                 defaults={"momentum": "0.9"}, source="its signature in 0.26.1"),
        Spelling("oneflow", OWN | DECAY, "flow.optim.SGD(params, {})", decay="simultaneous"),
    ),
    takes=frozenset({"momentum", "nesterov"}),
    forms=velocity_forms(factors),
    differences=difference_forms(factors),
    response=summed(lambda momentum, h, s: 1),
    inverse=Inverse(solve, scale=Scale(rescaled, rescaling)),
)  # fmt: skip
