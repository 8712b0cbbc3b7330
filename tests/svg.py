"""An SVG figure read back: its layers by id, its words, and its curves in time and probability."""

from dataclasses import dataclass
from xml.etree import ElementTree as ET

import numpy as np

from app.analysis.arrays import FloatArray

SPACE = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class Word:
    """A text of the figure, where it stands, and from which of its ends."""

    text: str
    x: float
    y: float
    anchor: str


class Picture:
    """A figure as a program can read it."""

    def __init__(self, content: bytes) -> None:
        self.root = ET.fromstring(content)  # noqa: S314 - it is our own
        self.layers = {group.attrib["id"]: group for group in self.root.iter(f"{SPACE}g") if "id" in group.attrib}

    def child(self, name: str) -> str:
        """Return the text of the title or the description."""
        found = self.root.find(f"{SPACE}{name}")
        assert found is not None
        return found.text or ""

    def paths(self, layer: str) -> list[list[FloatArray]]:
        """Return the lines of each path of a layer, as arrays [points, 2] in px."""
        return [_lines(path.attrib["d"]) for path in self.layers[layer].iter(f"{SPACE}path")]

    def words(self, layer: str | None = None) -> list[Word]:
        """Return the words of a layer, or of the figure."""
        elements = (self.root if layer is None else self.layers[layer]).iter(f"{SPACE}text")
        return [
            Word(one.text or "", float(one.attrib["x"]), float(one.attrib["y"]), _anchor(one.attrib["style"]))
            for one in elements
        ]

    def texts(self, layer: str | None = None) -> list[str]:
        """Return the words of a layer, or of the figure, without their places."""
        return [word.text for word in self.words(layer)]

    def ticks(self, panel: int = 0) -> FloatArray:
        """Return where the ticks of the time axis stand, in px."""
        return np.array([line[0, 0] for line in self.paths(f"time-axis-{panel}")[1]])

    def curve(self, number: int, times: list[float], panel: int = 0) -> tuple[FloatArray, FloatArray]:
        """Return the corners of a curve, by ticks that stand at known times and at 0 and 1."""
        ((line,),) = self.paths(f"curve-{number}")
        x, heights = self.ticks(panel), [line[0, 1] for line in self.paths(f"value-axis-{panel}")[1]]
        time = times[0] + (line[:, 0] - x[0]) / (x[-1] - x[0]) * (times[-1] - times[0])
        return time, (line[:, 1] - heights[0]) / (heights[-1] - heights[0])

    def steps(self, number: int, times: list[float], panel: int = 0) -> FloatArray:
        """Return where a curve steps, and to which probability; shape [steps, 2]."""
        time, value = self.curve(number, times, panel)
        steps = np.flatnonzero(np.abs(np.diff(value)) > 1e-6)
        np.testing.assert_allclose(time[steps], time[steps + 1], atol=1e-9 * times[-1])
        return np.column_stack((time, value))[steps + 1]


def steps_of(time: list[float], value: list[float], first: float) -> FloatArray:
    """Return where the curve of a JSON answer steps, and to which probability; shape [steps, 2]."""
    return np.column_stack((time, value))[np.abs(np.diff(value, prepend=first)) > 1e-6]


def _anchor(style: str) -> str:
    return style.partition("text-anchor: ")[2].partition(";")[0]


def _lines(d: str) -> list[FloatArray]:
    lines: list[list[list[float]]] = []
    for letter, x, y in zip(*[iter(d.replace("z", "").split())] * 3, strict=True):
        if letter == "M":
            lines.append([])
        lines[-1].append([float(x), float(y)])
    return [np.array(line) for line in lines]
