from .adapters import Adapter as Adapter
from .adapters import load as load
from .adapters.plain import plain_subject as plain_subject
from .arithmetic import exact as exact
from .conventions import CONVENTIONS as CONVENTIONS
from .conventions import Convention as Convention
from .conventions import Hyper as Hyper
from .conversion import convert as convert
from .diagnosis import explain as explain
from .diagnosis import identify as identify
from .doors.bench import bench as bench
from .doors.functions import check as check
from .doors.parametrize import parametrize as parametrize
from .oracle.deviation import Comparison as Comparison
from .oracle.deviation import Deviation as Deviation
from .oracle.replay import Trajectory as Trajectory
from .oracle.replay import replay as replay
from .oracle.stream import Iterate as Iterate
from .oracle.stream import stream as stream
from .report.timings import BenchReport as BenchReport
from .report.timings import Timing as Timing
from .sgd import MomentumSGD as MomentumSGD
from .sgd import init_momentum_states as init_momentum_states
from .sgd import sgd_momentum as sgd_momentum
from .subjects.protocol import Facts as Facts
from .subjects.protocol import Subject as Subject
from .watching import WatchReport as WatchReport
from .watching import watch as watch

__version__: str
__all__: list[str]
