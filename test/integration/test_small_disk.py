#!/usr/bin/env python3
"""Limits on a disk that is small for what is recorded.

Proves on an ext4 of 200 MB, with eight cameras of 2 Mbit/s in fast time (the bytes of 10 minutes in
the campaign): recording never stops for space, not one frame is lost, and what is free never falls
below keepFreeDiskSpaceGB by more than one segment of each camera; after a SIGKILL, and after a power
cut, in the midst of deleting, catalog and tree agree at the next start; after a SIGKILL what was
deleted is known as such. (Here a power cut takes back all that the catalog ever knew of a file.)
"""

import contextlib
import os
import random
import re
import threading
import time
import unittest

import harness
from archives import coverage, segments
from disks import Disk
from harness import SCALE, amount, wait_until
from losses import realtime

CAMERAS = 8
SPEED = 8  # of the clip, which has 1.4 Mbit/s
DISK_BYTES = 200 << 20
KEEP_FREE_GB = 0.06
RECORDED_BYTES = amount(250, 1200) * 10**6
SAMPLE_S = 0.2


class FreeSpace(threading.Thread):
    """Looks every 0.2 s how much is free."""

    def __init__(self, mount_point):
        super().__init__(daemon=True)
        self.mount_point, self.least, self.samples = mount_point, None, 0
        self.is_over = threading.Event()
        self.start()

    def run(self):
        while not self.is_over.wait(SAMPLE_S):
            disk = os.statvfs(self.mount_point)
            free = disk.f_bavail * disk.f_frsize
            self.least = free if self.least is None else min(self.least, free)
            self.samples += 1

    def stop(self):
        self.is_over.set()
        self.join()


class SmallDisk(harness.Case):
    def begin(self, speed=SPEED):
        self.disk = Disk(self, "ext4", self.folder / "small", size=DISK_BYTES)
        with realtime():
            self.server = harness.Camera(self.folder, ("h264",), "--set", "*", f"speed={speed}")
        self.names = [f"cam{i}" for i in range(CAMERAS)]

    def start(self):
        cameras = [{"name": name, "rtspUrl": self.server.url(f"/h264/{name}"),
                    "recording": {"videoOutPath": str(self.disk.mount_point),
                                  "limitOccupiedSpace": True,
                                  "keepFreeDiskSpaceGB": KEEP_FREE_GB}}
                   for name in self.names]
        with realtime():
            self.daemon = harness.Daemon(self.folder, cameras, interval=1)
        self.daemon.output = self.disk.mount_point

    def closed_bytes(self):
        return sum(float(match) for line in self.daemon.find("Segment closed")
                   for match in re.findall(r", ([0-9.]+) MB, ", line)) * 1e6

    def wait_deleted(self, count=1, start=0):
        self.daemon.wait_for("Segment deleted: ", count, start=start, seconds=120 * SCALE)

    def test_never_full(self):
        self.begin()
        space = FreeSpace(self.disk.mount_point)
        self.start()
        wait_until(lambda: self.closed_bytes() > RECORDED_BYTES, "so many bytes", 600 * SCALE)
        space.stop()
        self.daemon.stop()
        deleted = self.daemon.find("Segment deleted: ")
        self.assertTrue(deleted)
        self.assertEqual([line for line in deleted if "(free space)" not in line
                          and ", free space)" not in line], [])
        self.assertEqual(self.daemon.find(" (WARNING|ERROR) "), [])
        self.assertEqual(self.daemon.find("Segment closed: .*, (failed|lost)"), [])
        largest = max(float(re.search(r", ([0-9.]+) MB, ", line).group(1))
                      for line in self.daemon.find("Segment closed")) * 1e6
        keep_free = KEEP_FREE_GB * 1e9
        print(f"measured: small disk: {self.closed_bytes() / 1e6:.0f} MB recorded, {len(deleted)} "
              f"segments deleted, at least {space.least / 1e6:.1f} MB free of {keep_free / 1e6:.0f},"
              f" {space.samples} samples, a segment has {largest / 1e6:.2f} MB", flush=True)
        self.assertGreater(space.least, keep_free - CAMERAS * largest)
        self.check_frames()
        self.check_agreement()

    def check_frames(self):
        """As many frames are in the files, deleted ones among them, as were served."""
        for name in self.names:
            served = self.server.served(f"/h264/{name}")
            first = next(i for i, unit in enumerate(served) if unit.is_key)
            frames = sum(int(re.search(r", (\d+) frames, ", line).group(1))
                         for line in self.daemon.find(self.daemon.of(name, "Segment closed")))
            # What was on its way at the stop may be missing.
            self.assertLessEqual(len(served) - first - frames, SPEED * 25 * SCALE, name)
            self.assertGreaterEqual(len(served) - first, frames, name)

    def check_agreement(self):
        """The catalog holds what the tree holds."""
        root = self.disk.mount_point
        tree = {str(file.relative_to(root)): file.stat().st_size
                for file in root.glob("*/*/*.mp4")}
        held = {segment["path"]: segment["bytes"] for segment in segments(root)}
        self.assertEqual(held, tree)
        self.assertEqual(list(root.glob("*/*/*.part")), [])
        self.assertEqual([path for path in root.glob("*/*") if not any(path.iterdir())], [])

    def test_full_to_the_last_byte(self):
        """So full that the catalog cannot be opened, nor one be made: what has to go goes."""
        self.begin(speed=1)
        self.start()
        self.daemon.wait_closed(self.names, 3)
        self.daemon.stop()
        for with_catalog in (True, False):
            root, before = self.disk.mount_point, len(segments(self.disk.mount_point))
            if not with_catalog:
                for file in root.glob(".rtsprec-catalog.db*"):
                    file.unlink()
            with open(root / "filler", "wb") as file:
                free = os.statvfs(root).f_bfree * os.statvfs(root).f_frsize
                os.posix_fallocate(file.fileno(), 0, free - (8 << 20))
                file.seek(0, os.SEEK_END)
                with contextlib.suppress(OSError):
                    while True:
                        os.write(file.fileno(), bytes(4096))
            self.start()
            self.daemon.wait_for("Segment deleted: ", before // 2)
            (root / "filler").unlink()
            start = len(self.daemon.out)
            self.daemon.wait_closed(self.names, 4)
            self.assertEqual(self.daemon.find("ERROR", start), [])
            self.daemon.stop()
            self.check_agreement()

    def next_start(self):
        """Until the catalog has been compared with the tree."""
        self.start()
        self.daemon.wait_for("small holds ")
        self.daemon.wait_recording(self.names)

    def check_deleted(self, begin):
        """What is missing of what was recorded before was deleted."""
        for name in self.names:
            spans = coverage(self.disk.mount_point, name, begin, time.time())
            reasons = {span.reason for span in spans}
            self.assertIn("deleted", reasons)
            self.assertLessEqual(reasons, {"unknown", "connecting", "deleted", "recorded",
                                           "crashed", "stopped"})

    def test_killed(self):
        self.begin()
        begin = time.time()
        for _ in range(amount(3, 30)):
            self.start()
            self.wait_deleted(random.randint(1, 40))
            self.daemon.kill()
        self.next_start()
        self.daemon.stop()
        self.check_agreement()
        self.check_deleted(begin)

    def test_power_cut(self):
        self.begin()
        for _ in range(amount(2, 20)):
            self.start()
            power = self.disk.open()
            self.wait_deleted()
            time.sleep(random.uniform(1, 4))
            self.disk.cut(power)
            self.daemon.kill()
            self.disk.umount()
            self.disk.mount()
        self.next_start()
        self.daemon.stop()
        self.check_agreement()


if __name__ == "__main__":
    harness.main()
