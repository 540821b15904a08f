"""The benchmarks: python -m bench [--quick] [--output FOLDER] [--esn-peers PYTHON] [--liquid-peers PYTHON].

`make bench` does it with all peers and leaves everything in bench-results/. Benches on images and speech need the data
that RESERVOIRS_DATA names. Those that take hours or have one purpose run by themselves: bench.papers.nalsm,
bench.papers.ei_balance, bench.untuned, bench.structured, bench.drift and bench.online_stability.
"""

import os

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


def peers(python: str | None) -> list[str]:
    """Return what tells a bench where its peers are."""
    return ["--peers-python", python] if python else []


parser = results.parser(__doc__)
parser.add_argument("--esn-peers", metavar="PYTHON", help="interpreter that has what bench/esn_peers.txt names")
parser.add_argument("--liquid-peers", metavar="PYTHON", help="interpreter that has what bench/liquid_peers.txt names")
options = parser.parse_args()
common = ["--quick"] * options.quick + (["--output", str(options.output)] if options.output else [])
esn_speed.main([*common, *peers(options.esn_peers)])
liquid_speed.main([*common, *peers(options.liquid_peers)])
for bench in (
    roofline,
    growth,
    speed,
    sharing,
    search,
    sparsity,
    structured,
    narrow,
    big,
    stream_speed,
    diagnostics_speed,
):
    bench.main(common)
for bench in (accuracy, dynamics, adaptation, embedded, integers):
    bench.main(common)
if options.quick or "RESERVOIRS_DATA" in os.environ:
    liquid_accuracy.main(common)
    speech.main(common)
else:
    print("# liquids on images and speech: left out, because RESERVOIRS_DATA is not set")
