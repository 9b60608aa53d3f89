"""Timings of a target beside torch.optim.SGD's, as a table and for pytest-benchmark."""

import json
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median, quantiles

import numpy as np


@dataclass(frozen=True)
class Timing:
    """Seconds of one step (or epoch) in each round; ratios to torch's default path, in turn.

    elements: of all parameters. state_bytes: of the state for each of these, None where it is not
    shown. bandwidth: the least bytes that a step moves, as a fraction of what a copy moves.
    """

    work: str
    name: str
    seconds: tuple[float, ...]
    ratios: tuple[float, ...]
    elements: int
    state_bytes: float | None = None
    bandwidth: float | None = None


@dataclass(frozen=True)
class BenchReport:
    """Timings of a target and of torch.optim.SGD's paths, of runs that the oracle has judged."""

    target: str
    convention: str
    timings: tuple[Timing, ...]

    def __str__(self) -> str:
        """A table: the median, and the ratio to torch's default path with its quartiles."""
        lines = [f"{self.target}, convention {self.convention}: as the oracle says in all runs"]
        for work in dict.fromkeys(t.work for t in self.timings):
            lines.append(f"\n{work}")
            for t in (t for t in self.timings if t.work == work):
                low, _, high = quantiles(t.ratios, n=4)
                more = []
                if t.bandwidth is not None:
                    more.append(f"{median(t.seconds) / t.elements * 1e9:.3g} ns/element")
                    more.append(f"{t.bandwidth:.0%} of copy bandwidth")
                if t.state_bytes is not None:
                    more.append(f"{t.state_bytes:.3g} B state/element")
                lines.append(
                    f"  {t.name:28} {median(t.seconds) * 1e6:10.1f} us"
                    f"   {median(t.ratios):.2f} x torch ({low:.2f} to {high:.2f})"
                    f"   {', '.join(more)}".rstrip()
                )
        return "\n".join(lines)

    def to_json(self) -> str:
        """What `pytest-benchmark compare` reads."""
        rows = [_row(t) for t in self.timings]
        machine = {"node": "", "machine": platform.machine(), "system": platform.system(),
                   "python_version": platform.python_version()}  # fmt: skip
        now = datetime.now(UTC).isoformat()
        return json.dumps({"machine_info": machine, "commit_info": {}, "benchmarks": rows,
                           "datetime": now, "version": "5"}, indent=1)  # fmt: skip


def _row(t: Timing) -> dict[str, object]:
    s = sorted(t.seconds)
    q1, mid, q3 = quantiles(s, n=4)
    stats = {
        "min": s[0], "max": s[-1], "mean": float(np.mean(s)), "stddev": float(np.std(s, ddof=1)),
        "rounds": len(s), "median": mid, "iqr": q3 - q1, "q1": q1, "q3": q3, "iqr_outliers": 0,
        "stddev_outliers": 0, "outliers": "0;0", "ld15iqr": s[0], "hd15iqr": s[-1],
        "ops": 1 / float(np.mean(s)), "total": sum(s), "iterations": 1, "data": list(t.seconds),
    }  # fmt: skip
    name = f"{t.work}: {t.name}"
    extra = {"ratio_to_torch_default": median(t.ratios), "elements": t.elements,
             "state_bytes_per_element": t.state_bytes, "copy_bandwidth": t.bandwidth}  # fmt: skip
    return {"group": t.work, "name": name, "fullname": f"momentum bench::{name}", "params": None,
            "param": None, "extra_info": extra, "options": {}, "stats": stats}  # fmt: skip
