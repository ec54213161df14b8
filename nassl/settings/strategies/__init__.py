"""The strategies: every module here is imported, and every kind in it is available."""

from __future__ import annotations

from nassl.settings.kind import import_all
from nassl.settings.strategy import StrategySettings

import_all(__name__, __path__)
STRATEGIES = StrategySettings.available
