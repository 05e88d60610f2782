#!/usr/bin/env python3
"""Three cameras that are killed and come back 50 times.

Proves: each is recorded again within 3 s of its return; file descriptors and threads of the daemon
stay what they were, its memory grows by less than 1 MB in 100 reconnects; every file is closed and
decodes; a camera of another server loses nothing meanwhile.
"""

import os
import random
import statistics
import time

import harness
from recorded import check_camera, check_files

NAMES = ["a", "b", "c"]
ROUNDS, WARM_UP = 50, 10  # of three reconnects each
BACK_S = 3 * harness.SCALE


class Reconnect(harness.Case):
    def resources(self, pid):
        fds = len(os.listdir(f"/proc/{pid}/fd"))
        threads = len(os.listdir(f"/proc/{pid}/task"))
        return fds, threads

    def memory_kb(self, pid):
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))

    def come_back(self, daemon, port, count):
        """Starts the camera again and waits until all three are in their files number `count`."""
        server = harness.Camera(self.folder, ("h265",), port=port)
        since = time.monotonic()
        for name in NAMES:
            daemon.wait_for(daemon.of(name, "Starting recording to: "), count)
        self.assertLess(time.monotonic() - since, BACK_S, f"round {count}")
        return server

    def test_reconnect(self):
        other = harness.Camera(self.folder, ("h264",))
        server = harness.Camera(self.folder, ("h265",))
        cameras = [{"name": name, "rtspUrl": server.url(f"/h265/{name}")} for name in NAMES]
        cameras.append({"name": "other", "rtspUrl": other.url("/h264")})
        daemon = harness.Daemon(self.folder, cameras, interval=300)
        daemon.wait_recording(["other", *NAMES])
        seen = [self.resources(daemon.pid)]
        memory = []
        chance = random.Random(1)
        for number in range(1, ROUNDS + 1):
            server.kill()
            daemon.wait_closed(NAMES, number)
            if number % 10 == 0:  # several attempts fail
                time.sleep(chance.uniform(0.5, 2))
            server = self.come_back(daemon, server.port, number + 1)
            memory.append(self.memory_kb(daemon.pid))
            seen.append(self.resources(daemon.pid))
        # At any one moment the catalog may have files open for that moment.
        before = tuple(map(min, *seen[:WARM_UP]))
        harness.wait_until(lambda: self.resources(daemon.pid) == before,
                           f"{before} descriptors and threads again")
        first, last = memory[WARM_UP - 2:WARM_UP + 3], memory[-5:]
        growth_kb = statistics.median(last) - statistics.median(first)
        per_100_kb = growth_kb * 100 / (len(NAMES) * (ROUNDS - WARM_UP))
        print(f"memory grew by {per_100_kb:.0f} kB in 100 reconnects: {memory}")
        if not os.environ.get("RTSPREC_SANITIZE"):
            self.assertLess(per_100_kb, 1000, memory)

        stopped_us = daemon.stop()
        self.assertEqual(daemon.parts(), [])
        check_camera(daemon, "other", other, "/h264", stopped_us, "va")
        for name in NAMES:
            files = daemon.segments(name)
            self.assertEqual(len(files), ROUNDS + 1)
            check_files(files[::10])
            lost = daemon.find(daemon.of(name, "Camera lost: .*closed the connection"))
            self.assertEqual(len(lost), ROUNDS, "another reason than the one that was")


if __name__ == "__main__":
    harness.main()
