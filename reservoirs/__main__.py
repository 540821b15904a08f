"""``python -m reservoirs``."""

import sys

from .cli import main

sys.exit(main())
