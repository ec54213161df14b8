"""The kinds of data: every module here is imported, and every kind in it is available."""

from __future__ import annotations

from nassl.settings.data import Data
from nassl.settings.kind import import_all

import_all(__name__, __path__)
DATASETS = Data.available
