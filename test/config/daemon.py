#!/usr/bin/env python3
"""The program rtsprecd from outside: command line, exit codes, log, signals.

Needs no camera: the ones configured here are at a port of this machine where nobody listens.
"""
import argparse
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

OPTIONS = argparse.Namespace()
SECRET = "s3cret"
LINE = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d - (VideoService|CameraProcessor-[\w-]+) - "
                  r"(DEBUG|INFO|WARNING|ERROR) - [^\n]+$")


def closed_port():
    """A port of 127.0.0.1 that refuses connections."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Daemon(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        self.process = None
        self.addCleanup(self.kill)

    def kill(self):
        if self.process is not None:
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait()

    def run_once(self, *arguments):
        return subprocess.run([OPTIONS.rtsprecd, *arguments], cwd=self.folder, timeout=30,
                              capture_output=True, text=True)

    def configure(self, mode="always", extra=""):
        (self.folder / "config.json").write_text(
            '{"global": {%s "recording": {"videoOutPath": "video", "mode": "%s"}},\n'
            '"cameras": [{"name": "front-door", '
            '"rtspUrl": "rtsp://admin:%s@127.0.0.1:%d/stream1"}]}\n'
            % (extra, mode, SECRET, closed_port()))

    def start(self, *arguments, stdout=None):
        self.out = self.folder / "stdout"
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(
                [OPTIONS.rtsprecd, *arguments], cwd=self.folder, stderr=subprocess.STDOUT,
                stdout=out if stdout is None else stdout)

    def wait_for(self, text, path=None):
        path = path or self.out
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if path.exists() and text in path.read_text():
                return
            self.assertIsNone(self.process.poll(), self.out.read_text())
            time.sleep(0.02)
        self.fail(f"{text!r} does not come: {path.read_text() if path.exists() else ''}")

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        begin = time.monotonic()
        code = self.process.wait(20)
        self.assertLess(time.monotonic() - begin, 2)
        return code

    def check_lines(self, text):
        self.assertTrue(text.endswith("\n"))
        for line in text.splitlines():
            self.assertRegex(line, LINE)
        self.assertNotIn(SECRET, text)


class CommandLine(Daemon):
    def test_help(self):
        result = self.run_once("--help")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        for option in ("--config", "--check-config", "--log-level", "--version", "--help"):
            self.assertIn(option, result.stdout)

    def test_version(self):
        result = self.run_once("--version")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertRegex(result.stdout, r"\Artsprecd \d+\.\d+\.\d+\n.*libavformat \d+\.")

    def test_wrong_usage(self):
        for arguments in (["--wrong"], ["-x"], ["-xy"], ["--config"], ["--help=1"], ["file"],
                          ["--log-level", "loud"], ["--check-config", "more"]):
            with self.subTest(arguments):
                result = self.run_once(*arguments)
                self.assertEqual((result.returncode, result.stdout), (64, ""))
                self.assertRegex(result.stderr, r"\Artsprecd: [^\n]+; see rtsprecd --help\n\Z")

    def test_no_configuration(self):
        if os.path.exists("/etc/rtsprec/config.json"):
            self.skipTest("this machine has a configuration of its own")
        result = self.run_once()
        self.assertEqual((result.returncode, result.stdout), (78, ""))
        self.assertEqual(len(result.stderr.splitlines()), 1)

    def test_bad_configuration(self):
        (self.folder / "config.json").write_text('{"cameras": []}')
        result = self.run_once()
        self.assertEqual((result.returncode, result.stdout), (78, ""))
        self.assertEqual(result.stderr, "config.json:1:13: $.cameras: no camera in it, expected "
                                        "at least one\n")

    def test_check_config_without_reader(self):
        self.configure()
        with open("/dev/full", "w") as full:
            result = subprocess.run([OPTIONS.rtsprecd, "--check-config"], cwd=self.folder,
                                    stdout=full, timeout=30)
        self.assertEqual(result.returncode, 1)


class Running(Daemon):
    def test_logs_and_stops(self):
        numbers = [signal.SIGTERM, signal.SIGINT]
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            numbers.append(signal.SIGHUP)  # else nohup wants it ignored
        for number in numbers:
            with self.subTest(number):
                self.configure()
                self.start()
                self.wait_for("next attempt in")
                self.assertEqual(self.stop(number), 0)
                text = self.out.read_text()
                self.check_lines(text)
                self.assertIn(" - CameraProcessor-front-door - INFO - Starting camera\n", text)
                self.assertIn(" - VideoService - INFO - Stopping: " + number.name, text)
                self.assertTrue(text.endswith("Stopped: every file is closed\n"))

    def test_second_signal_ends_at_once(self):
        self.configure()
        self.start()
        self.wait_for("Starting camera")
        self.process.send_signal(signal.SIGTERM)
        self.process.send_signal(signal.SIGTERM)
        self.assertIn(self.process.wait(2), (0, -signal.SIGTERM))

    def test_nothing_to_record(self):
        self.configure(mode="never")
        self.start()
        self.wait_for("No camera is recorded")
        self.assertEqual(self.stop(), 0)
        self.assertIn('Not recorded: its mode is "never"', self.out.read_text())

    def test_log_level(self):
        self.configure(extra='"logLevel": "debug",')
        self.start("--log-level", "error")
        time.sleep(0.5)
        self.assertEqual(self.stop(), 0)
        self.assertEqual(self.out.read_text(), "")

    def test_debug_has_no_secrets(self):
        self.configure()
        self.start("--log-level", "debug")
        self.wait_for("next attempt in")
        self.assertEqual(self.stop(), 0)
        self.check_lines(self.out.read_text())

    def test_survives_a_reader_that_leaves(self):
        self.configure()
        reader, writer = os.pipe()
        self.start(stdout=writer)
        os.close(writer)
        self.assertTrue(os.read(reader, 1))
        os.close(reader)
        time.sleep(1)
        self.assertEqual(self.stop(), 0)


class LogFile(Daemon):
    def test_is_reopened(self):
        self.configure(extra='"logFile": "service.log",')
        log = self.folder / "service.log"
        log.write_text("what was there\n")
        self.start()
        self.wait_for("Starting camera", log)
        log.rename(self.folder / "service.log.1")
        self.process.send_signal(signal.SIGUSR1)
        self.wait_for("Log file opened again", log)
        self.assertEqual(self.stop(), 0)
        first = (self.folder / "service.log.1").read_text()
        second = log.read_text()
        self.assertTrue(first.startswith("what was there\n"))
        self.assertEqual(stat.S_IMODE(log.stat().st_mode) & 0o137, 0)
        self.check_lines(second)
        self.assertEqual(first + second, "what was there\n" + self.out.read_text())

    def test_that_cannot_be_written(self):
        self.configure(extra='"logFile": "missing/service.log",')
        self.start()
        self.wait_for("next attempt in")
        self.process.send_signal(signal.SIGUSR1)
        self.wait_for("Log file opened again")
        self.assertEqual(self.stop(), 0)
        text = self.out.read_text()
        self.check_lines(text)
        self.assertEqual(text.count("The log file missing/service.log cannot be written"), 2)

    def test_on_a_full_disk(self):
        self.configure(extra='"logFile": "/dev/full",')
        self.start()
        self.wait_for("next attempt in")
        self.assertEqual(self.stop(), 0)
        self.assertEqual(self.out.read_text().count("cannot be written"), 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rtsprecd", required=True)
    parser.parse_known_args(namespace=OPTIONS)
    OPTIONS.rtsprecd = str(Path(OPTIONS.rtsprecd).resolve())
    unittest.main(argv=sys.argv[:1])
