"""What a caller names or hands over, as something that a worker can load."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from momentum.subjects.protocol import Subject


@dataclass(frozen=True)
class Target:
    """A text such as `torch.optim:SGD`, or an optimizer class, a factory, a step function, a
    Subject. settings: arguments of its constructor. texts: further ones, as Python literals.
    flushing: its subnormal numbers may become zero, whatever it says itself.
    """

    what: object
    settings: Mapping[str, object] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    flushing: bool = False

    def load(self) -> Subject:
        """The subject. A text's module is imported here, so that it is in a worker's process."""
        from momentum.adapters import adapt, load
        from momentum.subjects.trial import Restated

        if isinstance(self.what, str):
            subject = load(self.what, self._literals)
        else:
            subject = adapt(self.what, self.settings, self.address or self.name)
        facts = subject.facts
        return (
            Restated(subject, replace(facts, flushes_subnormals=True)) if self.flushing else subject
        )

    @property
    def _literals(self) -> dict[str, str]:
        return {**{name: repr(value) for name, value in self.settings.items()}, **self.texts}

    @property
    def name(self) -> str:
        """A short name."""
        if isinstance(self.what, str):
            return self.what.rpartition(":")[2].rpartition(".")[2]
        facts = getattr(self.what, "facts", None)
        given = getattr(self.what, "__name__", None)
        return str(given or getattr(facts, "name", type(self.what).__name__)).rpartition(":")[2]

    @property
    def address(self) -> str:
        """`module:name`, where it can be found again under it; else nothing."""
        if isinstance(self.what, str):
            return self.what
        module = getattr(self.what, "__module__", "")
        path = getattr(self.what, "__qualname__", "")
        found: object = sys.modules.get(module)
        for part in path.split("."):
            found = getattr(found, part, None)
        return f"{module}:{path}" if found is self.what else ""

    @property
    def arguments(self) -> tuple[str, ...]:
        """Words of a command line that name it, none where none can."""
        if not self.address:
            return ()
        settings = [f"{name}={text}" for name, text in self._literals.items()]
        words = [word for text in settings for word in ("--set", text)]
        return (self.address, *words, *(["--flushing"] if self.flushing else []))
