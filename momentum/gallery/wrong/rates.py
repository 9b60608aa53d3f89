"""Learning rates and settings that are taken for others close to them."""

from momentum.conventions import Hyper
from momentum.conventions.hyper import COMMON
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.wrong._defect import defect
from momentum.gallery.wrong._families import heard, told


def rounded(x: float, digits: int) -> str:
    """A number as text of so many digits."""
    return f"{x:.{digits}g}"


def _alike(h: Hyper) -> list[str]:
    return [rounded(getattr(h, name), 2) for name in COMMON]


# fmt: off
told("rate_looked_up_rounded", "A rate close to an earlier one is taken for it.",
     "a cache of three digits",
     lambda run, i, h: h._replace(lr=run.aside.setdefault(rounded(h.lr, 3), h.lr)))
told("kernel_kept_by_rounded_rate", "A rate close to another run's is taken for that.",
     "kernels kept by name",
     lambda run, i, h: h._replace(lr=run.subject.memory.setdefault(rounded(h.lr, 3), h.lr)))
told("groups_merged_by_rounded_settings", "Groups alike in two digits are taken for one.",
     "a key of rounded values",
     lambda run, i, h: next(
         x for x in run.hypers if _alike(x) == _alike(run.hypers[run.groups[i]])))
told("flags_captured_at_start", "Flags are what they were at the start.",
     "the form is chosen once",
     lambda run, i, h: h._replace(nesterov=run.begun[run.groups[i]].nesterov,
                                  maximize=run.begun[run.groups[i]].maximize))
heard("small_changes_of_rate_ignored", "A rate that changes by a few millionths stays.",
      "compared for being close",
      lambda run, g, old, new: new if abs(new.lr - old.lr) > 3e-6 * old.lr
      else new._replace(lr=old.lr))
heard("tiny_change_of_rate_ignored", "A rate that changes by less than 1e-6 stays.",
      "an absolute threshold",
      lambda run, g, old, new: new if abs(new.lr - old.lr) > 1e-6 else new._replace(lr=old.lr))
# fmt: on


@defect("accumulated", "The 65th rate and later ones act as the 64th.", "a table that is full")
class rates_kept_up_to_64(MachineRun):
    def hyper(self, i: int) -> Hyper:
        h = super().hyper(i)
        if h.lr in self.aside or len(self.aside) < 64:
            self.aside[h.lr] = None
            return h
        return h._replace(lr=list(self.aside)[-1])
