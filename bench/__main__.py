"""The benchmarks: python -m bench [speed] [quality] [--quick] [--output FOLDER] [--*-peers PYTHON].

`make bench` does it with all peers and leaves everything in bench-results/: first how fast (`speed`), then how good
(`quality`); either word alone leaves the other out. Benches on images and speech need the data that RESERVOIRS_DATA
names. Those that take hours or have one purpose run by themselves: bench.papers.nalsm, bench.papers.ei_balance,
bench.untuned, bench.drift and bench.online_stability.
"""

import os
import time
from collections.abc import Callable

from bench import (
    accuracy,
    adaptation,
    big,
    diagnostics_speed,
    dynamics,
    embedded,
    esn_speed,
    growth,
    integers,
    liquid_accuracy,
    liquid_speed,
    narrow,
    results,
    roofline,
    search,
    sharing,
    sparsity,
    speech,
    speed,
    stream_speed,
    structured,
)

ON_DATA = (liquid_accuracy, speech)
BENCHES = {
    "speed": (
        esn_speed,
        liquid_speed,
        roofline,
        growth,
        speed,
        sharing,
        search,
        stream_speed,
        diagnostics_speed,
        big,
        sparsity,
        structured,
        narrow,
    ),
    "quality": (accuracy, dynamics, adaptation, embedded, integers, *ON_DATA),
}


def timed(main: Callable[[list[str]], None], argv: list[str]) -> None:
    """Run a bench and say how long it took."""
    begin = time.monotonic()
    main(argv)
    print(f"# {main.__module__} took {(time.monotonic() - begin) / 60:.1f} minutes\n", flush=True)


parser = results.parser(__doc__)
# [] is what argparse finds where no part is named, and holds against the choices.
parser.add_argument(
    "parts", nargs="*", choices=[[], *BENCHES], metavar="speed|quality", help="what to run; all of it unless said"
)
parser.add_argument("--esn-peers", metavar="PYTHON", help="interpreter that has what bench/esn_peers.txt names")
parser.add_argument("--liquid-peers", metavar="PYTHON", help="interpreter that has what bench/liquid_peers.txt names")
options = parser.parse_args()
common = ["--quick"] * options.quick + (["--output", str(options.output)] if options.output else [])
peers = {esn_speed: options.esn_peers, liquid_speed: options.liquid_peers}
for part in options.parts or BENCHES:
    for bench in BENCHES[part]:
        if bench in ON_DATA and not options.quick and "RESERVOIRS_DATA" not in os.environ:
            print(f"# {bench.__name__}: left out, because RESERVOIRS_DATA is not set")
            continue
        python = peers.get(bench)
        timed(bench.main, common + (["--peers-python", python] if python else []))
