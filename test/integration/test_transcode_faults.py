#!/usr/bin/env python3
"""What is wrong with what a camera sends is no end of a recording that is transcoded.

Proves: packets that are lost and streams of another size leave whole files, of the codec that was
asked for, in which time goes on; and the ledger knows of no hole.
"""

import harness
from archives import coverage, segments, unix_seconds
from harness import SCALE
from recorded import check_file, streams

PATH = "/h264v/yard"
FRAME_S = 0.04
GOP_S = 1


class TranscodeFaults(harness.Case):
    def start(self, fault, **keys):
        self.server = harness.Camera(self.folder, ("h264v", "h264small"))
        self.server.set(PATH, fault)
        self.daemon = harness.Daemon(self.folder, [{
            "name": "yard", "rtspUrl": self.server.url(PATH), "frameWidth": 320,
            "frameHeight": 180, "fps": 25, **keys,
            "recording": {"videoCodec": "mpeg4", "videoBitrateKbps": 500}}])

    def check(self, longest_gap_s, decisions):
        """Stops; returns the sizes of the files in turn.

        decisions: how often it was decided to transcode
        """
        stopped_us = self.daemon.stop()
        self.assertEqual(len(self.daemon.find("Transcoding H.264 .* because")), decisions)
        self.assertEqual(self.daemon.find("cannot be transcoded|ERROR"), [])
        self.assertEqual(len({unit.session for unit in self.server.served(PATH)}), 1)
        sizes, times = [], []
        for segment in segments(self.daemon.output, "yard"):
            file = self.daemon.output / segment["path"]
            video = streams(file)[0]
            self.assertEqual(video["codec_name"], "mpeg4")
            sizes.append((video["width"], video["height"]))
            times += [unix_seconds(segment["start"]) + row.pts_us / 1e6
                      for row in check_file(file)]
        gap, at = max((b - a, a) for a, b in zip(times, times[1:]))
        self.assertLessEqual(gap, longest_gap_s + 0.25 * SCALE, f"from {at}")
        spans = coverage(self.daemon.output, "yard", times[0] + 1, stopped_us / 1e6)
        self.assertEqual([span for span in spans
                          if span.reason != "recorded" and span.end - span.begin > 2 * GOP_S * SCALE],
                         [], spans)
        return sizes

    def test_lost_packets(self):
        """Nearly every group of frames lacks something."""
        self.start("loss=2", transport="udp")
        self.daemon.wait_closed(("yard",), 4)
        # What cannot be decoded ends with the next key frame.
        sizes = self.check(2 * GOP_S, 1)
        self.assertEqual(set(sizes), {(320, 180)})
        self.assertTrue(self.daemon.find("lost"))

    def test_another_size(self):
        self.start("switch=3:h264small")
        self.daemon.wait_for(self.daemon.of("yard", "Transcoding H.264 320x240@25 -> MPEG-4 240x180"))
        self.daemon.wait_closed(("yard",), 4)
        sizes = self.check(FRAME_S, 2)
        first = sizes.index((240, 180))
        self.assertEqual(sizes, [(320, 180)] * first + [(240, 180)] * (len(sizes) - first))
        self.assertGreater(first, 0)


if __name__ == "__main__":
    harness.main()
