"""The small implementation: the article's functions, and a torch optimizer for every convention."""

from momentum.sgd.article import init_momentum_states, sgd_momentum
from momentum.sgd.optimizer import MomentumSGD

__all__ = ["MomentumSGD", "init_momentum_states", "sgd_momentum"]
