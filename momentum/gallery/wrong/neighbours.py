"""Parameters that feel which others stand beside them."""

from typing import Any

from momentum.arithmetic import format_of
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.wrong._defect import defect
from momentum.gallery.wrong._families import misread, moves, places, standing, stored, told

# fmt: off
standing("scratch_as_long_as_the_first", "Only as many elements move as the first has.",
         "one scratch, made once", lambda run, x: places(x) >= run.theta[0].size)
misread("one_format_for_the_group", "Gradients are rounded to the first one's format.",
        "one buffer for a group", lambda run, i, g: format_of(run.dtypes[0]).round(g))
stored("scratch_in_first_format", "Updates go through the first one's format.",
       "one scratch, made once",
       lambda run, dtype, before, moved, v: (
           moved if dtype == run.dtypes[0] else format_of(dtype).round(
               before + format_of(run.dtypes[0]).round(moved - before)), v))
moves("parameters_beyond_512_dropped", "Parameters from the 513th on stand still.",
      "a list of fixed length", lambda run, i, g, h: i < 512)
moves("last_of_full_launch_stands", "The last of 64 parameters, or of twice 64, stands still.",
      "the rest of a division is taken for the size of the last launch",
      lambda run, i, g, h: len(run.grads) % 64 != 0 or i < len(run.grads) - 1)
moves("generator_walked_twice", "Parameters walked through once are gone.",
      "they are counted first", lambda run, i, g, h: "generator" not in run.options)
told("integers_divided_as_such", "A whole rate is halved as a whole number.",
     "division that rounds down",
     lambda run, i, h: h._replace(lr=2 * (int(h.lr) // 2))
     if "integers" in run.options and h.lr == int(h.lr) else h)
# fmt: on


@defect("accumulated", "If {A, B} step and then {B, C}, B goes on with A's velocity.")
class velocities_stacked_by_shape(MachineRun):
    """Velocities of equal shapes are stacked in the order of those that have gradients."""

    def move(self) -> None:
        alike: dict[Any, list[int]] = {}
        for i, grad in enumerate(self.grads):
            if grad is not None:
                alike.setdefault((self.groups[i], grad.shape), []).append(i)
        for key, members in alike.items():
            stack = self.aside.get(key, [])
            if len(stack) == len(members) > 1:
                self.states |= dict(zip(members, stack))
        super().move()
        for key, members in alike.items():
            self.aside[key] = [self.states[i] for i in members]
