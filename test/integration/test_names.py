#!/usr/bin/env python3
"""A file that exists is never overwritten, whoever made it and why the name comes again.

Proves for files of others and left-over .part files that are not ours, for a daemon that starts again and a camera
that comes back within the same second, and for the hour that the end of summer time repeats: the
new file gets a number, the old one stays as it was, and nothing of the recording is missing.
"""

import os
import shutil
import time
import unittest

import harness
from recorded import check_camera, check_file, check_served, packets

BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"
SUMMER_0230 = 1792888200  # 2026-10-25 02:30:00 CEST; an hour later it is 02:30:00 again


class Names(harness.Case):
    def camera(self, server, name="cam"):
        return {"name": name, "rtspUrl": server.url(f"/h265/{name}")}

    def occupy(self, suffix):
        """Takes the names of the coming seconds; returns the files."""
        now, files = int(time.time()), []
        for second in range(now, now + int(60 * harness.SCALE)):
            text = time.strftime("%Y-%m-%d/%H_%M_%S", time.localtime(second))
            file = self.folder / "video" / "cam" / (text + suffix)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"mine {second}")
            files.append(file)
        return files

    def check_occupied(self, suffix, kept_as, number):
        server = harness.Camera(self.folder, ("h265",))
        others = self.occupy(suffix)
        texts = [file.read_text() for file in others]
        daemon = harness.Daemon(self.folder, [self.camera(server)], interval=1)
        daemon.wait_closed(["cam"], 3)
        stopped_us = daemon.stop()
        kept = [file.with_name(file.name.replace(suffix, kept_as)) for file in others]
        self.assertEqual([file.read_text() for file in kept], texts)
        files = [file for file in daemon.segments("cam") if file not in others]
        self.assertGreaterEqual(len(files), 4)
        for file in files:
            self.assertRegex(file.name, rf"^\d\d_\d\d_\d\d{number}\.mp4$")
            check_file(file)
        hashes = [row.hash for file in files for row in packets(file) if row.track == "v"]
        check_served("cam", server.served("/h265/cam"), hashes, stopped_us)

    def test_files_of_others(self):
        self.check_occupied(".mp4", ".mp4", "-2")

    def test_part_files_of_a_crash(self):
        """The start looks at them, and puts aside what it cannot repair."""
        self.check_occupied(".mp4.part", ".mp4.damaged", "")

    def opened(self, daemon):
        lines = daemon.find("Starting recording to: ")
        return [line.partition("Starting recording to: ")[2] for line in lines]

    def test_daemon_starts_again_within_a_second(self):
        server = harness.Camera(self.folder, ("h265",))
        opened = []
        for _ in range(20):
            daemon = harness.Daemon(self.folder, [self.camera(server)], interval=300)
            daemon.wait_recording(["cam"])
            daemon.stop()
            opened += self.opened(daemon)
            if len(opened) > 1 and opened[-1].endswith("-2.mp4"):
                break
        self.assertEqual(len(opened), len(set(opened)))
        self.assertEqual(sorted(opened), sorted(map(str, daemon.segments("cam"))))
        if harness.SCALE == 1:
            self.assertTrue(opened[-1].endswith("-2.mp4"), opened)
        for file in daemon.segments("cam"):
            check_file(file)

    def test_camera_comes_back_within_a_second(self):
        server = harness.Camera(self.folder, ("h265",))
        daemon = harness.Daemon(self.folder, [self.camera(server)], interval=300)
        for count in range(1, 21):
            daemon.wait_recording(["cam"], count)
            if self.opened(daemon)[-1].endswith("-2.mp4"):
                break
            # Just after a full second leaves most time for the way back.
            time.sleep(1 - time.time() % 1)
            server.say("kick /h265/cam")
            daemon.wait_recording(["cam"], count + 1)
            server.say("kick /h265/cam")
            daemon.wait_closed(["cam"], count + 1)
        daemon.stop()
        opened = self.opened(daemon)
        self.assertEqual(len(opened), len(set(opened)))
        self.assertEqual(sorted(opened), sorted(map(str, daemon.segments("cam"))))

    @unittest.skipUnless(shutil.which("faketime"), "faketime is not installed")
    @unittest.skipIf(os.environ.get("RTSPREC_SANITIZE"), "sanitizers want to be loaded first")
    def test_hour_that_comes_twice(self):
        server = harness.Camera(self.folder, ("h265",))
        library = harness.run("faketime", "-f", "+0", "printenv", "LD_PRELOAD").stdout.strip()
        for hour in range(2):
            daemon = harness.Daemon(
                self.folder, [self.camera(server, f"cam{i}") for i in range(5)], interval=1,
                env={"TZ": BERLIN, "LD_PRELOAD": library, "DONT_FAKE_MONOTONIC": "1",
                     "FAKETIME_FMT": "%s", "FAKETIME": f"@{SUMMER_0230 + 3600 * hour}"})
            daemon.wait_closed([f"cam{i}" for i in range(5)], 4)
            stopped_us = daemon.stop()
            if hour == 0:
                check_camera(daemon, "cam0", server, "/h265/cam0", stopped_us, "va")
        names = [file.name for i in range(5) for file in daemon.segments(f"cam{i}")]
        self.assertTrue(all(name.startswith("02_30_") for name in names), names)
        self.assertTrue(any(name.endswith("-2.mp4") for name in names), names)


if __name__ == "__main__":
    harness.main()
