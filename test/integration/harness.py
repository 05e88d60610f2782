"""What the integration tests share: cameras and the daemon as processes, and what they left.

Every test runs real programs over the loopback and waits for what they say or write, each time with
a deadline. ctest names the programs in environment variables (CMakeLists.txt), and says in
RTSPREC_TEST_SCALE how many times slower than usual they are, as under a sanitizer.
"""

import atexit
import ctypes
import json
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

SCALE = float(os.environ.get("RTSPREC_TEST_SCALE", "1"))
DEADLINE_S = 30 * SCALE  # for what usually takes a second or two, on a machine with other work
SKIPPED = 77  # ctest's SKIP_RETURN_CODE
IS_CAMPAIGN = bool(os.environ.get("RTSPREC_CAMPAIGN"))

_libc = ctypes.CDLL(None)
_processes = []


def program(name):
    """The path of a program that ctest names."""
    path = os.environ.get(name, "")
    assert path, f"{name} is not set: it was not built, or ctest does not run this"
    return path


def amount(short, campaign):
    """How often or how long: few times in the normal tests, many in `./check --campaign`."""
    return campaign if IS_CAMPAIGN else short


def clip(name):
    return f"{program('CLIPS')}/{name}.mkv"


def wait_until(condition, what, seconds=None):
    """Polls what cannot be waited for otherwise (files); returns the first true value."""
    deadline = time.monotonic() + (seconds or DEADLINE_S)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"in vain waited for {what}")
        time.sleep(0.02)


def run(*command, **options):
    """Runs a program to its end and returns what it said."""
    options = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True,
               "timeout": 4 * DEADLINE_S, **options}
    return subprocess.run([str(word) for word in command], check=False, **options)


class OwnClock:
    """A program's real-time clock that is not that of all others, in a file (own_clock.c)."""

    def __init__(self, folder, ahead_s):
        self.file = Path(folder) / "own-clock"
        self.env = {"LD_PRELOAD": program("OWN_CLOCK"), "OWN_CLOCK": str(self.file)}
        self.file.touch()
        self.set(ahead_s)

    def set(self, ahead_s):
        """Whole seconds; running programs follow."""
        with open(self.file, "r+b", buffering=0) as file:
            file.write(struct.pack("=q", ahead_s))


def _die_with_parent():
    _libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Process:
    """A child whose lines are kept as they come, in `out` (stdout) and `err`.

    `times` says of each line of `out` when it came, seconds since 1970.
    """

    def __init__(self, *command, env=None, cwd=None):
        self.out, self.err, self.times = [], [], []
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, errors="replace", bufsize=1, cwd=cwd,
            env={**os.environ, **(env or {})}, preexec_fn=_die_with_parent)
        self.pid = self.process.pid
        self._open_pipes = 2
        self._readers = []
        for pipe, lines in ((self.process.stdout, self.out), (self.process.stderr, self.err)):
            reader = threading.Thread(target=self._read, args=(pipe, lines), daemon=True)
            reader.start()
            self._readers.append(reader)
        _processes.append(self)

    def _read(self, pipe, lines):
        for line in pipe:
            with self._changed:
                if lines is self.out:
                    self.times.append(time.time())
                lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._open_pipes -= 1
            self._changed.notify_all()

    def find(self, pattern, start=0):
        return [line for line in self.out[start:] if re.search(pattern, line)]

    def time_of(self, pattern, start=0):
        """When the first line came that matches, seconds since 1970."""
        return next(when for line, when in zip(self.out[start:], self.times[start:])
                    if re.search(pattern, line))

    def count_until(self, when, pattern):
        """How many of the lines that match came before, seconds since 1970."""
        return sum(came < when and bool(re.search(pattern, line))
                   for line, came in zip(self.out, self.times))

    def wait_for(self, pattern, count=1, start=0, seconds=None):
        """Waits until so many lines of stdout match; returns the last of these as a match."""
        deadline = time.monotonic() + (seconds or DEADLINE_S)
        with self._changed:
            while True:
                found = self.find(pattern, start)
                if len(found) >= count:
                    return re.search(pattern, found[count - 1])
                left = deadline - time.monotonic()
                if left <= 0 or self._open_pipes == 0:
                    raise AssertionError(
                        f"{len(found)} of {count} lines match {pattern!r}, "
                        f"{'too late' if left <= 0 else self.end()}:\n{self.tail()}")
                self._changed.wait(left)

    def end(self):
        return f"the program ended with {self.process.wait(DEADLINE_S)}"

    def tail(self, count=60):
        return "\n".join(self.out[-count:] + self.err[-count:])

    def send(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=None):
        code = self.process.wait(seconds or DEADLINE_S)
        for reader in self._readers:
            reader.join(DEADLINE_S)
        return code

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@atexit.register
def _kill_all():
    for process in _processes:
        process.kill()


class Unit:
    """A line of rtspcam's log: an access unit that it served."""

    def __init__(self, line):
        field = line.split("\t")
        self.unix_us, self.path, self.session, self.track = (int(field[0]), *field[1:4])
        self.n, self.clip_index, self.is_key = int(field[4]), int(field[5]), field[6] == "1"
        self.bytes, self.pts_us, self.hash = int(field[7]), int(field[8]), field[9]


class Request:
    """A line of rtspcam's log of requests: what a client asked, and what it was answered."""

    def __init__(self, line):
        field = line.split("\t")
        self.unix_us, self.path, self.method, self.sequence = int(field[0]), *field[1:4]
        self.url, self.scheme, self.connection = field[4], field[5], int(field[6])
        self.status = int(field[7])  # 0: no answer

    def __repr__(self):
        return f"{self.method} {self.url} {self.status}"


class Camera(Process):
    """rtspcam, listening.

    address: where; prefix: words before the program, as `ip netns exec NAME`
    """

    def __init__(self, folder, clips, *arguments, port=0, address="127.0.0.1", prefix=()):
        self.log = Path(folder) / f"served-{len(_processes)}.tsv"
        self.requests = Path(folder) / f"requests-{len(_processes)}.tsv"
        words = [word for name in clips for word in ("--clip", f"{name}={clip(name)}")]
        super().__init__(*prefix, program("RTSPCAM"), "--port", port, "--bind", address, "--log",
                         self.log, "--requests", self.requests, *words, *arguments)
        self.address = address
        self.port = int(self.wait_for(rf"listening on {re.escape(address)}:(\d+)$").group(1))

    def url(self, path, login=""):
        return f"rtsp://{login}{self.address}:{self.port}{path}"

    def asked(self, path=None):
        """The requests so far, those on a path only where one is given; whole lines only."""
        text = self.requests.read_text()
        requests = (Request(line) for line in text[:text.rfind("\n") + 1].splitlines())
        return [request for request in requests if path in (None, request.path)]

    def set(self, path, *settings):
        """Changes how a path behaves: "KEY VALUE" or "KEY=VALUE"."""
        for setting in settings:
            self.say(f"set {path} {setting.replace('=', ' ', 1)}")

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def served(self, path, track="v"):
        """What went out on a path so far, whole lines only."""
        text = self.log.read_text()
        units = (Unit(line) for line in text[:text.rfind("\n") + 1].splitlines())
        return [unit for unit in units if unit.path == path and unit.track == track]


class Daemon(Process):
    """rtsprecd with a configuration of its own in a folder."""

    def __init__(self, folder, cameras, *arguments, interval=2, extension="mp4", env=None,
                 **settings):
        self.folder = Path(folder)
        self.output = self.folder / "video"
        recording = {"videoOutPath": str(self.output), "fileIntervalSeconds": interval,
                     "videoFileExtension": extension}
        self.config = self.write_config(
            folder, {"global": {**settings, "recording": recording}, "cameras": cameras})
        super().__init__(program("RTSPRECD"), "--config", self.config, *arguments,
                         env=env, cwd=folder)

    @staticmethod
    def write_config(folder, configuration):
        file = Path(folder) / f"config-{len(_processes)}.json"
        file.write_text(json.dumps(configuration, indent=1))
        return file

    def of(self, camera, text=""):
        """A pattern for the lines of a camera."""
        return f" - CameraProcessor-{re.escape(camera)} - .*{text}"

    def wait_recording(self, cameras, segments=1, seconds=None):
        for name in cameras:
            self.wait_for(self.of(name, "Starting recording to: "), segments, seconds=seconds)

    def wait_closed(self, cameras, segments=1, seconds=None):
        for name in cameras:
            self.wait_for(self.of(name, "Segment closed: "), segments, seconds=seconds)

    def segments(self, camera):
        """The closed files of a camera, in the order of their names' times."""
        def order(path):
            time_of_day, _, number = path.stem.partition("-")
            return path.parent.name, time_of_day, int(number or 1)
        files = (self.output / camera).glob("????-??-??/*")
        return sorted((file for file in files if file.suffix in (".mp4", ".mkv")), key=order)

    def parts(self):
        return list(self.output.glob("*/*/*.part"))

    def stop(self):
        """Ends the daemon as an init system does. Returns when that was asked, µs since 1970."""
        asked_us = time.time_ns() // 1000
        self.send(signal.SIGTERM)
        code = self.wait()
        if code != 0 or self.err:
            raise AssertionError(f"rtsprecd ended with {code}:\n{self.tail()}")
        return asked_us


class Case(unittest.TestCase):
    """A test with a folder of its own. When it fails, what its processes said is shown."""

    def run(self, result=None):
        first = len(_processes)
        bad = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > bad:
            for process in _processes[first:]:
                print(f"--- {process.process.args}\n{process.tail()}", file=sys.stderr)
        for process in _processes[first:]:
            process.kill()

    def setUp(self):
        keep = os.environ.get("RTSPREC_TEST_KEEP")
        if keep:
            self.folder = Path(tempfile.mkdtemp(dir=keep))
            return
        temporary = tempfile.TemporaryDirectory(prefix="rtsprec-", ignore_cleanup_errors=True)
        self.folder = Path(temporary.name)
        self.addCleanup(temporary.cleanup)
        self.addCleanup(_kill_all)  # before the folder goes


def skip(reason):
    """Ends a test file that cannot run here."""
    print(f"skipped: {reason}", flush=True)
    os._exit(SKIPPED)


def main(needed=None):
    """Runs the file's tests; needed: a program without which they cannot run."""
    if needed and not os.environ.get(needed):
        skip(f"{needed} was not built")
    unittest.main(module="__main__", verbosity=2)
