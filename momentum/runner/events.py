"""What supervisor and worker say to each other: typed records, one answer to every request."""

from typing import Literal, NamedTuple

from momentum.checks.result import Header, Result, Series
from momentum.subjects.isolation import Lost


class Job(NamedTuple):
    """One check in one dtype. reason: why it does not apply, empty where it does."""

    check: str
    dtype: str
    family: str
    reason: str = ""

    @property
    def id(self) -> str:
        """`agrees_with_oracle[float32]`, the id of its result."""
        return f"{self.check}[{self.dtype}]"


class Prepare(NamedTuple):
    """Request: find the convention, and what there is to do. Answer: Prepared or Refused."""


class Describe(NamedTuple):
    """Request: identify the subject, in this dtype or its finest. Answer: Described or Refused.

    also: further conventions that it may follow.
    """

    dtype: str | None
    also: tuple[str, ...] = ()


class TryTwin(NamedTuple):
    """Request: run the known-wrong twin of the subject. Answer: TwinTried."""

    convention: str
    dtype: str


class Measure(NamedTuple):
    """Request: run a job. Answer: a Result, or Lost where the subject took all memory that there
    was for it; after one Trying for each problem."""

    convention: str
    job: Job


class Explain(NamedTuple):
    """Request: look for the causes of failures. Answer: Explained, after one Trying for each try.

    avoided: problems at which a worker was lost that was asked before.
    """

    convention: str
    results: tuple[Result, ...]
    avoided: frozenset[str] = frozenset()


class Respond(NamedTuple):
    """Request: the subject's answer to a single gradient. Answer: Responded."""

    convention: str


Request = Prepare | Describe | TryTwin | Measure | Explain | Respond


class Loaded(NamedTuple):
    """The target is a subject.

    forks: copies of its process can be made that work as well. compiles: a worker that begins anew
    has everything to compile again. at_once: it is a program, which every worker starts for itself.
    """

    forks: bool
    compiles: bool = False
    at_once: bool = False


class Refused(NamedTuple):
    """The target or an option is wrong, in words for who gave it."""

    words: str


class Prepared(NamedTuple):
    """What is held to what, and all that there is to do, in the order of the report."""

    header: Header
    jobs: tuple[Job, ...]


class Described(NamedTuple):
    """What the subject is, in words."""

    words: str


class TwinTried(NamedTuple):
    """What became of the twin: a check caught it, as it must; or missed it; or it never ran."""

    outcome: Literal["caught", "missed", "not run"]
    words: str


class Trying(NamedTuple):
    """The text of the problem that is tried next, should it be the last; none at a trial."""

    problem: str


class Explained(NamedTuple):
    """The causes of failures in words, by the ids of those that have a certain one.

    unexplained: why they were not looked for to the end.
    """

    words: dict[str, str]
    unexplained: str = ""


class Responded(NamedTuple):
    """The impulse response, None where there is none."""

    series: Series | None


Answer = Loaded | Refused | Prepared | Described | TwinTried | Result | Explained | Responded
Event = Answer | Trying | Lost
