#!/usr/bin/env python3
"""The example configuration, and that of the Python service that rtsprecd takes over from, record a
camera after changing only URL and path."""

import os
import re
import unittest
from pathlib import Path

import harness
from marked_clips import NOISE, make_clip
from recorded import check_files, streams

# As its users have it: every key of its README.
PYTHON_SERVICE = """{
  "global": {
    "frameWidth": 2592, "frameHeight": 1944, "fps": 15,
    "recording": {
      "mode": "always", "videoCodec": "hevc", "videoBitrateKbps": 8000,
      "videoOutPath": "/home/user/video-out", "videoFileExtension": "mp4",
      "fileIntervalSeconds": 300, "limitOccupiedSpace": true, "maxOccupiedSpaceGB": 50,
      "keepFreeDiskSpaceGB": 10
    }
  },
  "cameras": [
    {"name": "front-door", "rtspUrl": "rtsp://admin:password@192.168.1.100:554/stream1"}
  ]
}
"""


class ExampleConfig(harness.Case):
    def record(self, text, clip="h265", seconds=2, clips=None, options=()):
        """Runs a configuration with URL and path changed; returns the daemon after its end."""
        clips = (clip,) if clips is None else clips
        server = harness.Camera(self.folder, clips, "--user", "admin", "--password", "password",
                                *options)
        output = self.folder / "out"
        url = server.url(f"/{clip}", "admin:password@")
        text = re.sub(r'"rtsp://[^"]*"', f'"{url}"', text)
        text = re.sub(r'("videoOutPath": )"[^"]*"', rf'\1"{output}"', text)
        config = self.folder / "config.json"
        config.write_text(text)
        daemon = harness.Process(harness.program("RTSPRECD"), "--config", config, cwd=self.folder)
        daemon.wait_for("CameraProcessor-front-door - INFO - Starting recording to: ")
        harness.wait_until(lambda: len(server.served(f"/{clip}")) > 25 * seconds, "the video",
                           harness.DEADLINE_S + 2 * seconds)
        daemon.send(15)
        self.assertEqual(daemon.wait(), 0, daemon.tail())
        self.assertEqual(daemon.err, [])
        self.assertEqual(sorted(path.name for path in output.iterdir()),
                         [".rtsprec", ".rtsprec-catalog.db", "front-door"])
        files = list(output.glob("front-door/*/*.mp4"))
        self.assertTrue(files)
        check_files(files)
        return daemon

    def test_example(self):
        path = Path(os.environ["SOURCE_DIR"]) / "config" / "rtsprecd.example.json"
        daemon = self.record(path.read_text())
        self.assertEqual(daemon.find(" (WARNING|ERROR) "), [])
        self.assertTrue(daemon.find("CameraProcessor-backyard - INFO - Not recorded"))

    def test_python_service(self):
        daemon = self.record(PYTHON_SERVICE)
        self.assertEqual(daemon.find(" (WARNING|ERROR) "), [])
        self.assertTrue(daemon.find("Copying H.265 640x360@25$"))

    def test_python_service_with_another_codec(self):
        text = PYTHON_SERVICE.replace("2592", "320").replace("1944", "180")
        daemon = self.record(text.replace("8000", "500"), "h264")
        self.assertEqual(daemon.find(" (WARNING|ERROR) "), [])
        self.assertTrue(daemon.find("Transcoding H.264 640x360@25 -> H.265 320x180@15, 500 kbit/s"))
        video = streams(next((self.folder / "out").glob("front-door/*/*.mp4")))[0]
        self.assertEqual((video["codec_name"], video["width"], video["height"]),
                         ("hevc", 320, 180))
        self.assertEqual(video["r_frame_rate"], "15/1")

    @unittest.skipUnless(harness.IS_CAMPAIGN, "a minute of encoding in real time")
    def test_python_service_keeps_the_bitrate(self):
        clip = make_clip(self.folder / "noise.mkv", "h264", "none", 25, seconds=10, effect=NOISE)
        text = PYTHON_SERVICE.replace("2592", "640").replace("1944", "360")
        daemon = self.record(text.replace("8000", "1000"), "noise", 62, (),
                             ("--clip", f"noise={clip}"))
        self.assertEqual(daemon.find(" (WARNING|ERROR) "), [])
        tracks = [streams(file)[0] for file in (self.folder / "out").glob("front-door/*/*.mp4")]
        seconds = sum(float(track["duration"]) for track in tracks)
        self.assertGreater(seconds, 60)
        for track in tracks:
            self.assertEqual((track["codec_name"], track["width"], track["height"],
                              track["r_frame_rate"]), ("hevc", 640, 360, "15/1"))
        kbps = sum(float(track["bit_rate"]) * float(track["duration"])
                   for track in tracks) / seconds / 1000
        print(f"measured: {kbps:.0f} of 1000 kbit/s in {seconds:.1f} s")
        self.assertLessEqual(abs(kbps - 1000), 100)


if __name__ == "__main__":
    harness.main()
