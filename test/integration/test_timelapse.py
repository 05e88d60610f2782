#!/usr/bin/env python3
"""Timelapses: key frames of what is recorded, one each so many seconds of the clock, in a file of the
day.

Proves packet by packet that they are the first key frames at or after each multiple, that each lasts
exactly a frame, that the picture is the one that was served (its number can be read), that a stop, a
kill, midnight and other parameters lose none of them, and that segments, the catalog and the
commands do not take them for something else.
"""

import os
import time
import unittest

import harness
from harness import program, run
from recorded import FRAME_US, ON_THE_WAY_US, check_file, check_files, packets, streams
from test_transcode import numbers

SECOND_US = 1_000_000


class Timelapse(harness.Case):
    def files(self, name, suffix=".mp4"):
        return sorted((self.daemon.output / name / "timelapse").glob(f"*{suffix}"))

    def wait_frames(self, name, count):
        """Until an open file holds so many; returns it."""
        def find():
            try:
                return next((part for part in self.files(name, ".part")
                             if len(packets(part)) >= count), None)
            except AssertionError:  # it has just got its header, or another name
                return None
        return harness.wait_until(find, f"{count} frames of the timelapse of {name}",
                                  seconds=3 * harness.DEADLINE_S)

    def check(self, file, served, every_s, fps=25, after=-1):
        """Frame by frame, from the unit served behind `after` on; returns the indices of its first and
        its last frame."""
        rows = check_file(file)
        self.assertEqual([stream["codec_type"] for stream in streams(file)], ["video"], file)
        self.assertEqual([row.pts_us for row in rows],
                         [round(at * SECOND_US / fps) for at in range(len(rows))], file)
        keys = [unit for unit in served if unit.is_key]
        taken, indices = [], []
        for row in rows:
            self.assertTrue(row.is_key, file)
            after = next((at for at in range(after + 1, len(served))
                          if served[at].hash == row.hash), None)
            self.assertIsNotNone(after, f"{file}: a frame that was not served, or before")
            taken.append(served[after])
            indices.append(after)
        every_us, gop_us = every_s * SECOND_US, keys[1].unix_us - keys[0].unix_us
        is_aligned = False  # the first of a session is taken wherever it lies
        for before, unit in zip(taken, taken[1:]):
            if before.session != unit.session:
                is_aligned = False
                continue
            # What is served just before a multiple may be dated behind it.
            due_us = (unit.unix_us + ON_THE_WAY_US) // every_us * every_us
            sooner = [key for key in keys if due_us + ON_THE_WAY_US < key.unix_us < unit.unix_us]
            self.assertEqual(sooner, [], f"{file}: {unit.n} is not the first")
            error_us = unit.unix_us - before.unix_us - every_us
            self.assertLess(error_us, gop_us + ON_THE_WAY_US, f"{file}: {before.n} to {unit.n}")
            if is_aligned:
                self.assertGreater(error_us, -gop_us - ON_THE_WAY_US,
                                   f"{file}: {before.n} to {unit.n}")
            is_aligned = True
        return indices[0], indices[-1]

    def test_days(self):
        """Until it is stopped, and again."""
        server = harness.Camera(self.folder, ("h265v", "h264tiny"))
        cameras = [
            {"name": "each", "rtspUrl": server.url("/h264tiny/each"), "recording": {
                "timelapse": {"everySeconds": 1, "fps": 30}}},
            {"name": "second", "rtspUrl": server.url("/h265v/second"), "recording": {
                "timelapse": {"everySeconds": 2}, "videoFileExtension": "mkv"}},
            {"name": "none", "rtspUrl": server.url("/h265v/none")},
        ]
        self.daemon = harness.Daemon(self.folder, cameras, timeZone="UTC")
        self.wait_frames("each", 6)
        self.wait_frames("second", 3)
        self.daemon.stop()
        first = len(packets(self.files("each")[0]))
        again = harness.Daemon(self.folder, cameras, timeZone="UTC")
        self.wait_frames("each", first + 2)
        self.wait_frames("second", 2)
        again.stop()
        self.assertEqual(self.files("none"), [])
        self.assertEqual(self.files("each", ".part") + self.files("second", ".part"), [])

        file, = self.files("each")
        self.check(file, server.served("/h264tiny/each"), 1, 30)
        last = -1
        files = self.of_one_day("second", ".mkv")
        self.assertEqual(len(files), 2)  # an mkv does not go on
        for file in files:
            _, last = self.check(file, server.served("/h265v/second"), 2, 25, last)
            shown = numbers(file)
            self.assertEqual(len(shown), len(packets(file)))
            self.assertEqual([number % 25 for number in shown], [0] * len(shown), file)

        # Nobody takes them for segments, and they are whole.
        listed = run(program("RTSPRECD"), "list", "--config", self.daemon.config)
        self.assertEqual(listed.returncode, 0, listed.stderr)
        self.assertNotIn("timelapse", listed.stdout)
        self.assertEqual(listed.stdout.count(".m"), sum(
            len(self.daemon.segments(camera["name"])) for camera in cameras), listed.stdout)
        verified = run(program("RTSPRECD"), "verify", self.daemon.output)
        self.assertEqual(verified.returncode, 0, verified.stdout)

    def of_one_day(self, name, suffix=".mp4"):
        """In the order in which they were made."""
        return sorted(self.files(name, suffix), key=lambda file: (file.stem[:10], len(file.stem),
                                                                  file.stem))

    def test_kill(self):
        """What is written out is there, whoever repairs it."""
        server = harness.Camera(self.folder, ("h264tiny",))
        cameras = [{"name": "cam", "rtspUrl": server.url("/h264tiny/cam"),
                    "recording": {"timelapse": {"everySeconds": 1}}}]
        self.daemon = harness.Daemon(self.folder, cameras)
        part = self.wait_frames("cam", 3)
        self.daemon.kill()
        first = len(packets(part))
        again = harness.Daemon(self.folder, cameras)
        again.wait_for(again.of("cam", rf"Repaired after a crash: {part.with_suffix('')} "
                                       rf"\({first} frames saved"))
        self.assertEqual(self.wait_frames("cam", first + 3), part)  # it goes on
        again.kill()
        second = len(packets(part))
        repaired = run(program("RTSPRECD"), "repair", self.daemon.output)
        self.assertRegex(repaired.stdout, rf"{part.with_suffix('')}.*{second} frames saved")
        self.assertEqual(self.files("cam", ".part"), [])
        self.assertEqual(self.files("cam"), [part.with_suffix("")])
        self.check(part.with_suffix(""), server.served("/h264tiny/cam"), 1)
        self.assertEqual(len(packets(part.with_suffix(""))), second)

    @unittest.skipUnless(os.environ.get("OWN_CLOCK"), "a sanitizer's runtime wants to be loaded first")
    def test_midnight(self):
        """And another size in between."""
        server = harness.Camera(self.folder, ("h264tiny", "h264small"))
        server.set("/h264tiny/cam", "switch 8:h264small")
        midnight_s = 1_800_000_000 // 86400 * 86400
        offset_s = round(midnight_s - 5 - time.time())
        clock = harness.OwnClock(self.folder, offset_s)
        self.daemon = harness.Daemon(
            self.folder, [{"name": "cam", "rtspUrl": server.url("/h264tiny/cam"),
                           "recording": {"timelapse": {"everySeconds": 1}}}],
            timeZone="UTC", env=clock.env)
        old, new = "2027-01-14", "2027-01-15"
        self.daemon.wait_for(rf"Timelapse of \d+ frames: .*/cam/timelapse/{old}\.mp4$")
        self.daemon.wait_for(rf"Timelapse of \d+ frames: .*/cam/timelapse/{new}\.mp4$")
        self.wait_frames("cam", 3)
        self.daemon.stop()
        files = self.of_one_day("cam")
        self.assertEqual([file.stem for file in files], [old, new, f"{new}-2"])
        served = server.served("/h264tiny/cam")
        found = [(-1, -1)]
        for file in files:
            found.append(self.check(file, served, 1, after=found[-1][1]))
        self.assertEqual([streams(file)[0]["width"] for file in files], [64, 64, 320])
        # The day is that of the frame.
        midnight_us = (midnight_s - offset_s) * SECOND_US
        last_us, first_us = served[found[1][1]].unix_us, served[found[2][0]].unix_us
        self.assertLess(last_us, midnight_us + ON_THE_WAY_US)
        self.assertGreater(first_us, midnight_us - ON_THE_WAY_US)
        self.assertLess(first_us, midnight_us + 10 * FRAME_US + ON_THE_WAY_US)
        check_files(self.daemon.segments("cam"))


if __name__ == "__main__":
    harness.main()
