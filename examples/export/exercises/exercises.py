"""From a smart watch's recordings to a firmware that tells seven exercises, run on an emulated Cortex-M4F and plotted.

    python exercises.py [--dtype int8] [--units 100]

Needs ``pip install matplotlib`` and ``pip install --no-deps seglearn`` (the recordings); Debian's gcc-arm-none-eabi,
libnewlib-arm-none-eabi and qemu-system-arm. docs/embedded.md walks through it.
"""

import argparse
import subprocess
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from reservoirs import ESNClassifier
from reservoirs.datasets import load_watch
from reservoirs.export import to_c

HERE = Path(__file__).parent
WINDOW = 200  # rows: 4 seconds at 50 Hz
TESTED = (1, 4, 7)  # of ten persons
CHIP = ["-mthumb", "-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"]
EMULATOR = ["qemu-system-arm", "-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "none", "-semihosting"]


def windows(watch, tested, every):
    """Cut the series of some persons into windows of raw acceleration; return them and their exercises."""
    X, y = [], []
    for series, exercise, person in zip(watch.data, watch.target, watch.subject, strict=True):
        if (person in TESTED) == tested:
            for begin in range(0, len(series) - WINDOW + 1, every):
                X.append(series[begin : begin + WINDOW, :3])
                y.append(exercise)
    return np.stack(X), np.array(y)


def build(folder):
    """Compile the firmware; return the program, and its bytes of flash and RAM."""
    source = [HERE / "main.c", HERE.parent / "cortex_m" / "start.c"]
    options = ["-O2", f"-DWINDOW={WINDOW}", f"-I{folder}", "-ffunction-sections", "-Wl,--gc-sections", "-nostartfiles"]
    linked = ["-T", HERE.parent / "cortex_m" / "link.ld", "-lc", "-lgcc", "--specs=nosys.specs"]
    program = folder / "exercises.elf"
    subprocess.run(["arm-none-eabi-gcc", *CHIP, *options, *source, "-o", program, *linked], check=True)
    done = subprocess.run(["arm-none-eabi-size", program], check=True, capture_output=True, text=True)
    text, data, bss = map(int, done.stdout.splitlines()[1].split()[:3])
    return program, text + data, data + bss


def run(program, X):
    """Feed windows to the firmware, as the sensor would; return what it prints of each."""
    (program.parent / "input.bin").write_bytes(X.astype("<f4").tobytes())
    done = subprocess.run([*EMULATOR, "-kernel", program], capture_output=True, text=True, cwd=program.parent)
    return np.array([int(line) for line in (done.stdout + done.stderr).split()])


def plot(path, X, names, true, told):
    """Show the windows one after another, with the exercise that the firmware told of each."""
    figure = Figure(figsize=(11, 4), layout="constrained")
    above, below = figure.subplots(2, sharex=True, height_ratios=(3, 2))
    seconds = np.arange(X.shape[0] * WINDOW) / 50
    above.plot(seconds, X.reshape(-1, 3), linewidth=0.5, label=["x", "y", "z"])
    above.set_ylabel("acceleration in g")
    above.legend(loc="upper right", ncols=3)
    middle = (np.arange(len(true)) + 0.5) * WINDOW / 50
    below.step(middle, true, where="mid", color="0.7", linewidth=5, label="done")
    below.plot(middle, told, ".", label="told by the firmware")
    below.set_yticks(range(len(names)), names)
    below.set_xlabel("seconds")
    below.legend(loc="lower right")
    figure.savefig(path, dpi=110)


def main(arguments=None):
    """Train, export, build, run and plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dtype", choices=("float32", "int16", "int8"), default="float32")
    parser.add_argument("--units", type=int, default=100)
    parser.add_argument("--output", type=Path, default=HERE / "build", help="folder of the firmware and the picture")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)

    watch = load_watch()
    X, y = windows(watch, tested=False, every=WINDOW // 2)
    X_test, y_test = windows(watch, tested=True, every=WINDOW)
    model = ESNClassifier(
        options.units, leak_rate=0.6, input_scaling=1.0, features="states+squares", random_state=0
    ).fit(X, y)
    print(f"In Python, float64: {model.score(X_test, y_test):.3f} of {len(y_test)} windows told")

    code = to_c(model, "exercises", dtype=options.dtype, refit=None if options.dtype == "float32" else (X, y))
    code.write(options.output)
    program, flash, ram = build(options.output)
    print(f"Firmware, {options.dtype}: {flash / 1024:.1f} KB of flash, {ram / 1024:.2f} KB of RAM and the stack")

    told = model.classes_[run(program, X_test)]
    print(f"On the emulated Cortex-M4F: {(told == y_test).mean():.3f}")
    print(f"As Python runs the same C: {'the same classes' if (told == code.predict(X_test)).all() else 'OTHERS'}")
    shown = slice(0, 60)
    plot(options.output / "exercises.png", X_test[shown], watch.target_names, y_test[shown], told[shown])
    print(f"Wrote {options.output / 'exercises.png'}")


if __name__ == "__main__":
    main()
