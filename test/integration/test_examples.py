#!/usr/bin/env python3
"""The library's examples, as they are built, record the simulated camera into playable files."""

import calendar
import os
import signal
import time
import unittest

import harness
from recorded import check_files


class Examples(harness.Case):
    def check(self, camera):
        files = sorted((self.folder / "out" / camera).glob("*/*"))
        self.assertTrue(files, f"{camera} left nothing")
        self.assertTrue(all(file.suffix == ".mp4" for file in files), files)
        check_files(files)

    def test_record_one(self):
        server = harness.Camera(self.folder, ("h265",), "--user", "admin", "--password", "s3cret")
        example = harness.Process(harness.program("RECORD_ONE"),
                                  server.url("/h265", "admin:s3cret@"), self.folder / "out",
                                  int(3 * harness.SCALE))
        self.assertEqual(example.wait(), 0, example.tail())
        self.assertNotIn("s3cret", "\n".join(example.out + example.err))
        self.check("camera")

    def test_record_one_explains_itself(self):
        result = harness.run(harness.program("RECORD_ONE"))
        self.assertEqual(result.returncode, 64)
        self.assertIn("usage: record_one", result.stderr)

    def test_record_many(self):
        server = harness.Camera(self.folder, ("h265", "h264"))
        example = harness.Process(harness.program("RECORD_MANY"), self.folder / "out",
                                  server.url("/h265"), server.url("/h264"))
        for camera in ("camera-1", "camera-2"):
            example.wait_for(f"^{camera}: recording$")
        harness.wait_until(lambda: len(server.served("/h264")) > 50 < len(server.served("/h265")),
                           "two seconds of video")
        example.send(signal.SIGTERM)
        self.assertEqual(example.wait(), 0, example.tail())
        for camera in ("camera-1", "camera-2"):
            self.assertTrue(example.find(f"^{camera}: .*{camera}/.*\\.mp4, .* s, .* bytes, stopped"))
            self.check(camera)

    @unittest.skipUnless(os.environ.get("OWN_CLOCK"), "sanitizers want to be loaded first")
    def test_record_scheduled(self):
        server = harness.Camera(self.folder, ("h265",))
        # 07:59:58 on 2026-11-23; later it is 08:59.
        ahead_s = calendar.timegm((2026, 11, 23, 7, 59, 58)) - round(time.time())
        clock = harness.OwnClock(self.folder, ahead_s)
        example = harness.Process(harness.program("RECORD_SCHEDULED"), server.url("/h265"),
                                  self.folder / "out", "period:mon 8-9",
                                  env={"TZ": "UTC", **clock.env})
        example.wait_for("^off$")
        example.wait_for("^recording$")
        harness.wait_until(lambda: len(server.served("/h265")) > 50, "two seconds of video")
        clock.set(ahead_s + 3600)
        example.wait_for(r"/2026-11-23/08_00_0\d\.mp4, (paused|rotated)$")
        example.wait_for("^off$", 2)
        example.send(signal.SIGTERM)
        self.assertEqual(example.wait(), 0, example.tail())
        self.check("camera")

    def test_record_scheduled_says_what_is_wrong(self):
        result = harness.run(harness.program("RECORD_SCHEDULED"), "rtsp://cam/", "out", "period:8")
        self.assertEqual(result.returncode, 64)
        self.assertIn("RULE is no schedule: period 1 has no end", result.stderr)


if __name__ == "__main__":
    harness.main()
