#!/usr/bin/env python3
"""A camera behind a link that loses packets, some or all.

Proves: over TCP, 5 % of lost packets cost no frame of H.264 and H.265 and no sound; a link that swallows everything is noticed in
5.5 s, a stop meanwhile takes less than a second, and the camera is recorded again within 3 s of the
link's return, when it was cut for a short time.
"""

import os
import shutil
import time
import unittest

import harness
from faulty import BACK_S, LATE_S, READ_S, STOP_S, say
from losses import realtime
from network import Link
from recorded import check_camera, check_files

NOTICED_S = READ_S + 0.5 * harness.SCALE
LOSS = 0.05


@unittest.skipUnless(shutil.which("ip") and os.geteuid() == 0, "needs root and iproute2")
class Network(harness.Case):
    def start(self, cameras, **settings):
        """cameras: name: clip"""
        self.link = Link(self)
        self.server = harness.Camera(self.folder, sorted(cameras.values()),
                                     address=self.link.there, prefix=self.link.inside)
        with realtime():
            self.daemon = harness.Daemon(
                self.folder, [{"name": name, "rtspUrl": self.server.url(f"/{clip}")}
                              for name, clip in cameras.items()], **settings)
        self.daemon.wait_recording(cameras)

    def wait_served(self, count):
        harness.wait_until(lambda: len(self.server.served("/h264")) > count, f"{count} frames")

    def test_loss(self):
        cameras = {"far": "h264", "farther": "h265"}
        self.start(cameras, interval=2)
        self.link.loss = LOSS
        self.wait_served(300)
        # What the camera sent before it closes the connection still has to come.
        self.server.set("*", "answer no", "close 0")
        for name in cameras:
            self.daemon.wait_for(self.daemon.of(name, r"Segment closed: .*, lost\)"))
        self.link.loss = 0
        self.daemon.stop()
        print(f"measured: {self.link.lost} packets were lost")
        self.assertGreater(self.link.lost, 50)
        for name, clip in cameras.items():
            check_camera(self.daemon, name, self.server, f"/{clip}", None, "va")

    def test_half_open(self):
        self.start({"far": "h264"}, interval=300)
        self.wait_served(50)
        cut = time.time()
        self.link.loss = 1
        self.daemon.wait_for("Camera lost: .*no video for")
        noticed = self.daemon.time_of("Camera lost") - cut
        self.assertGreater(noticed, READ_S - LATE_S - 0.1)
        self.assertLessEqual(say("half-open noticed, s", [noticed], NOTICED_S), NOTICED_S)

        self.link.loss = 0
        since = time.time()
        lost = self.daemon.out.index(self.daemon.find("Camera lost")[0])
        self.daemon.wait_for("Starting recording to: ", start=lost)
        begun = self.daemon.time_of("Starting recording to: ", lost)
        self.assertLessEqual(say("recorded again, s", [begun - since], BACK_S), BACK_S)

        self.link.loss = 1
        begin = time.monotonic()
        self.daemon.stop()
        self.assertLess(time.monotonic() - begin, STOP_S)
        check_files(self.daemon.segments("far"))


if __name__ == "__main__":
    harness.main()
