#!/usr/bin/env python3
"""rtsprecd list, coverage, protect, unprotect and rescan: what they print, and their exit codes.

The files are seeds of the fuzzers; each begins 2025-06-15 15:06:40 UTC and lasts 0.48 s.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

OPTIONS = argparse.Namespace()
SEED = Path(__file__).resolve().parent.parent / "fuzz/corpus/mp4_repair/h264tiny-closed"
FIRST = "door/2025-06-15/17_06_40.mp4"
SECOND = "yard/2025-06-15/17_06_40.mp4"
TIMES = ["--from", "2025-06-15T15:06:40Z", "--to", "2025-06-15T15:06:41Z"]


class Commands(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        self.video = self.folder / "video"
        self.put(FIRST)
        self.put(SECOND)
        (self.video / ".rtsprec").write_text("")

    def put(self, name, folder="video"):
        path = self.folder / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(SEED, path)

    def write_config(self, *out_paths, name="config.json", **top):
        cameras = [{"name": f"c{i}", "rtspUrl": "rtsp://192.0.2.1/", "recording":
                    {"videoOutPath": str(path)}} for i, path in enumerate(out_paths)]
        (self.folder / name).write_text(json.dumps({"global": top, "cameras": cameras}))

    def run_program(self, *arguments, zone="Europe/Berlin", locale="C.UTF-8"):
        environment = dict(os.environ, TZ=zone, LC_ALL=locale)
        return subprocess.run([OPTIONS.rtsprecd, *arguments], cwd=self.folder, timeout=60,
                              capture_output=True, text=True, encoding="utf-8", env=environment)

    def check(self, arguments, code, stdout="", stderr="", **options):
        result = self.run_program(*arguments, **options)
        self.assertEqual(result.stderr, stderr)
        self.assertEqual(result.stdout, stdout)
        self.assertEqual(result.returncode, code)

    def json_of(self, *arguments):
        result = self.run_program(*arguments, "--json")
        self.assertEqual(result.stderr, "")
        self.assertEqual(result.returncode, 0)
        return json.loads(result.stdout)

    def line(self, name, extra="", start="17:06:40", folder="video"):
        return (f"2025-06-15 {start}  00:00:00       0.0 MB  {folder}/{name}  h264 64x64{extra}\n")

    def test_list(self):
        archive = ["--archive", "video"]
        self.check(["list", *archive], 0,
                   self.line(FIRST) + self.line(SECOND) + "2 segments, 0.0 MB\n")
        self.check(["list", "yard", *archive, *TIMES], 0,
                   self.line(SECOND) + "1 segment, 0.0 MB\n")
        self.check(["list", "yard", *archive, "--from", "2025-06-15T17:06:41"], 0,
                   "0 segments, 0.0 MB\n")
        self.check(["list", "yard", *archive, "--to", "2025-06-15T17:06:40"], 0,
                   "0 segments, 0.0 MB\n")
        self.check(["list", "nobody", *archive], 0, "0 segments, 0.0 MB\n")
        segments = self.json_of("list", "yard", *archive)["segments"]
        self.assertEqual(segments, [{
            "archive": "video", "camera": "yard", "path": SECOND,
            "start": "2025-06-15T15:06:40.000000Z", "end": "2025-06-15T15:06:40.480000Z",
            "bytes": SEED.stat().st_size, "frames": 12, "codec": "h264", "width": 64, "height": 64,
            "reason": "unknown", "protected": None}])
        self.assertEqual(self.json_of("list", "nobody", *archive), {"segments": []})

    def test_a_name_that_is_no_text(self):
        path = os.path.join(os.fsencode(self.video), b"h\xf6f", b"2025-06-15")
        os.makedirs(path)
        shutil.copyfile(os.fsencode(SEED), os.path.join(path, b"17_06_40.mp4"))
        segments = self.json_of("list", "--archive", "video")["segments"]
        self.assertEqual({segment["camera"] for segment in segments}, {"door", "yard", "h?f"})
        cameras = self.json_of("coverage", "--archive", "video", *TIMES)["cameras"]
        self.assertEqual({camera["camera"] for camera in cameras}, {"door", "yard", "h?f"})

    def test_archives_of_a_configuration(self):
        self.put("gate/2025-06-15/17_06_40.mp4", "other")
        (self.folder / "other" / ".rtsprec").write_text("")
        self.write_config("video", "other", "./video/", timeZone="America/New_York")
        both = (self.line(FIRST, start="11:06:40") + self.line(SECOND, start="11:06:40") +
                self.line("gate/2025-06-15/17_06_40.mp4", start="11:06:40", folder="other"))
        self.check(["list"], 0, both + "3 segments, 0.0 MB\n")
        (self.folder / "config.json").rename(self.folder / "mine.json")
        self.check(["list", "--config", "mine.json"], 0, both + "3 segments, 0.0 MB\n")
        self.check(["list", "gate", "--config", "mine.json", "--archive", "other"], 0,
                   self.line("gate/2025-06-15/17_06_40.mp4", start="11:06:40", folder="other") +
                   "1 segment, 0.0 MB\n")
        result = self.run_program("coverage", "gate", "--config", "mine.json", *TIMES)
        self.assertEqual([line.split()[0] for line in result.stdout.splitlines()
                          if line[0] != " "], ["other/gate"])
        self.check(["coverage", "gat", "--config", "mine.json", *TIMES], 1,
                   stderr='rtsprecd: no archive has heard of a camera "gat"\n')
        shutil.rmtree(self.folder / "other")
        self.check(["list", "--config", "mine.json"], 1,
                   self.line(FIRST, start="11:06:40") + self.line(SECOND, start="11:06:40"),
                   "rtsprecd: other: No such file or directory\n")
        self.assertFalse((self.folder / "other").exists())

    def test_coverage(self):
        bar = "·" * 34 + "▁" + "·" * 13
        expected = ("video/yard  2025-06-15 00:00:00 to 2025-06-16 12:00:00\n"
                    "  recorded        0.0 %  00:00:00\n"
                    "  unknown       100.0 %  1d 12:00:00\n"
                    "              0     3     6     9     12    15    18    21    24\n"
                    f"  2025-06-15  {bar}    0.0 %\n"
                    f"  2025-06-16  {'·' * 24}{' ' * 24}    0.0 %\n")
        line = ["coverage", "yard", "--archive", "video", "--from", "2025-06-15",
                "--to", "2025-06-16T12:00"]
        self.check(line, 0, expected)
        plain = expected.replace("·", ".").replace("▁", "-")
        self.check([*line, "--ascii"], 0, plain)
        self.check(line, 0, plain, locale="C")

        line = ["coverage", "--archive", "video", *TIMES]
        result = self.run_program(*line)
        self.assertRegex(result.stdout, r"recorded +48\.0 %  00:00:00\n +unknown +52\.0 %")
        cameras = self.json_of(*line)["cameras"]
        self.assertEqual([camera["camera"] for camera in cameras], ["door", "yard"])
        self.assertEqual(cameras[0], {
            "archive": "video", "camera": "door", "from": "2025-06-15T15:06:40.000000Z",
            "to": "2025-06-15T15:06:41.000000Z",
            "reasons": {"recorded": {"seconds": 0.48, "percent": 48.0},
                        "unknown": {"seconds": 0.52, "percent": 52.0}},
            "spans": [{"start": "2025-06-15T15:06:40.000000Z",
                       "end": "2025-06-15T15:06:40.480000Z", "reason": "recorded"},
                      {"start": "2025-06-15T15:06:40.480000Z",
                       "end": "2025-06-15T15:06:41.000000Z", "reason": "unknown"}]})

    def test_coverage_ends_now(self):
        result = self.run_program("coverage", "yard", "--archive", "video", "--ascii")
        self.assertEqual(result.returncode, 0)
        self.assertEqual(len(result.stdout.splitlines()), 3 + 7) # today and the six days before
        self.check(["coverage", "--archive", "video", "--from", "2199-01-01"], 64,
                   stderr="rtsprecd: coverage: --from lies in the future\n")

    def test_protection(self):
        archive = ["--archive", "video"]
        day = ["yard", "2025-06-15", "2025-06-16"]
        self.check(["protect", *day, *archive, "--why", "a theft"], 0, "1 segment protected\n")
        self.check(["list", *archive], 0, self.line(FIRST) +
                   self.line(SECOND, "  protected: a theft") + "2 segments, 0.0 MB\n")
        (self.video / ".rtsprec-catalog.db").unlink()
        if "user.rtsprec.protected" in os.listxattr(self.video / SECOND):
            self.assertEqual(self.json_of("list", "yard", *archive)["segments"][0]["protected"],
                             "a theft")
        self.check(["unprotect", *day, *archive], 0, "1 segment no longer protected\n")
        self.check(["list", "yard", *archive], 0, self.line(SECOND) + "1 segment, 0.0 MB\n")
        self.check(["protect", "yard", "2024-01-01", "2024-01-02", *archive, "--why", "x"], 1,
                   stderr="rtsprecd: protect: no segment of yard in that time\n")
        # What comes into a time that is protected.
        self.check(["protect", "door", "2025-06-15", "2025-06-16", *archive, "--why", "x"], 0,
                   "1 segment protected\n")
        self.put("door/2025-06-15/17_06_41.mp4")
        self.assertEqual(self.run_program("rescan", *archive).returncode, 0)
        rows = self.json_of("list", "door", *archive)["segments"]
        self.assertEqual([row["protected"] for row in rows], ["x", "x"])
        self.check(["protect", "nobody", "2025-06-15", "2199-01-01", *archive, "--why", "x"], 1,
                   stderr="rtsprecd: protect: no segment of nobody in that time\n")

    def test_rescan(self):
        archive = ["--archive", "video"]
        self.check(["list", "none", *archive], 0, "0 segments, 0.0 MB\n")
        (self.video / FIRST).unlink()
        self.put("yard/2025-06-16/00_00_00.mp4")
        self.check(["rescan", *archive], 0,
                   "video: 3 directories read; segments: 1 added, 1 removed, 0 renamed\n")
        self.check(["rescan", *archive], 0,
                   "video: 3 directories read; segments: 0 added, 0 removed, 0 renamed\n")
        (self.video / "yard").rename(self.video / "garden")
        self.check(["rescan", *archive], 0,
                   "video: 3 directories read; segments: 0 added, 0 removed, 2 renamed\n")
        self.assertEqual(len(self.json_of("list", "garden", *archive)["segments"]), 2)

    def test_what_is_no_archive(self):
        self.check(["list", "--archive", "none"], 1,
                   stderr="rtsprecd: none: No such file or directory\n")
        self.assertFalse((self.folder / "none").exists())
        (self.folder / "empty").mkdir()
        self.check(["list", "--archive", "empty"], 1,
                   stderr="rtsprecd: empty: is no archive (no file .rtsprec in it, which a "
                          "recorder or a repair makes)\n")
        self.assertEqual(list((self.folder / "empty").iterdir()), [])
        self.check(["rescan"], 78,
                   stderr="rtsprecd: neither config.json nor /etc/rtsprec/config.json exists, "
                          "expected --config FILE or --archive DIRECTORY\n")

    def test_usage(self):
        archive = ["--archive", "video"]
        for line, text in (
                (["list", "a", "b"], "list: what is this for: b"),
                (["list", "--why", "x"], "list: it does not take --why"),
                (["list", "--none"],
                 "list: not an option, or one with a value it does not take: --none"),
                (["list", "--from"], "list: a value is missing after --from"),
                (["protect", "a", "2025-06-15"], "protect: an argument is missing"),
                (["protect", "a", "2025-06-15", "2025-06-16", *archive],
                 "protect: --why TEXT is missing"),
                (["unprotect", "a", "x", "2025-06-16", *archive],
                 "unprotect: expected two times, FROM before TO, not x 2025-06-16"),
                (["coverage", *archive, "--from", "2025-06-16", "--to", "2025-06-16"],
                 "coverage: --from is not before --to"),
                (["list", *archive, "--to", "tomorrow"],
                 "list: expected YYYY-MM-DD, YYYY-MM-DDTHH:MM[:SS], or that with Z or +HH:MM "
                 "behind it, not tomorrow")):
            self.check(line, 64, stderr=f"rtsprecd: {text}; see rtsprecd {line[0]} --help\n")
        usage = self.run_program("--help").stdout
        for name in ("list", "coverage", "protect", "unprotect", "rescan"):
            self.assertIn(name, usage)
            result = self.run_program(name, "--help")
            self.assertIn(f"rtsprecd {name}", result.stdout)
            self.assertEqual(result.returncode, 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rtsprecd", type=Path, required=True)
    OPTIONS, rest = parser.parse_known_args()
    if "--dump" in rest:
        place = rest.index("--dump")
        del rest[place:place + 2]
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
