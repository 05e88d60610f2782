#!/usr/bin/env python3
"""rtsprecd repair and verify: what they print, and their exit codes.

The files are seeds of the fuzzers: real ones, open and closed.
"""
import argparse
import fcntl
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

OPTIONS = argparse.Namespace()
CORPUS = Path(__file__).resolve().parent.parent / "fuzz" / "corpus"


class Archive(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        self.day = self.folder / "video" / "door" / "2024-03-02"
        self.day.mkdir(parents=True)

    def put(self, name, seed=None):
        if seed:
            shutil.copyfile(CORPUS / seed, self.day / name)
        else:
            (self.day / name).write_text("no video")

    def run_program(self, *arguments):
        return subprocess.run([OPTIONS.rtsprecd, *arguments], cwd=self.folder, timeout=60,
                              capture_output=True, text=True)

    def check(self, arguments, code, stdout="", stderr=""):
        result = self.run_program(*arguments)
        self.assertEqual(result.stderr, stderr)
        self.assertEqual(result.stdout, stdout)
        self.assertEqual(result.returncode, code)

    def test_repair(self):
        self.put("10_00_00.mp4.part", "mp4_repair/h264tiny-torn")
        self.put("11_00_00.mkv.part", "mkv_repair/h265tiny-open")
        result = self.run_program("repair", "video")
        self.assertEqual(result.stderr, "")
        self.assertRegex(
            result.stdout,
            r"\Avideo/door/2024-03-02/11_00_00\.mkv: repaired: \d+ frames saved, "
            r"0 bytes at the end belong to no frame\n"
            r"video/door/2024-03-02/10_00_00\.mp4: repaired: \d+ frames saved, "
            r"\d+ bytes at the end belong to no frame\n"
            r"2 files, 0 of them not saved\n\Z")
        self.assertEqual(result.returncode, 0)
        self.check(["repair", "video"], 0, "0 files, 0 of them not saved\n")
        result = self.run_program("verify", "video")
        self.assertRegex(result.stdout, r"10_00_00\.mp4: whole: \d+ frames\n")
        self.assertEqual(result.returncode, 0)

    def test_repair_of_what_cannot_be_saved(self):
        self.put("10_00_00.mp4.part")
        self.check(["repair", "video"], 1,
                   "video/door/2024-03-02/10_00_00.mp4.damaged: damaged: the beginning of the file "
                   "is not that of a segment\n1 file, 1 of them not saved\n")
        self.assertEqual((self.day / "10_00_00.mp4.damaged").read_text(), "no video")

    def test_repair_while_a_recorder_writes(self):
        self.put("10_00_00.mp4.part", "mp4_repair/h264tiny-open")
        with (self.folder / "video" / ".rtsprec").open("w") as marker:
            fcntl.flock(marker, fcntl.LOCK_EX)
            self.check(["repair", "video"], 1,
                       stderr="rtsprecd: video: another recorder is writing to this archive\n")
        self.assertTrue((self.day / "10_00_00.mp4.part").exists())

    def test_verify(self):
        self.put("10_00_00.mp4", "mp4_repair/h264tiny-closed")
        self.put("11_00_00.mp4", "mp4_repair/h264tiny-open")
        self.check(["verify", "video"], 1,
                   "video/door/2024-03-02/10_00_00.mp4: whole: 12 frames\n"
                   "video/door/2024-03-02/11_00_00.mp4: broken: the boxes of the file are not those "
                   "of a closed segment\n2 files, 1 of them not whole\n")
        self.check(["verify", str(self.day / "10_00_00.mp4")], 0,
                   f"{self.day}/10_00_00.mp4: whole: 12 frames\n1 file, 0 of them not whole\n")

    def test_what_is_not_there(self):
        self.check(["repair", "none"], 1, stderr="rtsprecd: none: No such file or directory\n")
        self.check(["verify", "none"], 1, stderr="rtsprecd: none: No such file or directory\n")

    def test_usage(self):
        for arguments in (["repair"], ["repair", "a", "b"]):
            self.check(arguments, 64, stderr="rtsprecd: repair takes one directory; "
                                             "see rtsprecd --help\n")
        for arguments in (["verify"], ["verify", "a", "b"]):
            self.check(arguments, 64, stderr="rtsprecd: verify takes one directory or file; "
                                             "see rtsprecd --help\n")
        usage = self.run_program("--help").stdout
        self.assertIn("rtsprecd repair DIRECTORY\n", usage)
        self.assertIn("rtsprecd verify DIRECTORY|FILE\n", usage)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rtsprecd", type=Path, required=True)
    OPTIONS, rest = parser.parse_known_args()
    if "--dump" in rest:
        place = rest.index("--dump")
        del rest[place:place + 2]
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
