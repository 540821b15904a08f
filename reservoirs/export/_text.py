"""C text: numbers, arrays, and templates with this model's names and sizes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np

_TYPES = {"f4": "float", "u8": "uint64_t", "u4": "uint32_t", "u2": "uint16_t", "u1": "uint8_t"} | {
    "i4": "int32_t",
    "i2": "int16_t",
    "i1": "int8_t",
}
_WIDTH = 110


@dataclass(frozen=True)
class Array:
    """A constant array."""

    name: str
    values: np.ndarray
    comment: str = ""

    @property
    def n_bytes(self) -> int:
        """What it takes in flash."""
        return self.values.nbytes

    def text(self) -> str:
        """Return its definition."""
        numbers = [literal(value) for value in self.values.reshape(-1)] or ["0"]
        lines, line = [], ""
        for number in numbers:
            if len(line) + len(number) > _WIDTH:
                lines.append(line)
                line = ""
            line += f"{number}, "
        lines.append(line)
        body = "\n".join(f"    {line.rstrip()}" for line in lines)
        comment = f"/* {self.comment} */\n" if self.comment else ""
        ctype = _TYPES[self.values.dtype.str[1:]]
        return f"{comment}static const {ctype} name_{self.name}[] NAME_FLASH = {{\n{body}\n}};\n"


def smallest_unsigned(values: Any) -> np.ndarray:
    """Return non-negative integers in the smallest type that C has for them."""
    array = np.asarray(values)
    for dtype in (np.uint8, np.uint16):
        if array.size == 0 or array.max() <= np.iinfo(dtype).max:
            return array.astype(dtype)
    return array.astype(np.uint32)


def template(name: str, sizes: dict[str, int]) -> str:
    """Return a template without the branches that these sizes rule out."""
    text = (resources.files(__package__) / "templates" / f"{name}.c").read_text(encoding="utf-8")
    return _without_dead_branches(text, sizes)


def rename(text: str, name: str) -> str:
    """Give identifiers and macros the model's prefix."""
    prefixes = {"name_": f"{name}_", "NAME_": f"{name.upper()}_"}
    return re.sub(r"\b(name|NAME)_", lambda found: prefixes[found[0]], text)


def literal(value: Any) -> str:
    if isinstance(value, np.uint64):
        return f"0x{int(value):016x}ull"
    if not isinstance(value, np.floating):
        return str(int(value))
    # 9 digits tell every float32 from every other.
    text = f"{value:.9g}"
    return f"{text}f" if any(c in text for c in ".e") else f"{text}.0f"


def _without_dead_branches(text: str, sizes: dict[str, int]) -> str:
    """Resolve the conditionals that ask for sizes only, and leave the others to the C compiler."""
    out: list[str] = []
    # A conditional of each depth: what of it is seen, and whether one of its branches was; None for the compiler's.
    open_: list[list[bool] | None] = []
    for line in text.splitlines():
        directive = re.match(r"#(if|elif|else|endif)\b(.*)", line)
        alive = all(level is None or level[0] for level in open_)
        if directive is None:
            if alive:
                out.append(line)
            continue
        word, condition = directive.groups()
        if word == "if":
            truth = _truth(condition, sizes)
            open_.append(None if truth is None else [truth, truth])
        level = open_[-1]
        if level is None:
            if alive:
                out.append(line)
        elif word == "elif":
            level[0] = not level[1] and bool(_truth(condition, sizes))
            level[1] = level[1] or level[0]
        elif word == "else":
            level[0] = not level[1]
        if word == "endif":
            open_.pop()
    return "\n".join(out) + "\n"


def _truth(condition: str, sizes: dict[str, int]) -> bool | None:
    """Return the value of comparisons of sizes joined by &&; None if they are not that."""
    truth = True
    for part in condition.split("&&"):
        asked = re.fullmatch(r"\s*NAME_(\w+)(?:\s*(>|==)\s*(\d+))?\s*", part)
        if asked is None or asked[1] not in sizes:
            return None
        size = sizes[asked[1]]
        bound = int(asked[3] or 0)
        truth = truth and (size == bound if asked[2] == "==" else size > bound)
    return truth
