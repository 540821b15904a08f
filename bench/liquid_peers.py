"""One liquid of bench.liquid_speed in another library; needs NumPy and that library, nothing of ours.

    PEERS_PYTHON bench/liquid_peers.py {brian2,nest,snntorch,norse,bindsnet} WORKLOAD.npz N_STEPS

Builds the network once, then runs its first N_STEPS for every line on standard input and answers with a line of JSON:
the seconds of the run alone, its steps a second, and every unit's spike count. One thread each, and single precision
where there is a choice. What costs time only once (building, compiling, loading spikes) is not counted.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np

Run = Callable[[], tuple[float, Any]]


def source_of(start: np.ndarray) -> np.ndarray:
    """Return the presynaptic unit of every synapse."""
    return np.repeat(np.arange(len(start) - 1), np.diff(start))


def dense(start: np.ndarray, target: np.ndarray, weight: np.ndarray, n_units: int) -> np.ndarray:
    """Return the weights as a matrix, W[post, pre]."""
    W = np.zeros((n_units, len(start) - 1), np.float32)
    W[target, source_of(start)] = weight
    return W


DELIVER = "g_post += w"


def stdp(b2: Any, work: dict[str, Any]) -> dict[str, Any]:
    """Return Brian2's synapses with pair STDP: all to all, additive, event-driven."""
    tau = f"({-1 / np.log(work['trace_decay'])} * ms)"
    return {
        "model": f"w : 1\ndx/dt = -x / {tau} : 1 (event-driven)\ndy/dt = -y / {tau} : 1 (event-driven)",
        "on_pre": f"{DELIVER}\nx += {work['a_plus']}\nw = clip(w - y, 0, {work['w_max']})",
        "on_post": f"y += {work['a_minus']}\nw = clip(w + x, 0, {work['w_max']})",
    }


def brian2(work: dict[str, Any], n_steps: int) -> Run:
    """Return a run in C++ standalone mode, compiled with its own flags (-O3 -ffast-math -march=native); its clock."""
    import brian2 as b2

    b2.prefs.core.default_float_dtype = np.float32
    b2.set_device("cpp_standalone", build_on_run=False)
    b2.defaultclock.dt = 1 * b2.ms
    tau, tau_g = 1 / (1 - work["decay"]), 1 / (1 - work["current_decay"])
    units = b2.NeuronGroup(
        work["n_units"],
        f"dv/dt = (drive * g - v) / ({tau} * ms) : 1 (unless refractory)\ndg/dt = -g / ({tau_g} * ms) : 1",
        threshold=f"v >= {work['threshold']}",
        reset="v = 0",
        # It counts the step of the spike itself.
        refractory=(work["refractory"] + 1) * b2.ms,
        method="euler",
        namespace={"drive": work["gain"] / (1 - work["decay"])},
    )
    step = np.repeat(np.arange(len(work["input_start"]) - 1), np.diff(work["input_start"]))
    # A spike of this step's end acts on the next step's potentials: the same as one at the next step's beginning.
    entering = b2.SpikeGeneratorGroup(len(work["start_in"]) - 1, work["input"], step * b2.ms)
    synapses = []
    for source, end in ((units, ""), (entering, "_in")):
        i, j, w = source_of(work["start" + end]), work["target" + end], work["weight" + end]
        plastic = np.zeros(len(w), bool) if end or "a_plus" not in work else i < work["n_excitatory"]
        for learns in (False, True):
            some = plastic == learns
            if some.any():
                one = b2.Synapses(
                    source, units, **(stdp(b2, work) if learns else {"model": "w : 1", "on_pre": DELIVER})
                )
                one.connect(i=i[some], j=j[some])
                one.w = w[some]
                synapses.append(one)
    monitor = b2.SpikeMonitor(units, record=False)
    network = b2.Network(units, entering, monitor, *synapses)
    network.run(n_steps * b2.ms)
    folder = tempfile.TemporaryDirectory()
    b2.device.build(directory=folder.name, run=False)

    def run() -> tuple[float, Any]:
        b2.device.run(folder.name)
        return b2.device._last_run_time, np.asarray(monitor.count)

    return run


def nest(work: dict[str, Any], n_steps: int) -> Run:
    """Return a run of iaf_psc_exp with the time constants whose exact decays are ours; built anew for every run.

    Its shortest way from spike to potential is a step longer than everyone else's.
    """
    import nest as simulator

    simulator.set_verbosity("M_ERROR")
    tau, tau_g = -1 / np.log(work["decay"]), -1 / np.log(work["current_decay"])
    moved = tau * tau_g / (tau - tau_g) * (work["decay"] - work["current_decay"])  # potential per current, times C
    model = {
        "tau_m": tau, "tau_syn_ex": tau_g, "tau_syn_in": tau_g, "C_m": moved / work["gain"], "E_L": 0.0, "V_m": 0.0,
        "V_reset": 0.0, "V_th": float(work["threshold"]), "t_ref": float(work["refractory"]), "I_e": 0.0,
    }  # fmt: skip

    def build() -> Any:
        simulator.ResetKernel()
        simulator.set(resolution=1.0, local_num_threads=1, print_time=False)
        units = simulator.Create("iaf_psc_exp", int(work["n_units"]), params=model)
        step = np.repeat(np.arange(len(work["input_start"]) - 1), np.diff(work["input_start"]))
        order = np.argsort(work["input"], kind="stable")
        trains = np.split(step[order] + 1.0, np.cumsum(np.bincount(work["input"], minlength=len(work["start_in"]) - 1)))
        entering = simulator.Create("spike_generator", len(work["start_in"]) - 1)
        entering.set([{"spike_times": train} for train in trains[:-1]])
        if "a_plus" in work:
            units.tau_minus = -1 / np.log(work["trace_decay"])
        for source, end in ((units, ""), (entering, "_in")):
            i, j, weight = source_of(work["start" + end]), work["target" + end], work["weight" + end].astype(float)
            plastic = np.zeros(len(i), bool) if end or "a_plus" not in work else i < work["n_excitatory"]
            for learns in (False, True):
                some = plastic == learns
                if not some.any():
                    continue
                synapse = {"synapse_model": "static_synapse"}
                if learns:  # changes are shares of Wmax
                    synapse = {
                        "synapse_model": "stdp_synapse",
                        "tau_plus": -1 / np.log(work["trace_decay"]),
                        "lambda": work["a_plus"] / work["w_max"],
                        "alpha": work["a_minus"] / work["a_plus"],
                        "mu_plus": 0.0,
                        "mu_minus": 0.0,
                        "Wmax": float(work["w_max"]),
                    }
                simulator.Connect(
                    np.asarray(source.tolist())[i[some]],
                    np.asarray(units.tolist())[j[some]],
                    "one_to_one",
                    {**synapse, "weight": weight[some], "delay": np.ones(some.sum())},
                )
        recorder = simulator.Create("spike_recorder")
        simulator.Connect(units, recorder)
        return recorder

    def run() -> tuple[float, Any]:
        recorder = build()
        simulator.Prepare()
        begin = time.perf_counter()
        simulator.Run(float(n_steps))
        seconds = time.perf_counter() - begin
        simulator.Cleanup()
        return seconds, np.bincount(recorder.get("events")["senders"] - 1, minlength=int(work["n_units"]))

    return run


def torch_inputs(work: dict[str, Any], n_steps: int) -> tuple[Any, Any, Any]:
    """Return input spikes (n_steps, n_inputs) and both matrices as tensors of one thread."""
    import torch

    torch.set_num_threads(1)
    spikes = np.zeros((n_steps, len(work["start_in"]) - 1), np.float32)
    step = np.repeat(np.arange(n_steps), np.diff(work["input_start"][: n_steps + 1]))
    spikes[step, work["input"][: len(step)]] = 1
    matrices = [
        dense(*(work[name + end] for name in ("start", "target", "weight")), work["n_units"]) for end in ("", "_in")
    ]
    return torch.from_numpy(spikes), *map(torch.from_numpy, matrices)


def snntorch(work: dict[str, Any], n_steps: int) -> Run:
    """Return a run of Synaptic neurons and dense matrices; its zero reset, a step late, is a refractory step."""
    import snntorch as snn
    import torch

    assert work["refractory"] == 1
    x, W, W_in = torch_inputs(work, n_steps)
    neuron = snn.Synaptic(
        alpha=float(work["current_decay"]), beta=float(work["decay"]), threshold=float(work["threshold"]),
        reset_mechanism="zero",
    )  # fmt: skip
    W, W_in = W * float(work["gain"]), W_in * float(work["gain"])

    def run() -> tuple[float, Any]:
        with torch.no_grad():
            begin = time.perf_counter()
            spikes = current = potential = counts = torch.zeros(len(W))
            for row in x:
                counts = counts + spikes
                spikes, current, potential = neuron(W @ spikes + W_in @ row, current, potential)
            return time.perf_counter() - begin, counts.numpy()

    return run


def norse(work: dict[str, Any], n_steps: int) -> Run:
    """Return a run of a recurrent LIF cell with refractory steps and dense matrices."""
    import torch
    from norse.torch.functional.lif import LIFFeedForwardState, LIFParameters
    from norse.torch.functional.lif_refrac import (
        LIFRefracFeedForwardState,
        LIFRefracParameters,
        lif_refrac_feed_forward_step,
    )

    x, W, W_in = torch_inputs(work, n_steps)
    parameters = LIFRefracParameters(
        LIFParameters(
            tau_syn_inv=torch.as_tensor(1000 * (1 - float(work["current_decay"]))),
            tau_mem_inv=torch.as_tensor(1000 * (1 - float(work["decay"]))),
            v_th=torch.as_tensor(float(work["threshold"])),
        ),
        torch.as_tensor(float(work["refractory"])),
    )
    scale = float(work["gain"]) / (1 - float(work["decay"]))
    W, W_in = W * scale, W_in * scale

    def run() -> tuple[float, Any]:
        with torch.no_grad():
            begin = time.perf_counter()
            counts = spikes = torch.zeros(len(W))
            state = LIFRefracFeedForwardState(LIFFeedForwardState(torch.zeros(len(W)), torch.zeros(len(W))), spikes)
            for row in x:
                counts = counts + spikes
                current = W @ spikes + W_in @ row
                spikes, state = lif_refrac_feed_forward_step(current, state, parameters, dt=0.001)
            return time.perf_counter() - begin, counts.numpy()

    return run


def bindsnet(work: dict[str, Any], n_steps: int) -> Run:
    """Return a run of current-based LIF nodes and dense matrices, which are faster here than its sparse ones."""
    from bindsnet.network import Network
    from bindsnet.network.monitors import Monitor
    from bindsnet.network.nodes import CurrentLIFNodes, Input
    from bindsnet.network.topology import Connection

    x, W, W_in = torch_inputs(work, n_steps)
    network = Network(learning=False)
    entering = Input(len(W_in.T))
    units = CurrentLIFNodes(
        len(W), thresh=float(work["threshold"]), rest=0.0, reset=0.0, tc_decay=float(-1 / np.log(work["decay"])),
        tc_i_decay=float(-1 / np.log(work["current_decay"])),
        refrac=int(work["refractory"]) + 1,  # it counts the step of the spike itself
    )  # fmt: skip
    network.add_layer(entering, "input")
    network.add_layer(units, "units")
    for source, name, matrix in ((entering, "input", W_in), (units, "units", W)):
        weights = (matrix.T * float(work["gain"])).contiguous()
        network.add_connection(Connection(source, units, w=weights), name, "units")
    monitor = Monitor(units, ["s"], time=n_steps)
    network.add_monitor(monitor, "spikes")

    def run() -> tuple[float, Any]:
        network.reset_state_variables()
        begin = time.perf_counter()
        network.run({"input": x}, time=n_steps, one_step=True)  # input acts in the step that it comes in
        seconds = time.perf_counter() - begin
        return seconds, monitor.get("s")[:-1].sum(dim=(0, 1)).numpy()

    return run


PEERS = {"brian2": brian2, "nest": nest, "snntorch": snntorch, "norse": norse, "bindsnet": bindsnet}


def main() -> None:
    name, path, n_steps = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with np.load(path) as arrays:
        work = {key: array if array.ndim else array.item() for key, array in arrays.items()}
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever the library or its compiler prints is no answer
    run = PEERS[name](work, n_steps)
    for _ in sys.stdin:
        seconds, counts = run()
        answer = {"seconds": seconds, "steps/s": n_steps / seconds, "counts": np.asarray(counts, int).tolist()}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
