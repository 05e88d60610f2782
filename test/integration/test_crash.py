#!/usr/bin/env python3
"""SIGKILL at random moments.

Proves for H.264 and H.265, with B-frames, with a key frame each second and every 4 s, with sound,
in mp4 and mkv: an open file can be read by any program; a killed rtsprecd loses at most 0.6 s of
each camera's video; what is left is, frame by frame, what was served, and decodes without error;
the next start repairs it by itself, before its first new file, and says so; `rtsprecd repair` does
the same. No .part stays, nothing is there twice. A camera that is transcoded loses at most a frame
more, and shows what was served.

A sample is a kill, of which that camera counts that lost most.
"""

import random
import re
import shutil
import time

import harness
from harness import amount, program, run
from losses import (TRANSCODING_S, Sessions, check_readable, check_run, now_us, realtime,
                    recordings, say, wait_served)

CLIPS = ("h264", "h265gop4aac", "h264gop4", "h265", "h265", "h264b", "h265b")
TRANSCODED_CLIPS = ("h264", "h265gop4")
BOUND_S = 0.6
RECORDERS, CAMERAS = amount(1, 10), amount(6, 2)  # cameras of each
KILLS = amount(2, 20)  # of each recorder


class Recorder:
    """A daemon and its cameras: what it left of each run until it was killed."""

    def __init__(self, case, folder, cameras):
        self.case, self.folder, self.cameras = case, folder, cameras
        folder.mkdir()
        self.known = set()  # files of earlier runs
        self.runs = []

    def start(self):
        with realtime():
            self.daemon = harness.Daemon(
                self.folder, [camera.settings(self.case.server) for camera in self.cameras],
                interval=3)

    def wait_recording(self, segments=1):
        self.daemon.wait_recording((camera.name for camera in self.cameras), segments)

    def kill(self):
        """Its files are left as they are."""
        self.killed_us = now_us()
        self.daemon.kill()
        self.parts = self.daemon.parts()

    def repair(self):
        """By command."""
        return run(program("RTSPRECD"), "repair", self.daemon.output)

    def note_run(self, units):
        """After the repair: which files are of the run before."""
        for camera in self.cameras:
            files = [file for file in self.daemon.segments(camera.name)
                     if file not in self.known and not self.is_of_new_run(file)]
            self.known.update(files)
            self.runs.append((camera, files, units, self.killed_us))
        for part in self.parts:  # one that held nothing leaves its name to the next run
            self.case.assertFalse(part.exists() and not self.is_of_new_run(part.with_suffix("")),
                                  f"{part} is still there")

    def is_of_new_run(self, file):
        return bool(self.daemon.process.poll() is None and
                    self.daemon.find(f"Starting recording to: {re.escape(str(file))}$"))

    def check_repaired_first(self):
        """The daemon's log tells of each repair before the camera's first new file."""
        for camera in self.cameras:
            of_camera = self.daemon.find(self.daemon.of(camera.name))
            first = next(i for i, line in enumerate(of_camera) if "Starting recording" in line)
            mine = [part for part in self.parts if part.parent.parent.name == camera.name]
            self.case.assertTrue(mine, f"{camera.name} had no open file")
            for part in mine:
                final = re.escape(str(part.with_suffix("")))
                told = (rf"(Repaired after a crash: {final} |Nothing could be saved after a crash: "
                        rf"{final}\.damaged .*no whole frame)")
                self.case.assertTrue([line for line in of_camera[:first] if re.search(told, line)],
                                     f"{part} was not repaired in time")

    def lost(self):
        """Of each run in seconds, what that camera lost that lost more."""
        lost = [check_run(*run) for run in self.runs]
        count = len(self.cameras)
        return [max(lost[i:i + count]) for i in range(0, len(lost), count)]


class Crash(harness.Case):
    def begin(self, recorders, cameras, clips=CLIPS, transcoded=False):
        with realtime():
            self.server = harness.Camera(self.folder, sorted(set(clips)))
        self.sessions = Sessions(self.server)
        self.recorders = [
            Recorder(self, self.folder / f"recorder{i}", recordings(
                clips, cameras, f"cam{i}-", first=i * cameras,
                sound=lambda clip: "v" if clip.endswith("b") else "va", transcoded=transcoded))
            for i in range(recorders)]

    def start(self):
        for recorder in self.recorders:
            recorder.start()
        for recorder in self.recorders:
            recorder.wait_recording()

    def kill_each(self):
        """Each at a random moment of its own."""
        kills = sorted(((time.time() + 1 + random.uniform(0, 4), recorder)
                        for recorder in self.recorders), key=lambda kill: kill[0])
        with realtime():
            for when, recorder in kills:
                time.sleep(max(0, when - time.time()))
                recorder.kill()

    def note_run(self):
        units = self.sessions.next()
        for recorder in self.recorders:
            recorder.note_run(units)

    def check_all(self, what, bound_s=BOUND_S):
        say(what, [lost for recorder in self.recorders for lost in recorder.lost()], bound_s)

    def kill_and_restart(self):
        self.start()
        for _ in range(KILLS):
            self.kill_each()
            self.start()
            for recorder in self.recorders:
                recorder.check_repaired_first()
            self.note_run()
        for recorder in self.recorders:
            recorder.daemon.stop()

    def test_restart(self):
        self.begin(RECORDERS, CAMERAS)
        self.kill_and_restart()
        self.check_all("SIGKILL, next start repairs")

    def test_transcoding(self):
        self.begin(amount(1, 3), 2, TRANSCODED_CLIPS, transcoded=True)
        self.kill_and_restart()
        self.check_all("SIGKILL while transcoding, next start repairs", BOUND_S + TRANSCODING_S)

    def test_sound_stops(self):
        """A file that ends waits for its sound for up to a second. Its video does not wait."""
        self.begin(1, 5)
        recorder = self.recorders[0]
        for camera in recorder.cameras:
            self.server.say(f"set {camera.path} stall sound:1")
        for _ in range(amount(1, 10)):
            self.start()
            recorder.wait_recording(2)
            time.sleep(0.65)
            recorder.kill()
            self.assertGreater(len(recorder.parts), len(recorder.cameras),
                               "no file was waiting for its sound")
            recorder.repair()
            self.note_run()
        self.check_all("SIGKILL while a file waits for its sound")

    def copy_open_files(self, recorder):
        """While they are written."""
        copies = {}
        for camera in recorder.cameras:
            part = max(recorder.daemon.output.glob(f"{camera.name}/*/*.part"))
            copies[camera] = self.folder / f"copy-{camera.name}{part.with_suffix('').suffix}"
            shutil.copyfile(part, copies[camera])
        return copies

    def test_command(self):
        self.begin(1, 6)
        recorder = self.recorders[0]
        self.start()
        wait_served(self.server, recorder.cameras[0].path, 3.5)
        copies = self.copy_open_files(recorder)
        self.kill_each()
        result = recorder.repair()
        empty = len(list(recorder.daemon.output.glob("*/*/*.damaged")))
        self.assertEqual((result.returncode, result.stderr), (1 if empty else 0, ""), result.stdout)
        for part in recorder.parts:
            final = re.escape(str(part.with_suffix("")))
            self.assertRegex(result.stdout,
                             f"(?m)^{final}(: repaired: |.damaged: .*no whole frame)")
        self.assertIn(f"{len(recorder.parts)} files, {empty} of them not saved", result.stdout)
        self.note_run()
        for camera, files, units, _ in recorder.runs:
            self.assertTrue(files)
            check_readable(copies[camera], units[camera.path, "v"])
        self.check_all("SIGKILL, rtsprecd repair")
        result = run(program("RTSPRECD"), "verify", recorder.daemon.output)
        self.assertEqual((result.returncode, result.stderr), (0, ""), result.stdout)


if __name__ == "__main__":
    harness.main()
