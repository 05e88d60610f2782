#!/usr/bin/env python3
"""50 cameras and a signal.

Proves: SIGTERM ends the daemon within 2 s with status 0 and every file closed under its name, also
while a third of the cameras do not answer and a third refuse; a log that nobody reads does not keep
files open, and a second signal ends the daemon at once; SIGUSR1 opens the log file again without
harm to the recording.
"""

import fcntl
import os
import signal
import socket
import subprocess
import termios
import time

import harness
from recorded import check_camera, check_files, check_order, packets, streams

STOP_S = 2 * harness.SCALE
COUNT = 50


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Stop(harness.Case):
    def cameras(self, server, count, path="/h265", prefix="cam"):
        return [{"name": f"{prefix}{i}", "rtspUrl": server.url(f"{path}/{prefix}{i}")}
                for i in range(count)]

    def stop(self, daemon):
        begin = time.monotonic()
        daemon.stop()
        self.assertLess(time.monotonic() - begin, STOP_S)
        self.assertIn("Stopped: every file is closed", daemon.out[-1])
        self.assertEqual(daemon.parts(), [])

    def check_files(self, daemon, count):
        files = [file for name in daemon.output.iterdir() for file in daemon.segments(name.name)]
        self.assertEqual(len({file.parent.parent for file in files}), count)
        check_files(files[::10])
        for file in files:
            streams(file)
            check_order(file, packets(file))

    def test_all_record(self):
        server = harness.Camera(self.folder, ("h265",))
        cameras = self.cameras(server, COUNT)
        daemon = harness.Daemon(self.folder, cameras, interval=300)
        daemon.wait_recording([camera["name"] for camera in cameras])
        self.stop(daemon)
        self.check_files(daemon, COUNT)

    def test_many_hang(self):
        server = harness.Camera(self.folder, ("h265",))
        good, hanging = self.cameras(server, 17), self.cameras(server, 17, prefix="hang")
        refused = [{"name": f"refused{i}", "rtspUrl": f"rtsp://127.0.0.1:{closed_port()}/"}
                   for i in range(16)]
        for camera in hanging:
            server.say(f"set /h265/{camera['name']} answer no")
        daemon = harness.Daemon(self.folder, good + hanging + refused, interval=300)
        daemon.wait_recording([camera["name"] for camera in good])
        for camera in refused:
            daemon.wait_for(daemon.of(camera["name"], "refused"))
        self.stop(daemon)
        self.assertEqual(daemon.find("hang.*(WARNING|ERROR)"), [])  # the stop came first
        self.check_files(daemon, len(good))

    def test_second_signal(self):
        """Stopping takes for ever when nobody reads the log: the pipe is full."""
        server = harness.Camera(self.folder, ("h265",))
        output = self.folder / "out"
        cameras = self.cameras(server, 10)
        config = harness.Daemon.write_config(self.folder, {
            "global": {"recording": {"videoOutPath": str(output), "fileIntervalSeconds": 1}},
            "cameras": cameras})
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        process = subprocess.Popen([harness.program("RTSPRECD"), "--config", config],
                                   stdout=writer, cwd=self.folder)
        os.close(writer)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        with open(os.dup(reader), encoding="utf-8") as lines:
            for _ in cameras:
                next(line for line in lines if "Starting recording" in line)
        self.wait_until_full(reader, output)
        process.send_signal(signal.SIGTERM)
        # Waiting for a signal unblocks it too, but then SIGUSR1 as well.
        harness.wait_until(lambda: not self.blocks(process.pid, signal.SIGTERM) and
                           self.blocks(process.pid, signal.SIGUSR1), "SIGTERM to be given back")
        harness.wait_until(lambda: not list(output.glob("*/*/*.part")), "closed files")
        self.assertEqual(len({file.parent for file in output.glob("*/*/*.mp4")}), len(cameras))
        self.assertIsNone(process.poll(), "a full pipe did not hold the log up")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(STOP_S), -signal.SIGTERM)

    def wait_until_full(self, pipe, output):
        """Until new files bring no more lines."""
        fcntl.fcntl(pipe, 1031, 4096)  # F_SETPIPE_SZ

        def state():
            waiting = fcntl.ioctl(pipe, termios.FIONREAD, bytes(4))
            return waiting, len(list(output.glob("*/*/*")))
        before = state()
        while True:
            harness.wait_until(lambda: state()[1] > before[1] + 20, "more files")
            now = state()
            if now[0] == before[0]:
                return
            before = now

    @staticmethod
    def blocks(pid, number):
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            mask = next(line for line in status if line.startswith("SigBlk:"))
        return int(mask.split()[1], 16) >> (number - 1) & 1

    def test_log_is_opened_again(self):
        server = harness.Camera(self.folder, ("h265",))
        log, moved = self.folder / "service.log", self.folder / "service.log.1"
        daemon = harness.Daemon(self.folder, self.cameras(server, 1), logFile=str(log))
        daemon.wait_closed(["cam0"])
        log.rename(moved)
        daemon.send(signal.SIGUSR1)
        daemon.wait_for("Log file opened again")
        daemon.wait_closed(["cam0"], 3)
        stopped_us = daemon.stop()
        self.assertEqual(moved.read_text() + log.read_text(), "\n".join(daemon.out) + "\n")
        self.assertIn("Starting recording to", log.read_text())
        check_camera(daemon, "cam0", server, "/h265/cam0", stopped_us, "va", decode=False)


if __name__ == "__main__":
    harness.main()
