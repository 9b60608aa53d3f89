"""A subject whose calls leave the settings of the whole process as they were: they are put back
after every one, so that it cannot touch the oracle, which computes with the same processor, nor
another check.

What a call has left behind can still be asked for: `settings()` of a run that offers it tells what
was set when the last call returned.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from momentum.subjects.isolation.child import NoCopies
from momentum.subjects.protocol import Facts, Subject
from momentum.subjects.random_states import RandomStates
from momentum.subjects.settings import Settings, Surroundings
from momentum.subjects.strangers import tamed

T = TypeVar("T")


@dataclass
class _Watch:
    """What is to be put back, and what the last call left."""

    wanted: Settings = field(default_factory=Settings.now)
    random: RandomStates = field(default_factory=RandomStates)
    left: object = None

    def call(self, function: Callable[..., T], *arguments: object, **named: object) -> T:
        """The call, with everything put back when it returns or raises."""
        self.left = None
        copies, around = NoCopies(), Surroundings.now()
        owner: object = getattr(function, "__self__", None)
        result: T | None = None
        try:
            result = function(*arguments, **named)
            return result
        except BaseException as error:
            ours = tamed(error)
            if ours is error:
                raise
            raise ours from None
        finally:
            copies.end()
            drawn, moved = self.random.changed, Surroundings.now() != around
            if drawn or moved or Settings.now() != self.wanted:
                run = result if hasattr(result, "settings") else owner
                if hasattr(run, "settings"):
                    self.left = run.settings()
                self.wanted.put_back()
            if moved:
                around.put_back()
            if drawn:
                self.random.put_back()


class Guarded:
    """A subject that leaves the settings of the process as they are."""

    def __init__(self, subject: Subject) -> None:
        self.subject, self.watch = subject, _Watch()

    @property
    def facts(self) -> Facts:
        """Those of the subject."""
        return self.subject.facts

    def start(self, *arguments: object, **named: object) -> "GuardedRun":
        """A run of the subject, as guarded as this."""
        self.watch.random.look()
        run = self.watch.call(self.subject.start, *arguments, **named)
        return GuardedRun(run, self.watch)


class GuardedRun:
    """A run whose every call leaves the settings of the process as they are."""

    def __init__(self, run: object, watch: _Watch) -> None:
        self._run, self._watch = run, watch

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._run, name)
        if not callable(found):
            return found
        kind, watch = type(self._run), self._watch

        def guarded(*arguments: object, **named: object) -> object:
            if name == "settings" and watch.left is not None:
                return watch.left
            inner = [a._run if isinstance(a, GuardedRun) else a for a in arguments]
            result = watch.call(found, *inner, **named)
            return GuardedRun(result, watch) if isinstance(result, kind) else result

        vars(self)[name] = guarded  # the next time it is found without this
        return guarded
