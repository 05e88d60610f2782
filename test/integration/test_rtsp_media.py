#!/usr/bin/env python3
"""Cameras that are odd but right, and such as put what does not belong there into the stream.

Proves: whatever a camera's way of naming its tracks, and whatever stands beside them, only the
wanted media are set up and what is recorded is what was served; what is wrong in the stream costs
no more than the frames that it hits, or a new connection; a camera whose pictures take long to
decode delays no other.
"""

import os
import unittest

import harness
from faulty import GOOD, FaultyCase
from recorded import check_camera, check_files, packets

ODD = {  # name: settings
    "length-short": ["content-length=-2"],
    "absolute": ["control=absolute"], "slash": ["control=slash"], "query": ["control=query"],
    "base-bare": ["base=bare"], "base-query": ["base=query"], "base-none": ["base=none"],
    "location": ["base=location"], "aggregate": ["aggregate=absolute"],
    "no-aggregate": ["aggregate=none"], "absolute-both": ["control=absolute", "aggregate=absolute"],
    "metadata": ["extra=metadata,backchannel"], "first": ["extra=first:metadata,backchannel"],
    "dozen": ["extra=first:12"], "hundreds": ["extra=300"],
    "channels": ["channels=8"], "late-play": ["delay=PLAY:1"], "late-setup": ["delay=SETUP:0.5"],
    "no-rtp-info": ["rtp-info=no"], "wrong-rtp-info": ["rtp-info=wrong"],
    "no-reports": ["reports=no"], "reports": ["reports=0.1"], "fps": ["framerate=1"],
    "sequence": ["sequence=65500"], "wrap": ["rtp-time=wrap:1.5"], "zero": ["rtp-time=0"],
    "hold": ["hold=1:1"], "stray": ["stray=0:77"], "no-sets": ["sprop=no"],
    "options": ["request=1:OPTIONS"], "parameter": ["request=1:GET_PARAMETER"],
    "announce": ["request=1:ANNOUNCE"], "unknown": ["request=1:DANCE"],
}
REQUESTS = {"options": 200, "parameter": 200, "announce": 200, "unknown": 501}
BROKEN = {"garbage": ["garbage=1.3:500"], "garbage-much": ["garbage=1.3:50000"],
          "too-long": ["frame-length=1.3:20"], "too-short": ["frame-length=1.3:-20"],
          "much-too-long": ["frame-length=1.3:30000"]}
LOST_FRAMES = 30  # to the next key frame, at most


class Odd(FaultyCase):
    def test_served_is_recorded(self):
        self.serve(ODD)
        self.record({"base-query": {"rtspUrl": self.server.url("/h264v/base-query?a=1&b=/2")}},
                    interval=2)
        harness.wait_until(lambda: len(self.server.served(GOOD)) > 150, "six seconds of video")
        stopped_us = self.daemon.stop()
        for name, path in self.paths.items():
            with self.subTest(name):
                check_camera(self.daemon, name, self.server, path, stopped_us, decode=False)
                self.assertEqual(self.lines(name, " (WARNING|ERROR) "), [])
                self.assertEqual(len(self.setups(name)), 1)
        for name, status in REQUESTS.items():
            answers = [request.status for request in self.server.asked(self.paths[name])
                       if request.method == "ANSWER"]
            self.assertEqual(answers, [status], name)

    def test_wanted_media(self):
        """Sound that is not wanted is not asked for, nor is what nobody could record."""
        self.serve({"both": ["extra=metadata,backchannel"],
                    "silent": ["extra=first:metadata,backchannel"]}, clip="h265")
        self.record({"silent": {"audio": "off"}})
        self.daemon.wait_recording(self.paths)
        self.daemon.stop()
        self.assertEqual(self.setups("both"), ["streamid=0", "streamid=1"])
        self.assertEqual(self.setups("silent"), ["streamid=0"])


class Broken(FaultyCase):
    def test_what_follows_is_recorded(self):
        self.serve(BROKEN)
        self.record()
        harness.wait_until(lambda: len(self.server.served(GOOD)) > 150, "six seconds of video")
        self.daemon.stop()
        for name, path in self.paths.items():
            with self.subTest(name):
                files = self.daemon.segments(name)
                if name.startswith("garbage"):
                    check_files(files)
                recorded = [row.hash for file in files for row in packets(file)]
                place = {unit.hash: unit.n for unit in self.served_since(name, 0)}
                # A length that lies makes one unit of what were several, which nobody can tell.
                wrong = [each for each in recorded if each not in place]
                self.assertLessEqual(len(wrong), 0 if name.startswith("garbage") else 1)
                at = [place[each] for each in recorded if each in place]
                gaps = [b - a - 1 for a, b in zip(at, at[1:]) if b != a + 1]
                self.assertLessEqual(sum(gaps), LOST_FRAMES)
                self.assertEqual(len(self.lines(name, "Connecting")), 1)
                self.assertGreater(len(recorded), 100)


SICK = os.environ.get("SICK_ENCODER_LIB")


class SlowToDecode(harness.Case):
    @unittest.skipUnless(SICK, "a sanitizer's runtime wants to be loaded first")
    def test_others_do_not_wait(self):
        """A picture has to be decoded before it can be recorded: that is its own camera's time."""
        server = harness.Camera(self.folder, ("mjpeg", "h264v"))
        cameras = [{"name": name, "rtspUrl": server.url(f"/{clip}/{name}"),
                    "openTimeoutSeconds": seconds, "readTimeoutSeconds": seconds}
                   for name, clip, seconds in (("slow", "mjpeg", 30), ("yard", "h264v", 2))]
        daemon = harness.Daemon(self.folder, cameras,
                                env={"LD_PRELOAD": SICK, "SICK_DECODER": "slow 5000"})
        daemon.wait_recording(("slow",))
        daemon.wait_closed(("slow", "yard"))
        stopped_us = daemon.stop()
        check_camera(daemon, "yard", server, "/h264v/yard", stopped_us)
        self.assertEqual(len({unit.session for unit in server.served("/h264v/yard")}), 1)


if __name__ == "__main__":
    harness.main()
