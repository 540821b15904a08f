"""All benchmarks: python -m bench [--quick]."""

import sys

from bench import accuracy, speed

quick = [flag for flag in sys.argv[1:] if flag == "--quick"]
speed.main(quick)
accuracy.main(quick)
