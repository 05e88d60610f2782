"""Tables and plots of what cost.py has measured."""

import json
import os
import platform
import re
import subprocess
from pathlib import Path

import cost_recorders as recorders

BEGIN, END = "<!-- cost.py writes what follows -->", "<!-- cost.py wrote this -->"
WIRES = {"burst": "A frame at once (burst)",
         "wire": "Segments of 1448 bytes at 100 Mbit/s, as from a camera (wire)"}

# A recorder that falls behind by more, or loses more, was not measured at the load that its row
# is about.
KEEPS_UP_FRAMES, KEEPS_UP_LOST = 0.95, 0.001


def per_gb(result, what="cpu_seconds"):
    amount = result["whole_bytes"] if what.startswith("whole_") else result["bytes"]
    return result[what] / amount * 1e9


def has_recorded(result):
    return not result.get("failure") and result["bytes"] > 0


def keeps_up(result):
    return (has_recorded(result) and
            result["frames"] >= KEEPS_UP_FRAMES * result["expected_frames"] and
            result["frames_lost"] <= KEEPS_UP_LOST * result["frames_sent"])


def least_per_gb(result, what="cpu_seconds"):
    """The cost, or the least that it can be: a recorder that does not keep up spends for what it
    gets no more than it would for all that the cameras have for it."""
    if keeps_up(result):
        return per_gb(result, what)
    if what.startswith("whole_"):
        sent = result["whole_frames"]
        return per_gb(result, what) * sent / (sent + result["whole_dropped"])
    return per_gb(result, what) * min(1, result["frames"] / result["expected_frames"])


def one_line(result):
    head = f"{result['wire']} {result['cameras']} {result['recorder']}: "
    if result.get("failure"):
        return head + result["failure"]
    calls = result["system_calls"]
    return head + (
        f"{per_gb(result):.2f} s/GB, {per_gb(result, 'whole_cpu_seconds'):.2f} from the start, "
        f"PSS {result['memory']['Pss'] / 1e6:.1f} MB, "
        f"{calls / result['cameras'] if calls is not None else -1:.0f} calls/s per camera, "
        f"frames {result['frames_sent']} sent {result['frames_written']} written "
        f"{result['frames_lost']} lost ({result['frames_dropped']} dropped), "
        f"{result['reconnects']} reconnects, "
        f"{result['frames'] / result['expected_frames']:.3f} of the load, "
        f"load generator {per_gb(result, 'load_cpu_seconds'):.2f} s/GB, "
        f"others {result['other_cpu_seconds'] / result['seconds'] * 100:.0f} % of a core")


def median(results):
    """Of the runs of one recorder; one that does not keep up only when none does."""
    good = (list(filter(keeps_up, results)) or
            [result for result in results if has_recorded(result)])
    return sorted(good, key=least_per_gb)[len(good) // 2] if good else results[0]


def ratio(result, other, what="cpu_seconds"):
    if not other or not has_recorded(other):
        return "-"
    sign = "" if keeps_up(other) else "≤ "
    return f"{sign}{per_gb(result, what) / least_per_gb(other, what):.2f}"


def row(result, ffmpeg, floor):
    cells = [str(result["cameras"]), result["label"]]
    if not has_recorded(result):
        return cells + ["did not record"] + ["-"] * 11
    cameras = result["cameras"]
    memory = [f"{result['memory'][kind] / cameras / 1e6:.2f}"
              for kind in ("Pss", "Rss", "Anonymous")]
    calls = result["system_calls"]
    calls = "-" if calls is None else f"{calls / cameras:.0f}"
    lost = f"{result['frames_lost']} of {result['frames_sent'] + result['frames_dropped']}"
    if keeps_up(result):
        whole = "whole_cpu_seconds"
        cells += [f"{per_gb(result):.2f}", ratio(result, ffmpeg), ratio(result, floor),
                  f"{per_gb(result, whole):.2f}", ratio(result, ffmpeg, whole)]
    else:
        cells += [f"does not keep up (≥ {least_per_gb(result):.2f})"] + ["-"] * 4
    percent = result["cpu_seconds"] / result["seconds"] / cameras * 100
    return cells + [f"{percent:.3f}", *memory, calls, lost,
                    f"{per_gb(result, 'load_cpu_seconds'):.2f}"]


HEADINGS = ["cameras", "recorder", "CPU s/GB", "of ffmpeg", "of the floor", "from the start",
            "that of ffmpeg", "CPU % per camera", "PSS MB", "RSS MB", "anonymous MB",
            "system calls/s", "frames lost", "load generator s/GB"]


def table(rows):
    lines = [HEADINGS, ["---:", "---"] + ["---:"] * (len(HEADINGS) - 2)] + rows
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def cpu_name():
    found = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    return found[1] if found else platform.machine()


def file_system(folder):
    result = subprocess.run(["findmnt", "-n", "-o", "FSTYPE", "-T", folder], capture_output=True,
                            text=True)
    return result.stdout.strip() or "an unknown file system"


def can_write(folder):
    path = folder / "performance.md"
    return path.exists() and BEGIN in path.read_text() and END in path.read_text()


class Document:
    """Results as cost.py's run() returns them, and what they are about."""

    def __init__(self, machine, results=(), instructions=None):
        self.machine, self.results, self.instructions = machine, list(results), instructions

    @classmethod
    def of_this_machine(cls, folder):
        return cls({"cpus": os.cpu_count(), "cpu": cpu_name(), "kernel": platform.release(),
                    "file_system": file_system(folder)})

    @classmethod
    def load(cls, path):
        data = json.loads(path.read_text())
        return cls(data["machine"], data["results"], data["instructions_per_byte"])

    def save(self, path):
        path.write_text(json.dumps({"machine": self.machine,
                                    "instructions_per_byte": self.instructions,
                                    "results": self.results}, indent=1))

    def groups(self, wire):
        """{cameras: [median result of each recorder]}"""
        groups = {}
        for result in self.results:
            if result["wire"] == wire:
                names = groups.setdefault(result["cameras"], {})
                names.setdefault(result["recorder"], []).append(result)
        return {cameras: [median(runs) for runs in names.values()]
                for cameras, names in groups.items()}

    def markdown(self):
        machine = self.machine
        parts = [f"{machine['cpus']} CPUs ({machine['cpu']}), Linux {machine['kernel']}, "
                 f"recorded to {machine['file_system']}."]
        measured = [result for result in self.results if not result.get("failure")]
        if measured:
            seconds = min(result["seconds"] for result in measured)
            others = [result["other_cpu_seconds"] / result["seconds"] for result in measured]
            parts[0] += (f" {seconds:.0f} s measured per run; meanwhile the rest of the machine "
                         f"took {min(others) * 100:.0f} to {max(others) * 100:.0f} % of a core.")
        if self.instructions is not None:
            parts.append(f"User instructions of rtsprecd per byte of video, by callgrind: "
                         f"{self.instructions:.2f}.")
        for wire, title in WIRES.items():
            rows = []
            for results in self.groups(wire).values():
                by_name = {result["recorder"]: result for result in results}
                rows += [row(result, by_name.get("ffmpeg"), by_name.get("floor"))
                         for result in results]
            if rows:
                parts += [f"### {title}", table(rows)]
        return "\n\n".join(parts)

    def write(self, folder):
        """Between the marks of performance.md, and performance.svg beside it."""
        path = folder / "performance.md"
        text = path.read_text()
        head, rest = text.split(BEGIN)
        tail = rest.split(END)[1]
        path.write_text(f"{head}{BEGIN}\n\n{self.markdown()}\n\n{END}{tail}")
        (folder / "performance.svg").write_text(Plot(self).svg())


class Plot:
    """CPU seconds per GB as bars: a panel per wire, a group per number of cameras."""

    BAR, GAP, HEIGHT, LEFT, TOP, LEGEND = 22, 28, 220, 46, 34, 20
    COLOURS = ["#2166ac", "#b2182b", "#ef8a62", "#999999", "#67a9cf", "#5aae61"]

    def __init__(self, document):
        self.panels = {wire: document.groups(wire) for wire in WIRES if document.groups(wire)}
        shown = [result for groups in self.panels.values() for results in groups.values()
                 for result in results]
        self.names = list(dict.fromkeys(result["recorder"] for result in shown))
        self.colours = dict(zip(self.names, self.COLOURS))
        self.most = max((per_gb(result) for result in shown if keeps_up(result)), default=1)
        self.lines = []

    def text(self, x, y, text, anchor="middle"):
        text = text.replace("&", "&amp;").replace("<", "&lt;")
        self.lines.append(f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{text}</text>')

    def bar(self, x, result):
        bottom = self.TOP + self.HEIGHT
        if not keeps_up(result):
            self.text(x + self.BAR / 2, bottom - 4, "×")
            return
        height = per_gb(result) / self.most * self.HEIGHT
        self.lines.append(f'<rect x="{x:.0f}" y="{bottom - height:.1f}" width="{self.BAR - 2}" '
                          f'height="{height:.1f}" fill="{self.colours[result["recorder"]]}"/>')
        self.text(x + self.BAR / 2 - 1, bottom - height - 4, f"{per_gb(result):.1f}")

    def panel(self, left, wire, groups):
        """Returns where the next one may begin."""
        x = left + self.LEFT
        for cameras, results in groups.items():
            begin = x
            for result in results:
                self.bar(x, result)
                x += self.BAR
            unit = "camera" if cameras == 1 else "cameras"
            self.text((begin + x) / 2, self.TOP + self.HEIGHT + 16, f"{cameras} {unit}")
            x += self.GAP
        self.text((left + self.LEFT + x) / 2, 16, f"CPU seconds per GB, {wire}")
        bottom = self.TOP + self.HEIGHT
        self.lines.append(f'<path d="M{left + self.LEFT - 6} {bottom} H{x - self.GAP + 6}" '
                          f'stroke="#333"/>')
        return x

    def svg(self):
        right = 0
        for wire, groups in self.panels.items():
            right = self.panel(right, wire, groups)
        y = self.TOP + self.HEIGHT + 34
        for name in self.names:
            self.lines.append(f'<rect x="{self.LEFT}" y="{y}" width="12" height="12" '
                              f'fill="{self.colours[name]}"/>')
            self.text(self.LEFT + 18, y + 10, recorders.ALL[name].label.replace("`", ""), "start")
            y += self.LEGEND
        self.text(self.LEFT, y + 10, "×: did not keep up with the load", "start")
        body = "\n".join(self.lines)
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{max(right, 420):.0f}" '
                f'height="{y + 24}" font-family="sans-serif" font-size="10" fill="#333">\n'
                f'<rect width="100%" height="100%" fill="#fff"/>\n{body}\n</svg>\n')
