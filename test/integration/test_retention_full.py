#!/usr/bin/env python3
"""Somebody else fills the disk to its last byte while rtsprecd records.

Proves: retention deletes the oldest files although not even the catalog can be written any more,
recording goes on, and when the disk has room again the catalog and the tree agree.
"""

import json
import shutil

import harness
from disks import tmpfs
from harness import program, run, wait_until

CAMERAS = ("door", "yard")
KEEP_FREE_BYTES = 5_000_000


class RetentionFull(harness.Case):
    def setUp(self):
        super().setUp()
        self.disk = tmpfs(self, self.folder / "disk", "60m")
        self.server = harness.Camera(self.folder, ["h264"])
        recording = {"videoOutPath": str(self.disk), "limitOccupiedSpace": True,
                     "keepFreeDiskSpaceGB": KEEP_FREE_BYTES / 1e9}
        self.cameras = [{"name": name, "rtspUrl": self.server.url(f"/h264/{name}"),
                         "recording": recording} for name in CAMERAS]

    def fill(self):
        with open(self.disk / "foreign", "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(1 << 16))
            except OSError:
                return

    def test_filled_by_somebody_else(self):
        daemon = harness.Daemon(self.folder, self.cameras, interval=1)
        daemon.wait_closed(CAMERAS, segments=6)
        self.assertEqual(daemon.find("Segment deleted: "), [])
        first = min(str(path) for path in self.disk.glob("*/*/*.mp4"))
        begun = len(daemon.out)
        self.fill()
        daemon.wait_for("Segment deleted: .* free space", count=len(CAMERAS) * 4, start=begun)
        self.assertNotIn(first, map(str, self.disk.glob("*/*/*.mp4")))
        for name in CAMERAS:
            daemon.wait_for(daemon.of(name, "Segment closed: "), count=3, start=begun)

        (self.disk / "foreign").unlink()
        freed = len(daemon.out)
        for name in CAMERAS:
            daemon.wait_for(daemon.of(name, "Segment closed: "), count=4, start=freed)
        daemon.stop()
        wait_until(lambda: shutil.disk_usage(self.disk).free > KEEP_FREE_BYTES, "room")
        listed = run(program("RTSPRECD"), "list", "--archive", self.disk, "--json")
        self.assertEqual({segment["path"] for segment in json.loads(listed.stdout)["segments"]},
                         {str(path.relative_to(self.disk))
                          for path in self.disk.glob("*/*/*.mp4")})


if __name__ == "__main__":
    harness.main()
