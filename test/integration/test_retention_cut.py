#!/usr/bin/env python3
"""A pass of retention that is cut off in its middle: by SIGKILL, and by power cuts on ext4 and XFS
of the test's own.

At random moments, with random parts of the file system written out before. Proves: after the next
reconciliation, which reads only directories that changed, the catalog has no entry without its file
and every file has its entry; what went is missing in the ledger because retention deleted it; and the
pass can be made again and then ends where one that was not cut off ends.
"""

import fcntl
import json
import os
import random
import subprocess
import time

import harness
from disks import Disk
from harness import amount, program, run

CAMERAS, DAYS, FILES = 3, 5, 40  # files of each camera and day
BYTES = 1000
KEPT = CAMERAS * FILES  # about a day's
MOST = (DAYS - 1) * CAMERAS * FILES - 2 * 64  # deletions before a cut: others follow
RUNS = amount(4, 100)
DAY_S = 86400
FIRST_DAY_S = 1705276800  # 2024-01-15


class Archive:
    """Some hundred files that are no videos, as old as their names say."""

    def __init__(self, folder, root):
        self.folder, self.root = folder, root
        for camera in range(CAMERAS):
            for day in range(DAYS):
                self.make_day(root / f"cam{camera}", FIRST_DAY_S + day * DAY_S)
        (root / ".rtsprec").touch()
        self.tight = self.write_config("tight", KEPT * BYTES / 1e9)
        self.loose = self.write_config("loose", 1000)
        self.run("rescan", self.loose)
        os.sync()

    @staticmethod
    def make_day(camera, start_s):
        folder = camera / time.strftime("%Y-%m-%d", time.gmtime(start_s))
        folder.mkdir(parents=True)
        for i in range(FILES):
            name = time.strftime("%H_%M_%S.mp4", time.gmtime(start_s + i * DAY_S // FILES))
            (folder / name).write_bytes(bytes(BYTES))
        os.utime(folder, (start_s, start_s))  # long enough ago to be believed

    def write_config(self, name, gigabytes):
        path = self.folder / f"{name}.json"
        recording = {"videoOutPath": str(self.root), "limitOccupiedSpace": True,
                     "maxOccupiedSpaceGB": gigabytes, "keepFreeDiskSpaceGB": 0}
        path.write_text(json.dumps({
            "global": {"timeZone": "UTC", "recording": recording},
            "cameras": [{"name": "cam0", "rtspUrl": "rtsp://192.0.2.1/"}]}))
        return path

    def run(self, command, config, *arguments):
        result = run(program("RTSPRECD"), command, "--config", config, *arguments)
        if result.returncode != 0:
            raise AssertionError(f"{command}: {result.stdout}{result.stderr}")
        return result.stdout

    def files(self):
        return {str(path.relative_to(self.root)) for path in self.root.glob("*/*/*")}

    def entries(self):
        segments = json.loads(self.run("list", self.loose, "--json"))["segments"]
        return {segment["path"] for segment in segments}

    def reasons(self):
        """Why something is missing, of all cameras."""
        end = time.strftime("%Y-%m-%d", time.gmtime(FIRST_DAY_S + DAYS * DAY_S))
        start = time.strftime("%Y-%m-%d", time.gmtime(FIRST_DAY_S))
        cameras = json.loads(self.run("coverage", self.loose, "--json", "--from", start,
                                      "--to", end))["cameras"]
        return {span["reason"] for camera in cameras for span in camera["spans"]}


class Pass:
    """A pass that has deleted so many files and can say no more: it waits in its middle."""

    def __init__(self, case, archive):
        self.case = case
        self.out, end = os.pipe()
        fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, 4096)  # 60 lines
        self.process = subprocess.Popen([program("RTSPRECD"), "retention", "--config",
                                         archive.tight], stdout=end, stderr=subprocess.DEVNULL)
        case.addCleanup(self.process.kill)
        os.close(end)

    def go_on(self, count):
        for _ in range(count):
            line = b""
            while not line.endswith(b"\n"):
                line += os.read(self.out, 1)
            self.case.assertTrue(line.startswith(b"Deleted: "), line)
        self.case.assertIsNone(self.process.poll())

    def kill(self):
        self.process.kill()
        self.process.wait()
        os.close(self.out)


class RetentionCut(harness.Case):
    def check_after(self, archive):
        """Reconciles, and compares the catalog with the tree."""
        archive.run("retention", archive.loose, "--dry-run")
        files = archive.files()
        self.assertEqual(archive.entries(), files)
        return files

    def finish(self, archive, all_files):
        archive.run("retention", archive.tight)
        files = archive.files()
        self.assertEqual(files, set(sorted(all_files, key=lambda path: path.split("/", 1)[1])
                                    [-KEPT:]))
        self.assertEqual(archive.entries(), files)
        self.assertEqual(sum(1 for _ in archive.root.glob("*/*")),
                         len({path.rsplit("/", 1)[0] for path in files}))
        self.assertIn(": 0 files", archive.run("retention", archive.tight))

    def test_killed(self):
        root = self.folder / "video"
        for _ in range(RUNS):
            root.mkdir()
            archive = Archive(self.folder, root)
            all_files = archive.files()
            cut = Pass(self, archive)
            cut.go_on(random.randint(1, MOST))
            cut.kill()
            left = self.check_after(archive)
            self.assertTrue(KEPT < len(left) < len(all_files))
            # Never "removed": nobody else has.
            self.assertLessEqual(archive.reasons(), {"deleted", "unknown"})
            self.finish(archive, all_files)
            run("rm", "-r", root)

    def cut_power(self, kind):
        disk = Disk(self, kind, self.folder / kind)
        for _ in range(RUNS):
            archive = Archive(self.folder, disk.mount_point)
            all_files = archive.files()
            power = disk.open()
            cut = Pass(self, archive)
            count = random.randint(1, MOST)
            if random.random() < 0.6:
                first = random.randint(0, count)
                cut.go_on(first)
                count -= first
                # The journal, or all, of the catalog what the kernel has of it.
                os.fsync(power) if random.random() < 0.5 else os.sync()
            cut.go_on(count)
            disk.cut(power)
            cut.kill()
            disk.umount()
            disk.mount()
            self.check_after(archive)
            self.finish(archive, all_files)
            run("find", disk.mount_point, "-mindepth", "1", "-delete")

    def test_power_cut_on_ext4(self):
        self.cut_power("ext4")

    def test_power_cut_on_xfs(self):
        self.cut_power("xfs")


if __name__ == "__main__":
    harness.main()
