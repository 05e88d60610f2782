#!/usr/bin/env python3
"""The catalog of a daemon's archive says what the files say, and is made again from them.

Two cameras into mp4, one into mkv; the daemon is stopped, killed, started again. Each time: every
file is in the catalog with its length, its frames and its size; the catalog deleted gives the same
segments; every instant of every camera has one reason. A camera's directory is renamed between two
runs, a file deleted and another one added by hand.
"""

import datetime
import json
import os
import re
import shutil
import subprocess
import time

import harness

INTERVAL_S = 3
WHOLE_FRAGMENTS_BYTES = 100_000
CAMERAS = {"front": "/h264", "yard": "/h265", "shed": "/h264"}
CATALOG = ".rtsprec-catalog.db"


def instant(text):
    """µs since 1970."""
    when = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")
    return (when - datetime.datetime(1970, 1, 1)) // datetime.timedelta(microseconds=1)


def format_of(file, *entries):
    found = subprocess.run(
        ["ffprobe", "-v", "error", "-select_streams", "v", "-count_packets", "-show_entries",
         ":".join(entries), "-of", "json", file], check=True, capture_output=True, text=True)
    return json.loads(found.stdout)


class Catalog(harness.Case):
    def setUp(self):
        super().setUp()
        self.copied = None
        self.server = harness.Camera(self.folder, ("h264", "h265"))
        self.cameras = [{"name": name, "rtspUrl": self.server.url(path)}
                        for name, path in CAMERAS.items()]
        self.cameras[2]["recording"] = {"videoFileExtension": "mkv"}

    def start(self):
        daemon = harness.Daemon(self.folder, self.cameras, interval=INTERVAL_S)
        self.output = daemon.output
        return daemon

    def ask(self, *arguments):
        found = subprocess.run(
            [harness.program("RTSPRECD"), *arguments, "--archive", self.output, "--json"],
            check=True, capture_output=True, text=True, timeout=60)
        return json.loads(found.stdout)

    def segments(self):
        return self.ask("list")["segments"]

    def check_files(self, segments):
        """The rows are the files."""
        files = {str(file.relative_to(self.output)) for file in self.output.glob("*/*/*")}
        self.assertEqual({row["path"] for row in segments}, files)
        for row in segments:
            file = self.output / row["path"]
            said = format_of(file, "format=duration,size", "stream=nb_read_packets,codec_name,width")
            stream = said["streams"][0]
            seconds = (instant(row["end"]) - instant(row["start"])) / 1e6
            self.assertEqual(row["bytes"], int(said["format"]["size"]))
            self.assertEqual(row["codec"], stream["codec_name"])
            self.assertEqual(row["width"], stream["width"])
            self.assertAlmostEqual(seconds, float(said["format"]["duration"]), delta=0.2)
            self.assertEqual(row["frames"], int(stream["nb_read_packets"]))
            if file == self.copied:
                continue
            start = time.strftime("%H_%M_%S", time.localtime(instant(row["start"]) // 1000000))
            self.assertTrue(file.name.startswith(start), f"{file}: {row['start']}")

    def check_rebuild(self, segments):
        """The catalog deleted gives the same again, but for why segments ended."""
        (self.output / CATALOG).unlink()
        rebuilt = self.segments()
        self.assertTrue(all(row["reason"] == "unknown" for row in rebuilt))
        for row in segments + rebuilt:
            del row["reason"]
        self.assertEqual(rebuilt, segments)

    def check_gapless(self, segments, camera):
        """What was recorded in one run joins to the frame."""
        rows = [row for row in segments if row["camera"] == camera]
        self.assertGreaterEqual(len(rows), 3)
        for row, following in zip(rows, rows[1:]):
            gap_us = instant(following["start"]) - instant(row["end"])
            self.assertLess(abs(gap_us), 200_000, f"{row['path']}, {following['path']}")

    def has_attributes(self, path):
        try:
            os.setxattr(self.output / path, "user.rtsprec.test", b"x")
        except OSError:
            return False
        os.removexattr(self.output / path, "user.rtsprec.test")
        return True

    def protect_what_is_open(self, camera):
        """The path that the file will have."""
        part = max((self.output / camera).glob("*/*.part"))
        now = datetime.datetime.now(datetime.timezone.utc)
        times = [(now + datetime.timedelta(seconds=s)).strftime("%Y-%m-%dT%H:%M:%SZ")
                 for s in (0, 1)]
        found = subprocess.run(
            [harness.program("RTSPRECD"), "protect", camera, *times, "--archive", self.output,
             "--why", "a theft"], check=True, capture_output=True, text=True, timeout=60)
        self.assertRegex(found.stdout,
                         "^[01] segments? protected, and what is being recorded")
        return str(part.relative_to(self.output)).removesuffix(".part")

    def check_coverage(self, expected_reasons):
        now_us = time.time_ns() // 1000
        from_text = datetime.datetime.fromtimestamp(
            self.began_us / 1e6, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        for camera in self.ask("coverage", "--from", from_text)["cameras"]:
            at = camera["from"]
            for span in camera["spans"]:
                self.assertEqual(span["start"], at)
                at = span["end"]
            self.assertEqual(at, camera["to"])
            self.assertLess(abs(instant(at) - now_us), 60_000_000)
            percents = [reason["percent"] for reason in camera["reasons"].values()]
            self.assertEqual(round(sum(percents), 1), 100.0)
            self.assertEqual(set(camera["reasons"]) - {"unknown", "connecting"},
                             expected_reasons, camera["camera"])

    def test_stop_kill_and_rebuild(self):
        self.began_us = time.time_ns() // 1000
        daemon = self.start()
        daemon.wait_closed(CAMERAS, 3)
        self.check_coverage({"recorded"})  # also what is open
        last = self.protect_what_is_open("front")
        daemon.stop()
        segments = self.segments()
        kept = {row["path"] for row in segments if row["protected"] == "a theft"}
        self.assertIn(last, kept)
        self.assertEqual({path.split("/")[0] for path in kept}, {"front"})
        if self.has_attributes(segments[0]["path"]):
            for path in kept:
                self.assertIn("user.rtsprec.protected", os.listxattr(self.output / path))
        self.assertEqual({row["reason"] for row in segments}, {"rotated", "stopped"})
        self.check_files(segments)
        for camera in CAMERAS:
            self.check_gapless(segments, camera)
        self.check_coverage({"recorded", "stopped"})
        self.check_rebuild(segments)

        daemon = self.start()
        daemon.wait_closed(CAMERAS, 2)
        harness.wait_until(
            lambda: len(daemon.parts()) == len(CAMERAS) and
            all(part.stat().st_size > WHOLE_FRAGMENTS_BYTES for part in daemon.parts()),
            "all cameras are in the middle of a file")
        daemon.kill()
        daemon = self.start()
        daemon.wait_closed(CAMERAS, 2)
        daemon.stop()
        self.assertEqual(len(daemon.find("Repaired after a crash")), len(CAMERAS))
        segments = self.segments()
        self.check_files(segments)
        self.check_coverage({"recorded", "crashed", "stopped"})
        self.check_rebuild(segments)

    def test_changes_by_hand(self):
        self.began_us = time.time_ns() // 1000
        daemon = self.start()
        daemon.wait_closed(CAMERAS, 3)
        daemon.stop()
        before = self.segments()
        gone = next(row for row in before
                    if row["camera"] == "yard" and row["reason"] == "rotated")
        os.unlink(self.output / gone["path"])
        front = [row for row in before if row["camera"] == "front"]
        other_hour = re.sub(r"/(\d\d)_", lambda match: f"/{(int(match[1]) + 12) % 24:02}_",
                            front[0]["path"])
        self.copied = other_hour.replace("front", "porch")
        self.copied = self.output / self.copied
        os.rename(self.output / "front", self.output / "porch")
        shutil.copyfile(self.output / front[0]["path"].replace("front", "porch"), self.copied)
        self.cameras[0]["name"] = "porch"
        daemon = self.start()
        daemon.wait_closed(["porch", "yard", "shed"], 2)
        daemon.stop()
        segments = self.segments()
        self.check_files(segments)
        paths = {row["path"] for row in segments}
        self.assertNotIn(gone["path"], paths)
        for row in front:
            self.assertIn(row["path"].replace("front", "porch"), paths)
        removed = self.ask("coverage", "yard", "--from", gone["start"][:19] + "Z")
        self.assertIn("removed", removed["cameras"][0]["reasons"])


if __name__ == "__main__":
    harness.main()
