"""The oracle inside a live training: every step of a torch optimizer, verified where it happens."""

import lazy_loader

# On demand: what was found is read and told without torch.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
