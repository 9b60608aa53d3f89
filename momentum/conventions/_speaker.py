"""How a framework spells a convention: names, call, and what it takes where one says nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Default = str | bool
"""A decimal, a flag, or the name of the hyper-parameter whose value is taken."""

OWN = {"lr": "lr", "momentum": "momentum"}
RATE = {"lr": "learning_rate", "momentum": "momentum"}
DAMPENING = {"dampening": "dampening"}
DECAY = {"weight_decay": "weight_decay"}
NESTEROV = {"nesterov": "nesterov"}
USE_NESTEROV = {"nesterov": "use_nesterov"}
SIGN = {"maximize": "maximize"}
TORCH = OWN | DAMPENING | DECAY | NESTEROV
BUFFER = 'optimizer.state[p]["momentum_buffer"]'
OPTAX_DECAY = "optax.chain(optax.add_decayed_weights({weight_decay}), {inner})"
FROM_MEMORY = "its documentation, from memory"


@dataclass(frozen=True)
class Spelling:
    """One way to say a convention; an API may know less than the rule does.

    names: own spelling of each hyper-parameter that the API has, and of no other. call: how it is
    written, `{}` for the arguments or `{lr}` for one. decay: its kind of weight decay.
    nesterov_call: where Nesterov's form has a call of its own. decay_call: where weight decay is
    another piece, around `{inner}`. kept: name that holds 1 - dampening instead.
    dampened_nesterov: both may be set. idle: velocity and state stand still while momentum is 0.
    velocity: where the state keeps it. defaults: what the API takes where a hyper-parameter is
    not given and that is not the neutral value. per_step: its weight decay is not scaled by lr.
    unit_gain: its rate is that of (1 - momentum) times each gradient.
    source: what names and defaults were compared with.
    """

    name: str
    names: Mapping[str, str]
    call: str
    nesterov_call: str = ""
    decay: str = "coupled"
    decay_call: str = ""
    kept: str = ""
    dampened_nesterov: bool = False
    idle: bool = False
    velocity: str = "its velocity"
    defaults: Mapping[str, Default] = field(default_factory=dict)
    per_step: bool = False
    unit_gain: bool = False
    source: str = FROM_MEMORY
