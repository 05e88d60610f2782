"""What processes cost, as the kernel counts it."""

import ctypes
import os
import re
import subprocess
import time
from pathlib import Path

libc = ctypes.CDLL(None)


def cpu_seconds(pids):
    """User and system time of processes since each began, of all their threads, to the ns."""
    total = 0
    for pid in pids:
        clock = ctypes.c_int()
        error = libc.clock_getcpuclockid(pid, ctypes.byref(clock))
        if error:
            raise OSError(error, os.strerror(error))
        total += time.clock_gettime_ns(clock.value)
    return total / 1e9


def machine_busy():
    """Seconds that all CPUs together have not been idle, since the boot."""
    fields = [int(field) for field in
              Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def memory(pids):
    """Bytes of all processes: {"Rss": …, "Pss": …, "Anonymous": …}"""
    total = {"Rss": 0, "Pss": 0, "Anonymous": 0}
    for pid in pids:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        for name in total:
            total[name] += int(re.search(rf"^{name}:\s+(\d+) kB", text, re.M)[1]) * 1024
    return total


def system_calls_by_perf(pids, seconds):
    result = subprocess.run(
        ["perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "-p", ",".join(map(str, pids)),
         "--", "sleep", str(seconds)], capture_output=True, text=True)
    found = re.search(r"^(\d+),,raw_syscalls", result.stderr, re.M)
    return int(found[1]) / seconds if result.returncode == 0 and found else None


def system_calls_by_strace(pids, seconds):
    """Of at most ten processes, as it slows them down; the others are taken to be like them."""
    traced = pids[:10]
    command = ["timeout", "-s", "INT", str(seconds), "strace", "-f", "-c"]
    for pid in traced:
        command += ["-p", str(pid)]
    result = subprocess.run(command, capture_output=True, text=True)
    found = re.search(r"^100\.00\s+\S+\s+(?:\d+\s+)?(\d+).* total$", result.stderr, re.M)
    return int(found[1]) / seconds * len(pids) / len(traced) if found else None


def system_calls(pids, seconds):
    """Calls a second of all processes together; None where neither tool may look."""
    for way in (system_calls_by_perf, system_calls_by_strace):
        try:
            calls = way(pids, seconds)
        except FileNotFoundError:
            continue
        if calls is not None:
            return calls
    return None


def callgrind(pid, on):
    subprocess.run(["callgrind_control", "-i", "on" if on else "off", str(pid)], check=True,
                   capture_output=True)


def callgrind_instructions(folder):
    """Of all dumps in the folder."""
    return sum(int(count) for path in folder.glob("callgrind.out*")
               for count in re.findall(r"^totals: (\d+)", path.read_text(errors="replace"), re.M))
