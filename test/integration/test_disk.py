#!/usr/bin/env python3
"""A disk that takes nothing, and then does again.

Proves for an output directory that cannot be made and for a file system that is full: an ERROR line
says so in words, once and not with every frame; recording goes on by itself at the next key frame
once there is room; what was written before the failure is closed under its name and can be played;
a camera that records elsewhere loses nothing.
"""

import contextlib
import errno
import os
import unittest

import harness
from recorded import check_camera, check_files, packets, streams


class Disk(harness.Case):
    def start(self, output):
        self.server = harness.Camera(self.folder, ("h265",))
        cameras = [{"name": name, "rtspUrl": self.server.url(f"/h265/{name}")}
                   for name in ("good", "bad")]
        cameras[1]["recording"] = {"videoOutPath": str(output)}
        self.output = output
        self.daemon = harness.Daemon(self.folder, cameras, interval=2)

    def wait_for_error(self, text):
        self.daemon.wait_for(self.daemon.of("bad", f"ERROR - .*{text}.*next key frame"))

    @contextlib.contextmanager
    def room_again(self):
        """Recording goes on once the block has removed what is in the way."""
        start = len(self.daemon.out)
        failed = set(self.output.glob("bad/*/*")) if self.output.is_dir() else set()
        yield
        self.daemon.wait_for(self.daemon.of("bad", "Segment closed: .*rotated"), start=start)
        self.stopped_us = self.daemon.stop()
        files = set(self.output.glob("bad/*/*.mp4")) - failed
        self.assertTrue(files)
        check_files(sorted(files))
        self.assertEqual(list(self.output.glob("bad/*/*.part")), [])

    def check_good(self):
        check_camera(self.daemon, "good", self.server, "/h265/good", self.stopped_us, "va")
        self.assertEqual(self.daemon.find(self.daemon.of("good", "(WARNING|ERROR)")), [])

    def served_since(self, count):
        """Until so many more frames were served: several key frames."""
        before = len(self.server.served("/h265/bad"))
        harness.wait_until(lambda: len(self.server.served("/h265/bad")) > before + count,
                           "more video")

    def test_no_directory(self):
        output = self.folder / "blocked"
        output.write_text("in the way")
        self.start(output)
        self.wait_for_error(os.strerror(errno.ENOTDIR))
        self.served_since(60)
        self.assertEqual(len(self.daemon.find(self.daemon.of("bad", "ERROR"))), 1)
        with self.room_again():
            output.unlink()
        self.check_good()

    def tmpfs(self, size):
        output = self.folder / "small"
        output.mkdir()
        result = harness.run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", output)
        if result.returncode != 0:
            self.skipTest(f"no file system can be mounted here: {result.stderr.strip()}")
        self.addCleanup(harness.run, "umount", "-l", output)
        return output

    @unittest.skipIf(os.geteuid() != 0, "only root mounts file systems")
    def test_full(self):
        output = self.tmpfs("8m")
        filler = output / "filler"
        filler.write_bytes(bytes(8 * 1024 * 1024 - 300 * 1024))
        self.start(output)
        self.wait_for_error(os.strerror(errno.ENOSPC))
        self.daemon.wait_for(self.daemon.of("bad", "Writing failed, segment closed: .*, failed"))
        self.served_since(60)
        # One failure that lasts is told once; a file that is opened in between ends it.
        errors = self.daemon.find(self.daemon.of("bad", "ERROR - .*next key frame"))
        opened = self.daemon.find(self.daemon.of("bad", "Starting recording"))
        self.assertLessEqual(len(errors), len(opened) + 1)
        with self.room_again():
            failed = sorted(output.glob("bad/*/*.mp4"))
            self.assertTrue(failed)
            streams(failed[0])
            self.assertTrue(packets(failed[0])[0].is_key)
            filler.unlink()
        self.check_good()

    def check_list(self, output, files):
        listed = harness.run(harness.program("RTSPRECD"), "list", "--archive", output)
        self.assertEqual(listed.returncode, 0, listed.stderr)
        self.assertEqual(len(listed.stdout.splitlines()), files + 1)

    @unittest.skipIf(os.geteuid() != 0, "only root mounts file systems")
    def test_read_only_and_full(self):
        """What lies on a disk that takes no catalog can be looked at, where there is one or not."""
        output = self.tmpfs("8m")
        self.start(output)
        self.daemon.wait_closed(["bad"], 3)
        self.daemon.stop()
        files = len(list(output.glob("bad/*/*.mp4")))
        catalog = output / ".rtsprec-catalog.db"
        for has_catalog in (True, False):
            with self.subTest(has_catalog=has_catalog):
                if not has_catalog:
                    catalog.unlink()
                harness.run("mount", "-o", "remount,ro", output)
                self.check_list(output, files)
                self.check_list(f"/{output}", files)
                harness.run("mount", "-o", "remount,rw", output)
                with open(output / "filler", "wb", buffering=0) as filler, \
                        contextlib.suppress(OSError):
                    while True:
                        filler.write(bytes(4096))
                self.check_list(output, files)
                (output / "filler").unlink()


if __name__ == "__main__":
    harness.main()
