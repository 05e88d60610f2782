"""What processes cost, as the kernel counts it."""

import os
import re
import subprocess
from pathlib import Path

TICK_NS = 10**9 // os.sysconf("SC_CLK_TCK")


class CpuTimes:
    """CPU time of processes at one moment, user and system."""

    def __init__(self, pids):
        self.processes = {pid: self.read(pid) for pid in pids}

    @staticmethod
    def read(pid):
        """(nanoseconds by thread, ticks of the whole process)"""
        threads = {}
        for thread in Path(f"/proc/{pid}/task").iterdir():
            try:
                threads[thread.name] = int((thread / "schedstat").read_text().split()[0])
            except FileNotFoundError:
                pass
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return threads, int(fields[11]) + int(fields[12])

    def since(self, before):
        """Seconds. A thread that has ended is no longer in the exact counts, only in the ticks."""
        total = 0
        for pid, (threads, ticks) in self.processes.items():
            threads_before, ticks_before = before.processes[pid]
            if threads_before.keys() <= threads.keys() and any(threads.values()):
                total += sum(threads.values()) - sum(threads_before.values())
            else:
                total += (ticks - ticks_before) * TICK_NS
        return total / 1e9


def machine_busy():
    """Seconds that all CPUs together have not been idle, since the boot."""
    fields = [int(field) for field in
              Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) * TICK_NS / 1e9


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
