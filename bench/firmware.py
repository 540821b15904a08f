"""Building C for emulated microcontrollers and running it: what the bench and the tests of devices share.

Needs Debian's gcc-arm-none-eabi, libnewlib-arm-none-eabi and qemu-system-arm; for the AVR gcc-avr, avr-libc and simavr.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

BOARDS = Path(__file__).parents[1] / "examples" / "export"
SECTIONS = ("-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections")


@dataclass(frozen=True)
class Device:
    """A processor, its compiler and its emulator."""

    compiler: str
    emulator: list[str]
    start: str
    flags: list[str]
    linked: list[str] = field(default_factory=list)

    @property
    def missing(self) -> list[str]:
        """The programs that are not installed."""
        return [tool for tool in (self.compiler, self.emulator[0]) if not shutil.which(tool)]

    def build(self, folder: Path, main: str, *flags: str) -> Path:
        """Compile a program whose other files are in `folder`."""
        (folder / "main.c").write_text(main)
        program = folder / "main.elf"
        sources = [str(folder / "main.c"), str(BOARDS / self.start)]
        command = [self.compiler, *flags, *SECTIONS, *self.flags, f"-I{BOARDS}", f"-I{folder}", *sources]
        subprocess.run([*command, "-o", str(program), *self.linked], check=True, cwd=folder)
        return program

    def run(self, program: Path, *options: str) -> str:
        """Emulate a program to its end, in its folder; return what it printed."""
        emulator, last = self.emulator[:-1], self.emulator[-1]
        done = subprocess.run(
            [*emulator, *options, last, str(program)] if last == "-kernel" else [*self.emulator, str(program)],
            capture_output=True,
            text=True,
            timeout=600,
            cwd=program.parent,
        )
        return done.stdout + done.stderr

    def sizes(self, program: Path) -> tuple[int, int]:
        """Return the bytes of a program in flash, and of its variables in RAM."""
        tool = self.compiler.replace("gcc", "size")
        done = subprocess.run([tool, str(program)], check=True, capture_output=True, text=True)
        text, data, bss = map(int, done.stdout.splitlines()[1].split()[:3])
        return text + data, data + bss


def _cortex(machine: str, *flags: str) -> Device:
    options = ["-nographic", "-monitor", "none", "-serial", "none", "-semihosting", "-kernel"]
    return Device(
        "arm-none-eabi-gcc",
        ["qemu-system-arm", "-M", machine, *options],
        "cortex_m/start.c",
        ["-mthumb", *flags, "-nostartfiles", "-T", str(BOARDS / "cortex_m/link.ld")],
        ["-lm", "-lc", "-lgcc", "--specs=nosys.specs"],
    )


DEVICES = {
    "M4F": _cortex("mps2-an386", "-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"),
    "M3": _cortex("mps2-an385", "-mcpu=cortex-m3"),
    "M0": _cortex("microbit", "-mcpu=cortex-m0"),
    "AVR": Device(
        "avr-gcc",
        ["simavr", "-m", "atmega328p", "-f", "16000000"],
        "avr/start.c",
        ["-mmcu=atmega328p", "-DF_CPU=16000000ul"],
    ),
}
