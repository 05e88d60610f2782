#!/usr/bin/env python3
"""Disks that are full, broken, gone, frozen or taken.

Proves on real file systems: a disk that fills up ends the recording within a fragment, what was
written before is sealed and can be played, and it goes on by itself at most 2 s after there is
space, any number of times, without litter; after an I/O error nothing more is tried on the file and
recording goes on in a new one when the disk is back; nothing is written under a mount point whose
disk is gone; a disk that hangs costs whole GOPs, which are told, and only of its own cameras; a
second daemon on an archive is refused until the first is gone.
"""

import datetime
import os
import re
import time
import unittest

import harness
from archives import coverage
from disks import Disk, tmpfs
from harness import SCALE, amount, run, wait_until
from losses import now_us, realtime
from recorded import check_camera, check_files, packets

CLIPS = ("h265", "h264")


class SickDisk(harness.Case):
    def start(self, **cameras):
        """A camera for each name, which records to the directory given."""
        with realtime():
            self.server = harness.Camera(self.folder, CLIPS)
            self.daemon = harness.Daemon(self.folder, [
                {"name": name, "rtspUrl": self.server.url(f"/{CLIPS[i % 2]}/{name}"),
                 "recording": {"videoOutPath": str(output)}}
                for i, (name, output) in enumerate(cameras.items())], interval=2)
        self.paths = {name: f"/{CLIPS[i % 2]}/{name}" for i, name in enumerate(cameras)}
        self.outputs = cameras
        self.daemon.wait_recording(cameras)

    def served(self, name):
        return self.server.served(self.paths[name])

    def files(self, name):
        self.daemon.output = self.outputs[name]
        return self.daemon.segments(name)

    def check_gaps(self, name, files, gaps):
        """Everything in the files is what was served, in its order, each piece from a key frame on;
        so many pieces are missing. Returns, of each, what is missing."""
        served = self.served(name)
        places = {unit.hash: [] for unit in served}
        for unit in served:
            places[unit.hash].append(unit)
        missing, at = [], None
        for file, rows in zip(files, check_files(files)):
            rows = [row for row in rows if row.track == "v"]
            day, time_of_day = file.parent.name, file.stem[:8]
            begin = datetime.datetime.fromisoformat(f"{day}T{time_of_day.replace('_', ':')}")
            # The clip comes round: a frame is the one whose time fits.
            first = min(places[rows[0].hash],
                        key=lambda unit, begin=begin: abs(unit.unix_us / 1e6 - begin.timestamp()))
            for row in rows:
                n = min(places[row.hash],
                        key=lambda unit, at_us=first.pts_us + row.pts_us - rows[0].pts_us: abs(
                            unit.pts_us - at_us)).n
                self.assertGreater(n, -1 if at is None else at, f"{name}: out of order")
                if at is not None and n != at + 1:
                    self.assertTrue(row.is_key)
                    missing.append(served[at + 1:n])
                at = n
        self.assertEqual(len(missing), gaps, f"{name}: {[(m[0].n, m[-1].n) for m in missing]}")
        return missing

    def check_good(self, name, stopped_us):
        """Of this camera nothing is missing."""
        self.daemon.output = self.outputs[name]
        check_camera(self.daemon, name, self.server, self.paths[name], stopped_us, "va")
        self.assertEqual(self.daemon.find(self.daemon.of(name, "").replace(
            ".*", "(WARNING|ERROR)")), [])

    def wait_resumed(self, name, start, seconds):
        """Until recording goes on after what happened at line `start` of the log just now."""
        begin = time.time()
        opened = self.daemon.of(name, "Starting recording")
        self.daemon.wait_for(opened, start=start)
        took = self.daemon.time_of(opened, start) - begin
        print(f"measured: {self._testMethodName}: recording again after {took:.2f} s", flush=True)
        self.assertLess(took, seconds * SCALE)
        self.daemon.wait_for(self.daemon.of(name, "Segment closed"), start=start)

    @unittest.skipIf(os.geteuid() != 0, "only root mounts file systems")
    def test_full(self):
        small, good = tmpfs(self, self.folder / "small", "20m"), self.folder / "good"
        self.start(full=small, good=good)
        filler, failed = small / "filler", []
        for _ in range(amount(2, 5)):
            start = len(self.daemon.out)
            self.daemon.wait_for(self.daemon.of("full", "Segment closed"), start=start)
            with open(filler, "wb") as file:
                free = os.statvfs(small).f_bavail * os.statvfs(small).f_frsize
                os.posix_fallocate(file.fileno(), 0, free - 400 * 1024)
            start = len(self.daemon.out)
            error = self.daemon.of("full", "ERROR - .*No space left on device.*")
            self.daemon.wait_for(error, start=start)
            failed.append(self.daemon.time_of(error, start) * 1e6)
            # The catalog takes a part of what is left: it can be the next file that has no room.
            self.daemon.wait_for(self.daemon.of("full", "[Ss]egment closed"), start=start)
            start, before = len(self.daemon.out), len(self.served("full"))
            wait_until(lambda before=before: len(self.served("full")) > before + 60, "more video")
            self.assertEqual(self.daemon.find(self.daemon.of("full", "Starting recording"),
                                              start), [], "it began again on a full disk")
            self.assertEqual(list(small.glob("*/*/*.part")), [])
            start = len(self.daemon.out)
            filler.unlink()
            self.wait_resumed("full", start, 2)
        stopped_us = self.daemon.stop()
        self.check_good("good", stopped_us)
        self.assertEqual([file for file in small.glob("*/*/*")
                          if file.suffix != ".mp4" or file.stat().st_size < 4096], [])
        missing = self.check_gaps("full", self.files("full"), len(failed))
        for units, failed_us in zip(missing, failed):
            # A fragment, and what the camera served while it was written.
            self.assertGreater(units[0].unix_us, failed_us - 600_000 * SCALE)

    def io_error(self, kind):
        disk, good = Disk(self, kind, self.folder / "sick"), self.folder / "good"
        self.start(sick=disk.mount_point, good=good)
        self.daemon.wait_closed(["sick"], 2)
        start = len(self.daemon.out)
        cut_us = disk.cut(disk.open())
        self.daemon.wait_for(self.daemon.of("sick", "ERROR - .*(Input/output error|Structure)"),
                             start=start)
        self.daemon.wait_for(self.daemon.of("sick", "Writing failed, segment closed"), start=start)
        time.sleep(2)
        errors = self.daemon.find(self.daemon.of("sick", "ERROR - .*trying again"), start)
        self.assertEqual(len(errors), 1, "one trouble is told once")
        descriptors = os.scandir(f"/proc/{self.daemon.pid}/fd")
        paths = [os.readlink(entry.path) for entry in descriptors]
        self.assertEqual([path for path in paths if ".part" in path and "/sick/" in path], [])
        disk.vanish()
        disk.wait_gone()
        disk.mount()
        self.wait_resumed("sick", start, 3)
        stopped_us = self.daemon.stop()
        self.check_good("good", stopped_us)
        # The file that was open waits for the next start.
        run(harness.program("RTSPRECD"), "repair", disk.mount_point)
        missing = self.check_gaps("sick", self.files("sick"), 1)[0]
        self.assertGreater(missing[0].unix_us, cut_us - 1_700_000 * SCALE)

    def test_io_error_ext4(self):
        self.io_error("ext4")

    def test_io_error_xfs(self):
        self.io_error("xfs")

    def test_vanished(self):
        disk, good = Disk(self, "ext4", self.folder / "sick"), self.folder / "good"
        self.start(sick=disk.mount_point, good=good)
        self.daemon.wait_closed(["sick"])
        start = len(self.daemon.out)
        disk.vanish()
        self.daemon.wait_for(self.daemon.of("sick", r"ERROR - .*the archive's disk is not there "
                                                    r"\(no file \.rtsprec in it\)"), start=start)
        time.sleep(2)
        self.assertEqual(list(disk.mount_point.iterdir()), [], "written under the mount point")
        disk.wait_gone()
        start = len(self.daemon.out)
        disk.mount()
        self.wait_resumed("sick", start, 3)
        stopped_us = self.daemon.stop()
        self.check_good("good", stopped_us)
        self.check_gaps("sick", self.files("sick"), 1)
        disk.vanish()
        self.assertEqual(list(disk.mount_point.iterdir()), [])

    def test_another_disk(self):
        """What is mounted there instead is not this archive."""
        disk, good = Disk(self, "ext4", self.folder / "sick"), self.folder / "good"
        self.start(sick=disk.mount_point, good=good)
        self.daemon.wait_closed(["sick"])
        disk.vanish()
        other = tmpfs(self, disk.mount_point, "20m")
        start = len(self.daemon.out)
        self.daemon.wait_for(self.daemon.of("sick", "ERROR - .*the archive's disk is not there"))
        self.assertEqual(list(other.iterdir()), [])
        run("umount", other)
        disk.wait_gone()
        disk.mount()
        self.wait_resumed("sick", start, 3)
        self.check_good("good", self.daemon.stop())

    def test_read_only(self):
        disk = Disk(self, "ext4", self.folder / "sick", "errors=remount-ro")
        good = self.folder / "good"
        self.start(sick=disk.mount_point, good=good)
        self.daemon.wait_closed(["sick"])
        start = len(self.daemon.out)
        if not disk.break_down():
            self.skipTest("this kernel's ext4 breaks down only by itself")
        self.daemon.wait_for(self.daemon.of("sick", "ERROR - .*(Read-only file system|Input/output "
                                                    "error|Structure needs cleaning)"), start=start)
        time.sleep(2)
        self.assertEqual(len(self.daemon.find(self.daemon.of("sick", "ERROR - .*trying again"),
                                              start)), 1)
        disk.vanish()
        disk.wait_gone()
        run("e2fsck", "-fy", disk.image)
        disk.mount()
        self.wait_resumed("sick", start, 3)
        self.check_good("good", self.daemon.stop())
        run(harness.program("RTSPRECD"), "repair", disk.mount_point)
        self.check_gaps("sick", self.files("sick"), 1)

    def test_frozen(self):
        """The queue holds 10 s: what comes after that is dropped in whole GOPs."""
        disk, good = Disk(self, "ext4", self.folder / "sick"), self.folder / "good"
        self.start(sick=disk.mount_point, good=good)
        self.daemon.wait_closed(["sick"])
        start = len(self.daemon.out)
        disk.freeze()
        try:
            time.sleep(amount(13, 30))
            self.daemon.wait_for(self.daemon.of("sick", "ERROR - The disk does not keep up"),
                                 start=start)
            self.daemon.wait_for(self.daemon.of("good", "Segment closed"), amount(3, 10),
                                 start=start)
        finally:
            start = len(self.daemon.out)
            disk.thaw()
        self.daemon.wait_for(self.daemon.of("sick", "WARNING - The disk is too slow"), start=start)
        start = len(self.daemon.out)
        self.daemon.wait_for(self.daemon.of("sick", "Segment closed"), 2, start=start)
        stopped_us = self.daemon.stop()
        self.check_good("good", stopped_us)
        told = [int(re.search(r"(\d+) of them video frames", line).group(1))
                for line in self.daemon.find(self.daemon.of("sick", "too slow: dropped"))]
        missing = self.check_gaps("sick", self.files("sick"), 1)[0]
        self.assertEqual(sum(told), len(missing))
        self.check_slow(disk.mount_point, missing)
        print(f"measured: {amount(13, 30)} s frozen: {len(missing) / 25:.1f} s dropped", flush=True)

    def check_slow(self, archive, missing):
        """The ledger knows why, and of what time."""
        begin, end = missing[0].unix_us / 1e6, missing[-1].unix_us / 1e6
        spans = coverage(archive, "sick", begin - 1, end + 2)
        slow = [span for span in spans if span.reason == "disk slow"]
        self.assertEqual(len(slow), 1, spans)
        self.assertLess(abs(slow[0].begin - begin), 0.3 * SCALE, spans)
        self.assertLess(abs(slow[0].end - end), 0.3 * SCALE, spans)

    def test_two_daemons(self):
        output = self.folder / "video"
        self.start(one=output)
        cameras = [{"name": "two", "rtspUrl": self.server.url("/h265/two")}]
        second = harness.Daemon(self.folder, cameras)
        self.assertEqual(second.wait(), 1)
        lines = second.find("ERROR") + second.err
        self.assertTrue(any(f"{output}: another recorder is writing to this archive" in line
                            for line in lines), second.tail())
        result = run(harness.program("RTSPRECD"), "repair", output)
        self.assertEqual(result.returncode, 1)
        self.assertIn("another recorder is writing to this archive", result.stderr)
        self.daemon.kill()
        third = harness.Daemon(self.folder, cameras)
        third.wait_recording(["two"])
        third.stop()
        self.assertTrue(packets(third.segments("two")[0]))


if __name__ == "__main__":
    harness.main()
