"""The benchmarks: python -m bench [--quick]. Those on images and speech need the data that RESERVOIRS_DATA names.

Those that take hours or have one purpose run by themselves: bench.papers.nalsm, bench.papers.ei_balance, bench.untuned,
bench.drift and bench.online_stability.
"""

import os
import sys

from bench import (
    accuracy,
    adaptation,
    big,
    diagnostics_speed,
    dynamics,
    embedded,
    integers,
    liquid_accuracy,
    liquid_speed,
    roofline,
    search,
    sparsity,
    speech,
    speed,
    stream_speed,
)

quick = [flag for flag in sys.argv[1:] if flag == "--quick"]
roofline.main(quick)
speed.main(quick)
search.main(quick)
accuracy.main(quick)
dynamics.main(quick)
adaptation.main(quick)
stream_speed.main(quick)
sparsity.main(quick)
big.main(quick)
diagnostics_speed.main(quick)
liquid_speed.main(quick)
embedded.main(quick)
integers.main(quick)
if quick or "RESERVOIRS_DATA" in os.environ:
    liquid_accuracy.main(quick)
    speech.main(quick)
else:
    print("# liquids on images and speech: left out, because RESERVOIRS_DATA is not set")
