#!/usr/bin/env python3
"""Cameras that close their connection again and again, just after a key frame.

Proves: thousands of reconnects leave no descriptor and no thread behind, and less than 1 MB.
"""

import os
import statistics

import harness
from faulty import memory_kb
from harness import amount

CAMERAS = 10
RECONNECTS = amount(400, 10000)  # of all cameras together
SAMPLES = 20
GROWTH_KB = 1024


class Reconnects(harness.Case):
    def resources(self, pid):
        return len(os.listdir(f"/proc/{pid}/fd")), len(os.listdir(f"/proc/{pid}/task"))

    def connections(self, server):
        """How often anybody asked for media."""
        return server.requests.read_text().count("\tPLAY\t")

    def test_reconnects(self):
        server = harness.Camera(self.folder, ("h264tiny",), "--set", "*", "close=0.05")
        cameras = [{"name": f"cam{i}", "rtspUrl": server.url(f"/h264tiny/{i}")}
                   for i in range(CAMERAS)]
        daemon = harness.Daemon(self.folder, cameras, interval=300)
        memory = []
        for sample in range(1, SAMPLES + 1):
            harness.wait_until(
                lambda: self.connections(server) >= sample * RECONNECTS / SAMPLES,
                f"{sample} of {SAMPLES} parts of {RECONNECTS} reconnects", 120 * harness.SCALE)
            memory.append(memory_kb(daemon.pid))
        server.set("*", "close off")
        for name in (camera["name"] for camera in cameras):
            daemon.wait_for(daemon.of(name, "Video arrives"))
        served = len(server.log.read_text())
        harness.wait_until(lambda: len(server.log.read_text()) > served + 500_000, "steady video")
        before = self.resources(daemon.pid)
        growth_kb = statistics.median(memory[-3:]) - statistics.median(memory[4:7])
        print(f"measured: memory grew by {growth_kb:.0f} kB in {RECONNECTS * 3 // 4} reconnects, "
              f"{before} descriptors and threads: {memory}", flush=True)
        if not os.environ.get("RTSPREC_SANITIZE"):
            self.assertLess(growth_kb, GROWTH_KB)
        daemon.stop()

    def test_resources(self):
        """What is open while all cameras are away is what was open before any was there."""
        server = harness.Camera(self.folder, ("h264tiny",), "--set", "*", "close=0.05")
        cameras = [{"name": f"cam{i}", "rtspUrl": server.url(f"/h264tiny/{i}")} for i in range(10)]
        daemon = harness.Daemon(self.folder, cameras, interval=300)
        harness.wait_until(lambda: self.connections(server) >= 10, "each to be there once")
        server.set("*", "status 404")
        harness.wait_until(lambda: len(daemon.find("404")) >= 10, "none to be there")
        before = self.resources(daemon.pid)
        lines = len(daemon.out)
        server.set("*", "status off")
        harness.wait_until(lambda: self.connections(server) >= 100, "reconnects")
        server.set("*", "status 404")
        daemon.wait_for("404", 20, start=lines)
        harness.wait_until(lambda: self.resources(daemon.pid) == before,
                           f"{before} descriptors and threads again")
        daemon.stop()


if __name__ == "__main__":
    harness.main()
