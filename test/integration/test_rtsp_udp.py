#!/usr/bin/env python3
"""Media over UDP: unicast and multicast, with loss, in the wrong order, twice; and the way to it.

Proves: without loss every frame that was served is recorded, also when datagrams come in the wrong
order or twice; with loss what is recorded is what was served, loss is told, and no half frame is
taken for a whole one; `auto` finds the transport that a camera takes.
"""

import contextlib
import os
import shutil
import unittest

import harness
from faulty import GOOD, FaultyCase
from network import ip, make_space
from recorded import check_camera, check_files, packets

WHOLE = {"plain": [], "reorder": ["reorder=5"], "duplicate": ["duplicate=5"],
         "both": ["reorder=3", "duplicate=3"]}
LOSSY = {"loss-1": ["loss=1"], "loss-5": ["loss=5"], "loss-reorder": ["loss=3", "reorder=3"]}
AUTO = {"takes-tcp": (["transports=tcp"], "TCP"), "takes-udp": (["transports=udp"], "UDP"),
        "takes-both": ([], "TCP")}


class Udp(FaultyCase):
    def run_all(self, faults, transport):
        self.serve(faults, clip="h265v", clips=("h265", "h265v"))
        self.record({name: {"transport": transport} for name in faults}, interval=2)
        harness.wait_until(lambda: len(self.server.served(GOOD)) > 200, "eight seconds of video")
        return self.daemon.stop()

    def test_whole(self):
        stopped_us = self.run_all(WHOLE, "udp")
        for name, path in self.paths.items():
            with self.subTest(name):
                check_camera(self.daemon, name, self.server, path, stopped_us, decode=False)
                self.assertEqual(self.lines(name, " (WARNING|ERROR) "), [])

    def test_loss(self):
        """rtspcam's log names the units of which no packet was lost."""
        self.run_all(LOSSY, "udp")
        for name in LOSSY:
            with self.subTest(name):
                files = self.daemon.segments(name)
                recorded = [row.hash for file in files for row in packets(file)]
                place = {unit.hash: unit.n for unit in self.served_since(name)}
                wrong = [each for each in recorded if each not in place]
                self.assertEqual(wrong, [], "units with holes were recorded as whole")
                at = [place[each] for each in recorded]
                self.assertEqual(at, sorted(set(at)))
                self.assertEqual(len(self.lines(name, "Connecting")), 1)
                self.assertGreater(len(self.lines(name, "WARNING - .*lost")), 0)
                self.assertGreater(len(recorded), 20)

    def test_auto(self):
        stopped_us = self.run_all({name: settings for name, (settings, _) in AUTO.items()}, "auto")
        for name, path in self.paths.items():
            with self.subTest(name):
                check_camera(self.daemon, name, self.server, path, stopped_us, decode=False)
                self.assertEqual(len(self.lines(name, "Connecting")), 1)


@unittest.skipUnless(shutil.which("ip") and os.geteuid() == 0, "needs root and iproute2")
class Multicast(harness.Case):
    """In a network of its own, where the loopback is the way to every group."""

    def setUp(self):
        super().setUp()
        space = make_space(self)
        for words in ("link set lo up", "link set lo multicast on",
                      "route add 224.0.0.0/4 dev lo"):
            ip("-n", space, *words.split())
        self.inside = ("ip", "netns", "exec", space)

    @contextlib.contextmanager
    def daemon_inside(self):
        """harness.Daemon starts RTSPRECD, here through a script."""
        script = self.folder / "rtsprecd"
        script.write_text(f"#!/bin/sh\nexec {' '.join(self.inside)} "
                          f"{harness.program('RTSPRECD')} \"$@\"\n")
        script.chmod(0o755)
        real = os.environ["RTSPRECD"]
        os.environ["RTSPRECD"] = str(script)
        try:
            yield
        finally:
            os.environ["RTSPRECD"] = real

    def test_multicast(self):
        server = harness.Camera(self.folder, ("h264v",), "--set", "*",
                                "multicast=239.255.7.9:42000", prefix=self.inside)
        with self.daemon_inside():
            daemon = harness.Daemon(self.folder, [
                {"name": "cast", "rtspUrl": server.url("/h264v"), "transport": "multicast"}])
        daemon.wait_closed(["cast"], 3)
        stopped_us = daemon.stop()
        check_camera(daemon, "cast", server, "/h264v", stopped_us, decode=False)
        check_files(daemon.segments("cast")[:1])


if __name__ == "__main__":
    harness.main()
