#!/usr/bin/env python3
"""rtsprecd retention and forecast: what they print, what they delete, and their exit codes."""
import argparse
import fcntl
import json
import os
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

OPTIONS = argparse.Namespace()


def hours_ago(camera, hours):
    """The path of a segment that began so long ago."""
    start = time.gmtime(time.time() - 3600 * hours)
    return f"{camera}/{time.strftime('%Y-%m-%d/%H_%M_%S', start)}.mp4"


class Commands(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        self.video = self.folder / "video"
        self.put(".rtsprec", 0)

    def put(self, name, size, folder="video"):
        path = self.folder / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.truncate(path, size)
        return path

    def write_config(self, *cameras, **recording):
        recording = {"videoOutPath": "video", "keepFreeDiskSpaceGB": 0, **recording}
        cameras = [{"name": name, "rtspUrl": "rtsp://192.0.2.1/", "recording": own}
                   for name, own in cameras or [("door", {})]]
        (self.folder / "config.json").write_text(
            json.dumps({"global": {"timeZone": "UTC", "recording": recording},
                        "cameras": cameras}))

    def run_program(self, *arguments):
        return subprocess.run([OPTIONS.rtsprecd, *arguments], cwd=self.folder, timeout=60,
                              capture_output=True, text=True)

    def check(self, arguments, code, stdout="", stderr=""):
        result = self.run_program(*arguments)
        self.assertEqual(result.stderr, stderr)
        self.assertEqual(result.stdout, stdout)
        self.assertEqual(result.returncode, code)

    def files(self):
        return sorted(str(path.relative_to(self.video)) for path in self.video.rglob("*.mp4*"))

    def test_timelapses(self):
        self.put("door/timelapse/2024-01-15.mp4", 10**6)
        self.put("yard/timelapse/2024-01-15.mp4", 10**6)
        self.put("door/timelapse/2099-01-15.mp4", 10**6)
        self.write_config(("door", {"timelapse": {"keepDays": 30}}), ("yard", {"timelapse": True}))
        listed = ("{}: video/door/timelapse/2024-01-15.mp4 (1.0 MB, keepDays)\n"
                  "video: 1 file, 1.0 MB, {}\n")
        self.check(["retention", "--dry-run"], 0, listed.format("Would delete", "would be deleted"))
        self.check(["retention"], 0, listed.format("Deleted", "deleted"))
        self.assertEqual(self.files(), ["door/timelapse/2099-01-15.mp4",
                                        "yard/timelapse/2024-01-15.mp4"])

    def test_space(self):
        for hour in range(4):
            self.put(f"door/2024-01-15/0{hour}_00_00.mp4", 10**6)
            self.put(f"yard/2024-01-15/0{hour}_30_00.mp4", 10**6)
        self.write_config(limitOccupiedSpace=True, maxOccupiedSpaceGB=0.0055)
        listed = ("{}: video/door/2024-01-15/00_00_00.mp4 (1.0 MB, maxOccupiedSpaceGB)\n"
                  "{}: video/yard/2024-01-15/00_30_00.mp4 (1.0 MB, maxOccupiedSpaceGB)\n"
                  "{}: video/door/2024-01-15/01_00_00.mp4 (1.0 MB, maxOccupiedSpaceGB)\n"
                  "video: 3 files, 3.0 MB, {}\n")
        dry = listed.format(*["Would delete"] * 3, "would be deleted")
        self.check(["retention", "--dry-run"], 0, dry)
        plan = json.loads(self.run_program("retention", "--dry-run", "--json").stdout)
        self.assertEqual(len(self.files()), 8)

        self.check(["retention"], 0, listed.format(*["Deleted"] * 3, "deleted"))
        self.assertEqual(len(self.files()), 5)
        self.check(["retention"], 0, "video: 0 files, 0 B, deleted\n")
        archive, = plan["archives"]
        deletions = archive.pop("deletions")
        self.assertEqual(archive, {
            "directory": "video", "dryRun": True, "deleted": 3, "bytes": 3 * 10**6, "failed": 0,
            "missedBytes": 0, "missed": None, "keepFreeIsImpossible": False})
        self.assertEqual([entry["path"] for entry in deletions],
                         ["door/2024-01-15/00_00_00.mp4", "yard/2024-01-15/00_30_00.mp4",
                          "door/2024-01-15/01_00_00.mp4"])
        self.assertEqual(deletions[1], {
            "camera": "yard", "path": "yard/2024-01-15/00_30_00.mp4",
            "start": "2024-01-15T00:30:00.000000Z", "end": "2024-01-15T00:30:00.000000Z",
            "bytes": 10**6, "reason": "archive space", "young": False, "protected": False})

    def test_age_and_own_limits(self):
        old, middle, young = (hours_ago("door", hours) for hours in (50, 30, 1))
        for path in (old, middle, young, hours_ago("yard", 2), hours_ago("yard", 1)):
            self.put(path, 10**6)
        self.write_config(("door", {}), ("yard", {"limitOccupiedSpace": True,
                                                  "maxOccupiedSpaceGB": 0.001}), maxAgeDays=2)
        result = self.run_program("retention", "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        deletions = json.loads(result.stdout)["archives"][0]["deletions"]
        self.assertEqual([(entry["camera"], entry["reason"]) for entry in deletions],
                         [("door", "max age"), ("yard", "camera space")])
        self.assertEqual(len(self.files()), 3)
        self.assertNotIn(old, self.files())

    def test_minimum_age_and_what_is_left(self):
        self.put(hours_ago("door", 3), 10**6)
        kept = self.put(hours_ago("door", 5), 10**6)
        self.write_config(limitOccupiedSpace=True, maxOccupiedSpaceGB=0.0005, minAgeDays=1)
        since = time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(time.time() - 5.1 * 3600))
        until = time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(time.time() - 4 * 3600))
        result = self.run_program("protect", "door", since, until, "--why", "evidence")
        self.assertEqual(result.returncode, 0, result.stderr)
        result = self.run_program("retention")
        self.assertRegex(result.stdout, "^Deleted: video/door/.*, maxOccupiedSpaceGB\\), nothing "
                         "older than minAgeDays is left\n"
                         "video: 1 file, 1.0 MB, deleted\n"
                         "video: maxOccupiedSpaceGB is missed by 500.0 kB: all that is left is "
                         "protected, of cameras without limitOccupiedSpace, or being recorded\n$")
        self.assertEqual(result.returncode, 0)
        self.assertTrue(kept.exists())

    def test_more_free_than_there_is(self):
        self.put("door/2024-01-15/00_00_00.mp4", 10)
        self.write_config(limitOccupiedSpace=True, keepFreeDiskSpaceGB=10**9)
        self.check(["retention"], 0, "video: 0 files, 0 B, deleted\nvideo: keepFreeDiskSpaceGB is "
                   "more than the disk holds: nothing is deleted for it\n")
        self.assertEqual(len(self.files()), 1)

    def test_without_limits(self):
        self.put("door/2024-01-15/00_00_00.mp4", 10**6)
        self.write_config(maxOccupiedSpaceGB=0.0001)
        self.check(["retention"], 0, "video: 0 files, 0 B, deleted\n")
        result = self.run_program("forecast")
        self.assertEqual(result.stdout,
                         "video\n"
                         "  camera                  occupies       a day         holds     will hold\n"
                         "  door                      1.0 MB         0 B      0.0 days             -\n"
                         "  (all)                     1.0 MB         0 B      0.0 days\n"
                         "  No limit will bite.\n")

    def test_while_somebody_records(self):
        self.put("door/2024-01-15/00_00_00.mp4", 10**6)
        self.write_config(maxAgeDays=1)
        with open(self.video / ".rtsprec", "r+") as marker:
            fcntl.flock(marker, fcntl.LOCK_EX)
            self.check(["retention"], 1, "",
                       "rtsprecd: video: another recorder is writing to this archive\n")
            self.check(["retention", "--dry-run"], 0,
                       "Would delete: video/door/2024-01-15/00_00_00.mp4 (1.0 MB, maxAgeDays)\n"
                       "video: 1 file, 1.0 MB, would be deleted\n")
        self.assertEqual(len(self.files()), 1)

    def test_a_disk_that_is_not_mounted(self):
        # Under its mount point lies what somebody wrote while it was not there.
        path = self.put("door/2024-01-15/00_00_00.mp4", 10)
        (self.video / ".rtsprec").unlink()
        self.write_config(maxAgeDays=1)
        for arguments in (["retention"], ["retention", "--dry-run"], ["forecast"]):
            result = self.run_program(*arguments)
            self.assertEqual((result.returncode, result.stdout), (1, ""))
            self.assertIn("rtsprecd: video: is no archive (no file .rtsprec in it", result.stderr)
        self.assertTrue(path.exists())
        self.assertEqual([entry.name for entry in self.video.iterdir()], ["door"])

    def test_which_archives(self):
        self.put("gate/2024-01-15/00_00_00.mp4", 10, folder="other")
        self.put(".rtsprec", 0, folder="other")
        self.write_config(("door", {}), ("gate", {"videoOutPath": "other"}), maxAgeDays=1)
        self.check(["retention", "--dry-run"], 0,
                   "video: 0 files, 0 B, would be deleted\n"
                   "Would delete: other/gate/2024-01-15/00_00_00.mp4 (10 B, maxAgeDays)\n"
                   "other: 1 file, 10 B, would be deleted\n")
        self.check(["retention", "--archive", "video", "--config", "config.json"], 0,
                   "video: 0 files, 0 B, deleted\n")
        self.check(["retention", "--archive", "video"], 78, "",
                   "rtsprecd: video: the configuration has no limits for it, expected the "
                   "videoOutPath or alsoKeepPath of a camera and, with --archive, --config "
                   "FILE\n")
        self.check(["retention", "now"], 64, "",
                   "rtsprecd: retention: what is this for: now; see rtsprecd retention --help\n")
        self.check(["forecast", "--dry-run"], 64, "",
                   "rtsprecd: forecast: it does not take --dry-run; see rtsprecd forecast "
                   "--help\n")
        for command in ("retention", "forecast"):
            result = self.run_program(command, "--help")
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            self.assertTrue(result.stdout.startswith(f"Usage: rtsprecd {command} "))

    def test_forecast(self):
        # 1 MB an hour and camera, for a day.
        for hour in range(24, 0, -1):
            self.put(hours_ago("door", hour), 10**6)
            self.put(hours_ago("yard", hour), 10**6)
        self.write_config(("door", {}), ("yard", {"maxAgeDays": 3}),
                          limitOccupiedSpace=True, maxOccupiedSpaceGB=0.24)
        archive, = json.loads(self.run_program("forecast", "--json").stdout)["archives"]
        door, yard = archive["cameras"]
        self.assertEqual((door["camera"], door["limit"]), ("door", "archive space"))
        self.assertEqual((yard["camera"], yard["limit"]), ("yard", "max age"))
        self.assertAlmostEqual(yard["limitHeldDays"], 3)
        self.assertAlmostEqual(door["limitHeldDays"], 6.6, delta=0.3)
        self.assertEqual(archive["bytes"], 48 * 10**6)
        self.assertAlmostEqual(archive["bytesPerDay"], 50 * 10**6, delta=10**6)
        self.assertEqual([(bite["camera"], bite["limit"]) for bite in archive["limits"]],
                         [("yard", "max age"), (None, "archive space")])
        text = self.run_program("forecast").stdout
        self.assertRegex(text, r"  door +24\.0 MB +25\.\d MB +1\.0 days +6\.\d days  "
                         r"maxOccupiedSpaceGB\n")
        self.assertRegex(text, r"\n  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d: maxAgeDays, yard\n"
                         r"  \d{4}-.*: maxOccupiedSpaceGB\n$")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rtsprecd", type=Path, required=True)
    parser.parse_known_args(namespace=OPTIONS)
    OPTIONS.rtsprecd = OPTIONS.rtsprecd.resolve()
    unittest.main(argv=sys.argv[:1])
