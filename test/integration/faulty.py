"""Cameras of one daemon that misbehave, each in its own way, and what is to come of it."""

import re
import statistics

import harness

OPEN_S, READ_S = 3, 5
LATE_S = 0.1 * harness.SCALE  # after a deadline
BACK_S = 3 * harness.SCALE  # from a camera's return to its recording
STOP_S = 1 * harness.SCALE
GROWTH_KB = 32 * 1024
GOOD = "/h265/good"


def memory_kb(pid, what="VmRSS"):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(what + ":"))


class FaultyCase(harness.Case):
    """A server with a path per fault, and a daemon that records them all."""

    def serve(self, faults, clip="h264v", clips=("h265", "h264v"), arguments=()):
        """faults: name: settings"""
        self.server = harness.Camera(self.folder, clips, *arguments)
        self.paths = {}
        for name, settings in faults.items():
            self.paths[name] = f"/{clip}/{name}"
            self.server.set(self.paths[name], *settings)

    def record(self, keys=None, interval=300, good=True, login="", **settings):
        """Starts the daemon; keys: name: a camera's own keys."""
        cameras = [{"name": name, "rtspUrl": self.server.url(path, login),
                    **(keys or {}).get(name, {})} for name, path in self.paths.items()]
        if good:
            cameras.append({"name": "good", "rtspUrl": self.server.url(GOOD, login)})
        settings = {"openTimeoutSeconds": OPEN_S, "readTimeoutSeconds": READ_S, **settings}
        self.daemon = harness.Daemon(self.folder, cameras, interval=interval, **settings)

    def lines(self, name, text):
        return self.daemon.find(self.daemon.of(name, text))

    def wait_for(self, name, text, count=1):
        return self.daemon.wait_for(self.daemon.of(name, text), count)

    def time_of(self, name, text, start=0):
        return self.daemon.time_of(self.daemon.of(name, text), start)

    def times_of(self, name, text):
        """When each line came, seconds since 1970."""
        pattern = re.compile(self.daemon.of(name, text))
        return [when for line, when in zip(self.daemon.out, self.daemon.times)
                if pattern.search(line)]

    def attempt_s(self, name):
        """How long the first attempt took that failed."""
        return self.time_of(name, "WARNING") - self.time_of(name, "Connecting")

    def served_since(self, name, session=-1):
        """What was served in a session of a path: the last one, if not told otherwise."""
        units = self.server.served(self.paths[name])
        sessions = list(dict.fromkeys(unit.session for unit in units))
        return [unit for unit in units if unit.session == sessions[session]]

    def setups(self, name):
        """URLs of the tracks that were set up on a path, behind the last slash."""
        return [request.url.rpartition("/")[2] for request in self.server.asked(self.paths[name])
                if request.method == "SETUP"]


def say(what, values, bound):
    """Prints what was measured; returns the worst."""
    print(f"measured: {what}: {len(values)} samples, median {statistics.median(values):.2f}, "
          f"at most {max(values):.2f} of {bound:g}", flush=True)
    return max(values)
