#!/usr/bin/env python3
"""SIGKILL at random moments.

Proves for H.264 and H.265, with B-frames, with a key frame each second and every 4 s, with sound,
in mp4 and mkv: an open file can be read by any program; a killed rtsprecd loses at most 0.6 s of
each camera's video; what is left is, frame by frame, what was served, and decodes without error;
the next start repairs it by itself, before its first new file, and says so; `rtsprecd repair` does
the same. No .part stays, nothing is there twice.
"""

import random
import re
import shutil
import time

import harness
from harness import amount, program, run
from losses import (Sessions, check_readable, check_run, now_us, realtime, recordings, say,
                    wait_served)

CLIPS = ("h264", "h265gop4aac", "h264gop4", "h265", "h265", "h264b", "h265b")
BOUND_S = 0.6
KILLS, CAMERAS = amount(2, 20), amount(6, 10)


class Crash(harness.Case):
    def setUp(self):
        super().setUp()
        with realtime():
            self.server = harness.Camera(self.folder, sorted(set(CLIPS)))
        self.sessions = Sessions(self.server)
        self.cameras = recordings(CLIPS, CAMERAS,
                                  sound=lambda clip: "v" if clip.endswith("b") else "va")
        self.known = set()  # files of earlier runs
        self.runs = []

    def start(self):
        with realtime():
            self.daemon = harness.Daemon(
                self.folder, [camera.settings(self.server) for camera in self.cameras], interval=3)

    def crash(self):
        """Kills the daemon at a random moment of its recording; its files are left as they are."""
        self.daemon.wait_recording(camera.name for camera in self.cameras)
        wait_served(self.server, self.cameras[0].path, 1 + random.uniform(0, 4))
        crashed_us = now_us()
        self.daemon.kill()
        return crashed_us, self.daemon.parts()

    def note_run(self, crashed_us, parts):
        """After the repair: which files are of the run before."""
        units = self.sessions.next()
        for camera in self.cameras:
            files = [file for file in self.daemon.segments(camera.name)
                     if file not in self.known and not self.is_of_new_run(file)]
            self.known.update(files)
            self.runs.append((camera, files, units, crashed_us))
        for part in parts:  # one that held nothing leaves its name to the next run
            self.assertFalse(part.exists() and not self.is_of_new_run(part.with_suffix("")),
                             f"{part} is still there")

    def is_of_new_run(self, file):
        return bool(self.daemon.process.poll() is None and
                    self.daemon.find(f"Starting recording to: {re.escape(str(file))}$"))

    def check_repaired_first(self, parts):
        """The daemon's log tells of each repair before the camera's first new file."""
        for camera in self.cameras:
            of_camera = self.daemon.find(self.daemon.of(camera.name))
            first = next(i for i, line in enumerate(of_camera) if "Starting recording" in line)
            mine = [part for part in parts if part.parent.parent.name == camera.name]
            self.assertTrue(mine, f"{camera.name} had no open file")
            for part in mine:
                final = re.escape(str(part.with_suffix("")))
                told = (rf"(Repaired after a crash: {final} |Nothing could be saved after a crash: "
                        rf"{final}\.damaged .*no whole frame)")
                self.assertTrue([line for line in of_camera[:first] if re.search(told, line)],
                                f"{part} was not repaired in time")

    def check_copies(self):
        """Open files are copied while they are written."""
        copies = {}
        for camera in self.cameras:
            part = max(self.daemon.output.glob(f"{camera.name}/*/*.part"))
            copies[camera] = self.folder / f"copy-{camera.name}{part.with_suffix('').suffix}"
            shutil.copyfile(part, copies[camera])
        return copies

    def check_all(self, what):
        lost = [check_run(camera, files, units, crashed_us)
                for camera, files, units, crashed_us in self.runs]
        say(what, lost, BOUND_S)

    def test_restart(self):
        self.start()
        for _ in range(KILLS):
            crashed_us, parts = self.crash()
            self.start()
            self.daemon.wait_recording(camera.name for camera in self.cameras)
            self.check_repaired_first(parts)
            self.note_run(crashed_us, parts)
        self.daemon.stop()
        self.check_all("SIGKILL, next start repairs")

    def test_sound_stops(self):
        """A file that ends waits for its sound for up to a second. Its video does not wait."""
        self.cameras = [camera for camera in self.cameras if camera.tracks == "va"]
        for camera in self.cameras:
            self.server.say(f"set {camera.path} stall sound:1")
        self.start()
        self.daemon.wait_recording((camera.name for camera in self.cameras), 2)
        time.sleep(0.65)
        crashed_us = now_us()
        self.daemon.kill()
        parts = self.daemon.parts()
        self.assertGreater(len(parts), len(self.cameras), "no file was waiting for its sound")
        run(program("RTSPRECD"), "repair", self.daemon.output)
        self.note_run(crashed_us, parts)
        self.check_all("SIGKILL while a file waits for its sound")

    def test_command(self):
        self.start()
        self.daemon.wait_recording(camera.name for camera in self.cameras)
        wait_served(self.server, self.cameras[0].path, 3.5)
        copies = self.check_copies()
        crashed_us, parts = self.crash()
        result = run(program("RTSPRECD"), "repair", self.daemon.output)
        empty = len(list(self.daemon.output.glob("*/*/*.damaged")))
        self.assertEqual((result.returncode, result.stderr), (1 if empty else 0, ""), result.stdout)
        for part in parts:
            final = re.escape(str(part.with_suffix("")))
            self.assertRegex(result.stdout,
                             f"(?m)^{final}(: repaired: |.damaged: .*no whole frame)")
        self.assertIn(f"{len(parts)} files, {empty} of them not saved", result.stdout)
        self.note_run(crashed_us, parts)
        for camera, files, units, _ in self.runs:
            self.assertTrue(files)
            check_readable(copies[camera], units[camera.path, "v"])
        self.check_all("SIGKILL, rtsprecd repair")
        result = run(program("RTSPRECD"), "verify", self.daemon.output)
        self.assertEqual((result.returncode, result.stderr), (0, ""), result.stdout)


if __name__ == "__main__":
    harness.main()
