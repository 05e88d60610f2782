#!/usr/bin/env python3
"""A day of faults, in a minute: the ledger against what was done, and when.

Proves: of every camera every moment is recorded or missing for one reason, 100.0 % together, and the
reason is the right one at the right time, for a camera that is off, refuses the password or stalls,
a disk that is full (and the catalog with it), SIGKILL, a period of the schedule that ends or begins,
and a regular end; a catalog that is deleted is made again with the same segments.
"""

import os
import time
import unittest

import harness
from archives import coverage, segments
from disks import tmpfs
from harness import SCALE, wait_until

# What passes without a reason of its own: until the first key frame after a start.
SHORT_S = 1.0 * SCALE

CAMERA_S = 0.4 * SCALE  # what the camera did
PROGRAM_S = 1.2 * SCALE  # what the program was made to do
SIGN_OF_LIFE_S = 10


class Expected:
    """A reason, when it began, and how exactly that is known."""

    def __init__(self, reason, begin=None, tolerance=PROGRAM_S):
        self.reason, self.begin, self.tolerance = reason, begin, tolerance


def zone_in_which(seconds, hour):
    """TZ of a zone in which it is a full hour at this time."""
    ahead = hour * 3600 - int(seconds) % 86400
    sign, ahead = ("-" if ahead > 0 else "+"), abs(ahead)
    return f"<LMT>{sign}{ahead // 3600:02}:{ahead // 60 % 60:02}:{ahead % 60:02}"


@unittest.skipIf(os.geteuid() != 0, "only root mounts file systems")
class Ledger(harness.Case):
    def start_daemon(self, names, env=None, **settings):
        """Returns when."""
        cameras = []
        for name in names:
            camera = {"name": name, "rtspUrl": self.server.url(f"/h264/{name}"),
                      "recording": {"videoOutPath": str(self.archive),
                                    "mode": self.modes.get(name, "always")}}
            if name == "safe":
                camera["rtspUrl"] = self.safe_url
            cameras.append(camera)
        begin = time.time()
        self.daemon = harness.Daemon(self.folder, cameras, interval=2, env=env,
                                     readTimeoutSeconds=2, **settings)
        return begin

    def wait_video(self, name, seconds):
        """Until so much more was served."""
        before = len(self.server.served(f"/h264/{name}"))
        wait_until(lambda: len(self.server.served(f"/h264/{name}")) >= before + 25 * seconds,
                   "more video")

    def wait_begun(self, start):
        """Until the yard's next file after a line of the log; returns when that was begun."""
        opened = self.daemon.of("yard", "Starting recording")
        self.daemon.wait_for(opened, start=start)
        return self.daemon.time_of(opened, start)

    def session(self, number):
        """When the yard's camera sent its first key frame and its last frame in a session."""
        units = self.server.served("/h264/yard")
        sessions = list(dict.fromkeys(unit.session for unit in units))
        units = [unit for unit in units if unit.session == sessions[number]]
        return (next(unit.unix_us for unit in units if unit.is_key) / 1e6,
                units[-1].unix_us / 1e6)

    def camera_off(self):
        self.server = harness.Camera(self.folder, ("h264",))
        port = self.server.port
        self.server.kill()
        begin = self.start_daemon(("yard", "safe"))
        self.daemon.wait_for(self.daemon.of("yard", "WARNING - .*refused"), 2)
        self.server = harness.Camera(self.folder, ("h264",), port=port)
        start = len(self.daemon.out)
        self.wait_begun(start)
        self.wait_video("yard", 3)
        self.yard += [Expected("unreachable", begin),
                      Expected("recorded", self.session(0)[0], CAMERA_S)]
        self.safe.append(Expected("unauthorized", begin))

    def stall(self):
        start = len(self.daemon.out)
        self.server.set("/h264/yard", "stall=0")
        self.daemon.wait_for(self.daemon.of("yard", "WARNING - Camera lost: .*no video"),
                             start=start)
        self.yard.append(Expected("stalled", self.session(0)[1] + 0.04, CAMERA_S))
        self.server.set("/h264/yard", "stall=off")
        start = len(self.daemon.out)
        self.wait_begun(start)
        self.wait_video("yard", 2)
        # A session in which the camera stalled at once may lie between.
        self.yard.append(Expected("recorded", self.session(-1)[0], CAMERA_S))

    def fill_disk(self):
        filler, start = self.archive / "filler", len(self.daemon.out)
        with open(filler, "wb") as file:
            disk = os.statvfs(self.archive)
            os.posix_fallocate(file.fileno(), 0, disk.f_bavail * disk.f_frsize - 300 * 1024)
        error = self.daemon.of("yard", "ERROR - .*No space left on device")
        self.daemon.wait_for(error, start=start)
        self.yard.append(Expected("disk full", self.daemon.time_of(error, start)))
        # Not even the ledger can be written.
        disk = os.statvfs(self.archive)
        (self.archive / "rest").write_bytes(bytes(disk.f_bavail * disk.f_frsize))
        self.wait_video("yard", 3)
        start = len(self.daemon.out)
        filler.unlink()
        (self.archive / "rest").unlink()
        self.yard.append(Expected("recorded", self.wait_begun(start)))
        self.wait_video("yard", 2)

    def kill(self):
        self.daemon.kill()
        self.yard.append(Expected("crashed", time.time()))
        # Where nothing was recorded, the last sign of life is what is known.
        self.safe.append(Expected("crashed", time.time(), SIGN_OF_LIFE_S + PROGRAM_S))
        time.sleep(2)

    def schedule(self):
        boundary = int(time.time()) + 5 + round(5 * SCALE)
        self.modes = {"door": "period:08:00-12:00", "gate": "period:12:00-18:00", "never": "never"}
        begin = self.start_daemon(("yard", "safe", "door", "gate", "never"),
                                  env={"TZ": zone_in_which(boundary, 12)})
        self.yard.append(Expected("recorded", begin))
        self.safe.append(Expected("recorded", begin))
        self.daemon.wait_recording(("yard", "safe", "door"))
        time.sleep(max(0, boundary - time.time()))
        self.daemon.wait_recording(("gate",))
        self.wait_video("gate", 2)
        self.door = [Expected("recorded", begin), Expected("schedule", boundary)]
        self.gate = [Expected("schedule", begin), Expected("recorded", boundary)]
        self.never = [Expected("schedule", begin)]

    def stop(self):
        stopped = self.daemon.stop() / 1e6
        for camera in (self.yard, self.safe, self.door, self.gate, self.never):
            camera.append(Expected("stopped", stopped))
        time.sleep(2)

    def last_run(self):
        """Returns a moment of its recording."""
        self.modes = {}
        begin = self.start_daemon(("yard", "safe"))
        self.daemon.wait_recording(("yard", "safe"))
        self.wait_video("yard", 2)
        self.yard.append(Expected("recorded", begin))
        self.safe.append(Expected("recorded", begin))
        end = time.time()
        self.daemon.stop()
        return end

    def check(self, name, expected, begin, end):
        least = {"unknown": end, "connecting": SHORT_S, "stopped": 0.1 * SCALE}
        spans = [span for span in coverage(self.archive, name, begin, end)
                 if span.end - span.begin > least.get(span.reason, 0)]
        self.assertEqual([span.reason for span in spans], [one.reason for one in expected],
                         f"{name}: {spans}")
        for span, one in zip(spans, expected):
            self.assertLess(abs(span.begin - one.begin), one.tolerance, f"{name}: {span}")

    def test_a_day_of_faults(self):
        self.archive = tmpfs(self, self.folder / "archive", "40m")
        self.modes, self.yard, self.safe = {}, [], []
        locked = harness.Camera(self.folder, ("h264",), "--user", "admin", "--password", "right")
        self.safe_url = locked.url("/h264/safe", "admin:wrong@")
        begin = time.time()
        self.camera_off()
        self.stall()
        self.fill_disk()
        self.kill()
        self.safe_url = locked.url("/h264/safe", "admin:right@")
        self.schedule()
        self.stop()
        end = self.last_run()
        self.check("yard", self.yard, begin, end)
        self.check("safe", self.safe, begin, end)
        self.check("door", self.door, begin, end)
        self.check("gate", self.gate, begin, end)
        self.check("never", self.never, begin, end)
        self.rebuild(begin, end)

    def rebuild(self, begin, end):
        """Of a new catalog; the old one's reasons are lost with it."""
        def held():
            return [{key: value for key, value in segment.items() if key != "reason"}
                    for segment in segments(self.archive)]
        before = held()
        files = {str(file.relative_to(self.archive)) for file in self.archive.glob("*/*/*.mp4")}
        self.assertEqual({segment["path"] for segment in before}, files)
        for file in self.archive.glob(".rtsprec-catalog.db*"):
            file.unlink()
        self.assertEqual(held(), before)
        for span in coverage(self.archive, "yard", begin, end):
            self.assertIn(span.reason, ("recorded", "unknown"))


if __name__ == "__main__":
    harness.main()
