#!/usr/bin/env python3
"""Encoders that are too slow or fail: what is left out then, and what log and ledger say of it.

The encoders are made sick (sick_encoder.c), so that nothing depends on how fast the machine is.
"""

import os
import time
import unittest

import harness
from archives import coverage, segments, unix_seconds
from harness import SCALE, wait_until
from recorded import FRAME_US, check_file, packets, streams

FRAME_S = FRAME_US / 1e6
GOP_S = 1  # of the clips
# Of the decoded frames at least each eighth is encoded.
THINNED_S = 8 * FRAME_S
# Dates are corrected while a file goes on, when the machine was busy as it began (docs/time.md).
TOLERANCE_S = 2 * FRAME_S + 0.25 * SCALE


SICK = os.environ.get("SICK_ENCODER_LIB")


@unittest.skipUnless(SICK, "a sanitizer's runtime wants to be loaded first")
class Overload(harness.Case):
    def start(self, name, how, url, interval=2, policy="dropFrames"):
        """A daemon with one camera that is transcoded by a sick encoder."""
        folder = self.folder / name
        folder.mkdir()
        recording = {"videoCodec": "mpeg4", "videoBitrateKbps": 500,
                     "transcode": {"encoder": "software", "onOverload": policy}}
        camera = {"name": name, "rtspUrl": url, "frameWidth": 320, "frameHeight": 180,
                  "fps": 25, "recording": recording}
        daemon = harness.Daemon(folder, [camera], interval=interval, env={
            "LD_PRELOAD": SICK, "SICK_ENCODER": how})
        daemon.begin = time.time()
        return daemon

    def shown(self, daemon, name):
        """When each frame in the files was, seconds since 1970."""
        return sorted(unix_seconds(segment["start"]) + row.pts_us / 1e6
                      for segment in segments(daemon.output, name)
                      for row in packets(daemon.output / segment["path"]) if row.track == "v")

    def check(self, daemon, name, stopped_us, thinned_s, others):
        """The ledger says recorded where frames are, `overloaded` where none are. Returns it."""
        times = self.shown(daemon, name)
        spans = [span for span in coverage(daemon.output, name, daemon.begin, stopped_us / 1e6)
                 if span.end > times[0]]
        for span in spans:
            inside = [at for at in times if span.begin - 1e-3 <= at < span.end - 1e-3]
            if span.reason == "recorded":
                edges = [span.begin, *inside, span.end]
                gap, at = max((b - a, a) for a, b in zip(edges, edges[1:]))
                self.assertLessEqual(gap, thinned_s + TOLERANCE_S,
                                     f"from {at:.2f} in {span} of {spans}")
            else:
                self.assertIn(span.reason, others, spans)
                # Of each group of frames one may be shown.
                self.assertLessEqual(len(inside), (span.end - span.begin) / GOP_S + 1,
                                     f"{span} of {spans}")
        # Where one lacks its reason, the next begins.
        for span in spans:
            if span.reason not in ("recorded", others[0]):
                self.assertLess(span.end - span.begin, 1 * SCALE, spans)
        return spans

    def test_too_slow(self):
        """An encoder that is slow for a while, one that always is, and one that hangs."""
        server = harness.Camera(self.folder, ("h264v",))
        drops = self.start("drops", "slow 1000 until 250", server.url("/h264v/drops"), 300)
        fails = self.start("fails", "slow 1000", server.url("/h264v/fails"), policy="fail")
        hangs = self.start("hangs", "slow 13000 until 1", server.url("/h264v/hangs"), 300)

        drops.wait_for(drops.of("drops", "WARNING - The video comes faster than it can be "
                                         "transcoded: leaving frames out"))
        fails.wait_for(fails.of("fails", "recording nothing until a segment begins"), 2)
        hangs.wait_for(hangs.of("hangs", "ERROR - Transcoding does not keep up and the queue is full"))
        hangs.wait_for(hangs.of("hangs", "WARNING - Not fast enough to transcode: dropped [1-9]"))
        drops.wait_for(drops.of("drops", r"Not fast enough to transcode: left out [1-9]\d* frames"))
        served = len(server.served("/h264v/hangs"))
        wait_until(lambda: len(server.served("/h264v/hangs")) > served + 50, "more video")
        stopped_us = {}
        for daemon, name in ((drops, "drops"), (fails, "fails"), (hangs, "hangs")):
            stopped_us[name] = daemon.stop()
            self.assertEqual(daemon.find("[Dd]isk"), [])

        spans = self.check(drops, "drops", stopped_us["drops"], THINNED_S,
                           ("overloaded", "stopped"))
        self.assertGreater(sum(span.reason == "overloaded" for span in spans), 0, spans)
        # Frames that were only thinned are no hole.
        times = self.shown(drops, "drops")
        steps = [b - a for a, b in zip(times, times[1:])]
        self.assertTrue([one for one in steps if 1.5 * FRAME_S < one < THINNED_S + TOLERANCE_S])

        spans = self.check(fails, "fails", stopped_us["fails"], FRAME_S, ("overloaded", "stopped"))
        self.assertGreater(sum(span.reason == "overloaded" for span in spans), 1, spans)
        self.check(hangs, "hangs", stopped_us["hangs"], THINNED_S, ("overloaded", "stopped"))
        for daemon, name in ((drops, "drops"), (fails, "fails"), (hangs, "hangs")):
            for file in daemon.segments(name):
                check_file(file)
                self.assertEqual(streams(file)[0]["codec_name"], "mpeg4")

    def test_failing(self):
        """An encoder that fails after a second: copied until a segment begins, or not possible."""
        server = harness.Camera(self.folder, ("h264v",))
        copied = self.start("copied", "fail 25", server.url("/h264v/copied"))
        # Raw pictures are nothing for an mp4.
        rest = self.start("rest", "fail 25", "lavfi:testsrc2=size=320x180:rate=25")
        copied.wait_for(copied.of("copied", "ERROR - The video cannot be transcoded: the encoder "
                                            "failed: Input/output error; copying it until a "
                                            "segment begins"), 3)
        rest.wait_for(rest.of("rest", "ERROR - The video cannot be transcoded: the encoder failed: "
                                      "Input/output error; recording nothing until a segment "
                                      "begins"), 3)
        stopped_us = {"copied": copied.stop(), "rest": rest.stop()}

        codecs = [streams(file)[0]["codec_name"] for file in copied.segments("copied")]
        self.assertEqual(set(codecs), {"mpeg4", "h264"})
        self.check(copied, "copied", stopped_us["copied"], FRAME_S, ("unsupported", "stopped"))
        self.assertEqual({streams(file)[0]["codec_name"] for file in rest.segments("rest")},
                         {"mpeg4"})
        spans = self.check(rest, "rest", stopped_us["rest"], FRAME_S, ("unsupported", "stopped"))
        self.assertGreaterEqual(sum(span.reason == "unsupported" for span in spans), 2, spans)
        for daemon, name in ((copied, "copied"), (rest, "rest")):
            for file in daemon.segments(name):
                check_file(file)

    def test_failing_at_the_end(self):
        """What the encoder does not give is missing, and the file is whole without it."""
        server = harness.Camera(self.folder, ("h264v",))
        ends = self.start("ends", "fail end", server.url("/h264v/ends"), 300)
        wait_until(lambda: len(server.served("/h264v/ends")) > 50, "two seconds")
        stopped_us = ends.stop()
        self.assertTrue(ends.find(ends.of("ends", "WARNING - The end of the video is missing: the "
                                                  "encoder failed: Input/output error")))
        file, = ends.segments("ends")
        check_file(file)
        self.check(ends, "ends", stopped_us, FRAME_S, ("stopped",))


class NoEncoder(harness.Case):
    def test_refused(self):
        """An encoder that nobody knows, and one that refuses the size: the log says it, once,
        in our words only."""
        server = harness.Camera(self.folder, ("h264v", "h264tiny"))
        unknown = {"videoCodec": "hevc", "transcode": {"encoder": "libx266"}}
        cameras = [
            {"name": "unknown", "rtspUrl": server.url("/h264v/unknown"), "recording": unknown},
            {"name": "av1", "rtspUrl": server.url("/h264tiny/av1"), "frameWidth": 32,
             "recording": {"videoCodec": "av1"}},
        ]
        daemon = harness.Daemon(self.folder, cameras, interval=2)
        daemon.wait_closed(("unknown", "av1"), 2)
        stopped_us = daemon.stop()  # which looks at stderr, too
        self.assertTrue(daemon.find(daemon.of(
            "unknown", 'WARNING - The encoder "libx266" is not one of hevc')))
        refusal = daemon.of("av1", "ERROR - The video cannot be transcoded: no encoder of av1 works "
                                   "here; copying it until a segment begins")
        self.assertEqual(len(daemon.find(refusal)), 1)
        for line in daemon.out:
            self.assertRegex(line, r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d - ")
        for name, codec in (("unknown", "hevc"), ("av1", "h264")):
            for file in daemon.segments(name):
                check_file(file)
                self.assertEqual(streams(file)[0]["codec_name"], codec)
        # Nothing is missing for that: what is copied begins with the frame that was refused.
        [first, *_] = segments(daemon.output, "av1")
        spans = coverage(daemon.output, "av1", unix_seconds(first["start"]) + 1, stopped_us / 1e6)
        self.assertEqual([span for span in spans if span.reason == "unsupported"], [])

    def test_no_place(self):
        """A camera that finds no place, and whose raw pictures no mp4 takes, is not recorded."""
        cameras = [{"name": name, "rtspUrl": "lavfi:testsrc2=size=160x120:rate=25", "fps": 25,
                    "recording": {"videoCodec": "mpeg4"}} for name in ("first", "second")]
        daemon = harness.Daemon(self.folder, cameras, interval=2, maxConcurrentTranscodes=1)
        nothing = ("CameraProcessor-(first|second) - WARNING - As many cameras are transcoded as may "
                   "be at a time: recording nothing until a segment begins")
        without = daemon.wait_for(nothing, 2).group(1)
        [recorded] = {"first", "second"} - {without}
        closed = len(daemon.find(daemon.of(recorded, "Segment closed: ")))
        daemon.wait_closed((recorded,), closed + 2)
        stopped_us = daemon.stop()
        self.assertEqual(daemon.segments(without), [])
        [first, *_] = segments(daemon.output, recorded)
        begin = max(unix_seconds(first["start"]), daemon.time_of(nothing)) + 1
        end = stopped_us / 1e6
        for name, reason in ((recorded, "recorded"), (without, "overloaded")):
            spans = coverage(daemon.output, name, begin, end)
            self.assertEqual([span.reason for span in spans
                              if span.end - span.begin > TOLERANCE_S], [reason], name)


if __name__ == "__main__":
    harness.main()
