from .report import Violation as Violation
from .report import WatchError as WatchError
from .report import WatchReport as WatchReport
from .single import watch as watch
