#!/usr/bin/env python3
"""Cameras that are transcoded: what comes out has the codec, size and rate that were asked for, shows
every moment at its time, and begins its files exactly at the clock's boundaries.

Every frame of the clips carries its number as a bar code (test/camera/clips.cmake), which is read
from the decoded files.
"""

import time
import unittest

import harness
from harness import amount
from marked_clips import look, make_clip, skews
from recorded import FRAME_US, REORDER_US, check_camera, check_file, numbers, streams

INTERVAL_S = 2
CLIP_FRAMES = 250  # of the clips that last 10 s


def seconds_of_name(file):
    hours, minutes, seconds = file.stem.partition("-")[0].split("_")
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds)


class Transcode(harness.Case):
    # name: clip, its frames, recording, codec, width, height, fps
    CASES = {
        "service": ("h264", 300, {"videoCodec": "hevc", "videoBitrateKbps": 600},
                    "hevc", 640, 360, 15),
        "small": ("h265b", 250, {"videoCodec": "h264", "videoBitrateKbps": 400},
                  "h264", 320, 180, 12.5),
        "repeats": ("mjpeg", 250, {"videoCodec": "mpeg4", "videoBitrateKbps": 1000},
                    "mpeg4", 320, 180, 30),
        "again": ("h264b", 250, {"videoCodec": "h264", "transcode": {"when": "always"}},
                  "h264", 160, 90, 25),
        "newest": ("h265v", 250, {"videoCodec": "av1", "videoBitrateKbps": 300},
                   "av1", 320, 180, 15),
    }

    def check(self, daemon, name):
        clip, clip_frames, recording, codec, width, height, fps = self.CASES[name]
        files = daemon.segments(name)
        self.assertGreaterEqual(len(files), 3, name)
        frame_us = 1e6 / fps
        shown = []  # of all files: time in µs from the first boundary, number
        start_us = None
        for index, file in enumerate(files):
            rows = check_file(file)
            video = next(one for one in streams(file) if one["codec_type"] == "video")
            self.assertEqual((video["codec_name"], video["width"], video["height"]),
                             (codec, width, height), file)
            pts = [row.pts_us for row in rows if row.track == "v"]
            times = [(b - a) / frame_us for a, b in zip(pts, pts[1:])]
            self.assertLess(max(abs(one - 1) for one in times), 0.06, f"{file}: {times}")
            length_us = len(pts) * frame_us
            if 0 < index < len(files) - 1:
                self.assertEqual(seconds_of_name(file) % INTERVAL_S, 0, file)
                self.assertLessEqual(abs(length_us - INTERVAL_S * 1e6), frame_us + 1000, file)
            start_us = 0 if start_us is None else start_us
            seen = numbers(file)
            self.assertEqual(len(seen), len(pts), file)
            shown += [(start_us + at, number) for at, number in zip(pts, seen)]
            start_us += length_us
        # The clip is looped: what is seen is that of the time, to a frame of either side.
        first = shown[0][1]
        for at_us, number in shown:
            clip_us = (at_us + first * FRAME_US) % (clip_frames * FRAME_US)
            off_us = abs(number * FRAME_US - clip_us)
            off_us = min(off_us, clip_frames * FRAME_US - off_us)
            self.assertLessEqual(off_us, max(frame_us, FRAME_US) + FRAME_US,
                                 f"{name}: at {at_us} us the frame {number}")

    @unittest.skipUnless(harness.IS_CAMPAIGN, "five encoders at once want the processors alone")
    def test_kinds(self):
        server = harness.Camera(self.folder, {case[0] for case in self.CASES.values()} | {"h265"})
        cameras = [{"name": name, "rtspUrl": server.url(f"/{case[0]}/{name}"), "fps": case[6],
                    "frameWidth": case[4], "frameHeight": case[5], "recording": case[2]}
                   for name, case in self.CASES.items()]
        cameras[1]["recording"]["videoFileExtension"] = "mkv"
        cameras.append({"name": "copied", "rtspUrl": server.url("/h265/copied"),
                        "recording": {"videoCodec": "h265", "transcode": {"when": "auto"}}})
        daemon = harness.Daemon(self.folder, cameras, interval=INTERVAL_S)
        names = [camera["name"] for camera in cameras]
        daemon.wait_closed(names, amount(3, 20), seconds=amount(60, 200) * harness.SCALE)
        stopped_us = daemon.stop()
        for name in self.CASES:
            with self.subTest(name):
                self.assertTrue(daemon.find(daemon.of(name, "Transcoding .* because ")))
                self.check(daemon, name)
        self.assertTrue(daemon.find(daemon.of("copied", "Copying H.265 640x360@25")))
        check_camera(daemon, "copied", server, "/h265/copied", stopped_us, "va", REORDER_US)
        # The sound is copied beside the picture, and begins with it to a frame of sound.
        for file in daemon.segments("service")[1:-1]:
            rows = check_file(file)
            sound = [row.pts_us for row in rows if row.track == "a"]
            self.assertLess(abs(sound[0]), 100_000, file)
            end_us = max(row.pts_us for row in rows if row.track == "v") + 1e6 / 15
            self.assertLess(abs(sound[-1] + 32_000 - end_us), 100_000, file)

    def test_sound(self):
        """G.711 becomes AAC in mp4 files, beside video that is copied or transcoded."""
        marked = make_clip(self.folder / "marked.mkv", "h264", "pcm_alaw", "25", seconds=10)
        server = harness.Camera(self.folder, ("h264pcma", "h265pcmu"), "--clip", f"marked={marked}")
        cameras = [
            {"name": "copied", "rtspUrl": server.url("/h265pcmu/1")},
            {"name": "both", "rtspUrl": server.url("/h264pcma/2"), "frameWidth": 320,
             "recording": {"videoCodec": "hevc", "videoBitrateKbps": 500}},
            {"name": "mkv", "rtspUrl": server.url("/h264pcma/3"),
             "recording": {"videoFileExtension": "mkv"}},
            {"name": "wanted", "rtspUrl": server.url("/h264pcma/4"), "audio": "aac",
             "recording": {"videoFileExtension": "mkv"}},
            {"name": "refused", "rtspUrl": server.url("/h264pcma/5"), "audio": "copy"},
            {"name": "marked", "rtspUrl": server.url("/marked/6"), "frameWidth": 320,
             "recording": {"videoCodec": "hevc", "videoBitrateKbps": 500}},
        ]
        daemon = harness.Daemon(self.folder, cameras, interval=INTERVAL_S)
        names = [camera["name"] for camera in cameras]
        daemon.wait_closed(names, amount(3, 20), seconds=amount(60, 200) * harness.SCALE)
        daemon.stop()
        sounds = {"copied": "aac", "both": "aac", "mkv": "pcm_alaw", "wanted": "aac",
                  "refused": None, "marked": "aac"}
        for name, codec in sounds.items():
            files = daemon.segments(name)
            for file in files:
                rows = check_file(file)
                tracks = [track["codec_name"] for track in streams(file)
                          if track["codec_type"] == "audio"]
                if file in (files[0], files[-1]) and not tracks:
                    continue  # shorter than a packet of AAC
                self.assertEqual(tracks, [codec] if codec else [], file)
                if not codec or file in (files[0], files[-1]):
                    continue
                # 1024 samples at 8 kHz are 128 ms.
                sound = [row.pts_us for row in rows if row.track == "a"]
                end_us = max(row.pts_us for row in rows if row.track == "v")
                self.assertLess(abs(sound[0]), 130_000, file)
                self.assertLess(abs(sound[-1] - end_us), 200_000, file)
                if codec == "aac":
                    steps = {round((b - a) / 1000) for a, b in zip(sound, sound[1:])}
                    self.assertEqual(steps, {128}, file)
        late = [one for file in daemon.segments("marked") for one in skews(*look(marked, file), 25)]
        self.assertGreater(len(late), 0)
        self.assertLess(max(map(abs, late)), 0.040, late)
        print(f"measured: sound {1000 * min(late):+.1f} to {1000 * max(late):+.1f} ms beside the "
              f"picture, {len(late)} bursts")

    @unittest.skipUnless(harness.IS_CAMPAIGN, "the camera beside wants a processor of its own")
    def test_overload(self):
        """Nothing encodes as fast as that: frames are left out, and another camera loses none."""
        server = harness.Camera(self.folder, ("demo", "h265v"))
        slow = {"videoCodec": "hevc", "videoBitrateKbps": 4000}
        cameras = [
            {"name": "drops", "rtspUrl": server.url("/demo/drops"), "recording": {
                **slow, "transcode": {"preset": "slow", "threads": 1}}},
            {"name": "copies", "rtspUrl": server.url("/demo/copies"), "recording": {
                **slow, "videoCodec": "h264",
                "transcode": {"preset": "placebo", "threads": 1, "onOverload": "copy"}}},
            {"name": "beside", "rtspUrl": server.url("/h265v/beside")},
        ]
        cameras[0]["recording"]["transcode"]["when"] = "always"
        daemon = harness.Daemon(self.folder, cameras, interval=300, fps=30)
        daemon.wait_for(daemon.of("drops", "leaving frames out"), seconds=3 * harness.DEADLINE_S)
        daemon.wait_for(daemon.of("drops", r"left out \d+ frames"), seconds=3 * harness.DEADLINE_S)
        daemon.wait_for(daemon.of("copies", "copying it until a segment begins"),
                        seconds=3 * harness.DEADLINE_S)
        harness.wait_until(lambda: len(daemon.segments("copies")) >= 1, "the end of encoding")
        time.sleep(2)
        stopped_us = daemon.stop()
        check_camera(daemon, "beside", server, "/h265v/beside", stopped_us)
        for name, codec in (("drops", "hevc"), ("copies", "h264")):
            video = streams(daemon.segments(name)[0])[0]
            self.assertEqual(video["codec_name"], codec)
            check_file(daemon.segments(name)[0])
        copied = daemon.segments("copies")[1]
        self.assertEqual(streams(copied)[0]["codec_name"], "hevc")
        check_file(copied)
        self.assertEqual(daemon.find("queue is full"), [])

    def test_refusals(self):
        """Hardware that is not there, more cameras than may be transcoded, and never."""
        server = harness.Camera(self.folder, ("h264v",))
        hardware = {"videoCodec": "hevc",
                    "transcode": {"encoder": "vaapi", "device": "/nonexistent"}}
        never = {"videoCodec": "hevc", "transcode": {"when": "never"}}
        cameras = [
            {"name": "first", "rtspUrl": server.url("/h264v/1"), "recording": hardware},
            {"name": "second", "rtspUrl": server.url("/h264v/2"), "recording": hardware},
            {"name": "never", "rtspUrl": server.url("/h264v/3"), "recording": never},
        ]
        daemon = harness.Daemon(self.folder, cameras, interval=2, maxConcurrentTranscodes=1)
        daemon.wait_closed(("first", "second", "never"), 2)
        daemon.stop()
        self.assertEqual(len(daemon.find("WARNING - The encoder hevc_vaapi is no use: "
                                         "its device cannot be used")), 1)
        self.assertTrue(daemon.find(daemon.of("never", "WARNING - Copying H.264 640x360: H.265 was asked for, "
                                                       "and never to transcode")))
        codecs = {name: [streams(file)[0]["codec_name"] for file in daemon.segments(name)]
                  for name in ("first", "second", "never")}
        self.assertEqual(set(codecs["never"]), {"h264"})
        # Who comes first takes the one place and keeps it; the other one is copied and says so.
        self.assertEqual({frozenset(codecs["first"]), frozenset(codecs["second"])},
                         {frozenset({"hevc"}), frozenset({"h264"})})
        self.assertEqual(len(daemon.find("As many cameras are transcoded as may be at a time")), 1)
        for name in codecs:
            for file in daemon.segments(name):
                check_file(file)

    def test_place(self):
        """The one place among those that are transcoded is another's once its camera is gone."""
        servers = {name: harness.Camera(self.folder, ("h264v",)) for name in ("first", "second")}
        cameras = [{"name": name, "rtspUrl": server.url(f"/h264v/{name}"),
                    "recording": {"videoCodec": "mpeg4"}} for name, server in servers.items()]
        daemon = harness.Daemon(self.folder, cameras, interval=2, maxConcurrentTranscodes=1)
        daemon.wait_closed(servers, 1)
        refused = "As many cameras are transcoded as may be at a time: copying it"
        [copied] = [name for name in servers if daemon.find(daemon.of(name, refused))]
        [encoded] = set(servers) - {copied}

        def codecs(name):
            return [streams(file)[0]["codec_name"] for file in daemon.segments(name)]

        self.assertNotIn("mpeg4", codecs(copied))
        servers[encoded].kill()
        harness.wait_until(lambda: "mpeg4" in codecs(copied), "what is encoded")
        harness.Camera(self.folder, ("h264v",), port=servers[encoded].port)
        daemon.wait_for(daemon.of(encoded, refused))
        harness.wait_until(lambda: "h264" in codecs(encoded), "what is copied")
        daemon.stop()
        for name in servers:
            for file in daemon.segments(name):
                check_file(file)


if __name__ == "__main__":
    harness.main()
