#!/usr/bin/env python3
"""Good and bad configurations: each folder of valid/ and invalid/ is one.

A folder holds input.json, env (lines NAME=value, optional) and further files that input.json names;
invalid/: error, what rtsprecd --check-config writes to stderr, byte for byte;
valid/: expected, what config_dump prints, and warning, what is written to stderr (optional).

The folder is copied first, so that its files can have the mode that a password file should have.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
OPTIONS = argparse.Namespace()
# Values that must never be printed, whatever is wrong; every case uses one of them as its secret.
SECRETS = ("s3cret", "hunter2")


def environment(folder):
    values = {"PATH": os.environ.get("PATH", ""), "TZ": "UTC"}
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS",
                 "LD_LIBRARY_PATH"):
        if name in os.environ:
            values[name] = os.environ[name]
    if (folder / "env").exists():
        for line in (folder / "env").read_text().splitlines():
            name, value = line.split("=", 1)
            values[name] = value
    return values


def run(command, folder):
    return subprocess.run([str(word) for word in command], cwd=folder, env=environment(folder),
                          capture_output=True, timeout=60)


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name) / "case"

    def copy(self, source):
        shutil.copytree(source, self.folder)
        for path in self.folder.rglob("*"):
            path.chmod(0o700 if path.is_dir() else 0o600)

    def check(self):
        return run([OPTIONS.rtsprecd, "--check-config", "--config", "input.json"], self.folder)

    def refuse(self, expected):
        result = self.check()
        self.assertEqual(result.stderr.decode("utf-8"), expected)
        self.assertEqual(result.stdout, b"")
        self.assertEqual(result.returncode, 78)
        for secret in SECRETS:
            self.assertNotIn(secret, result.stderr.decode("utf-8"))


class Invalid(Case):
    """One test per folder, added below; here is what no folder can hold."""

    def test_is_too_large(self):
        self.folder.mkdir()
        (self.folder / "input.json").write_bytes(b" " * (1024 * 1024 + 1))
        self.refuse("input.json:1:1: $: the file cannot be read: too large, "
                    "expected a readable file of at most 1 MiB\n")

    def test_is_a_directory(self):
        (self.folder / "input.json").mkdir(parents=True)
        self.refuse("input.json:1:1: $: the file cannot be read: Is a directory, "
                    "expected a readable file of at most 1 MiB\n")

    def test_has_too_many_values(self):
        self.folder.mkdir()
        (self.folder / "input.json").write_text("[" + "1," * 100000 + "1]")
        self.refuse("input.json:1:200000: $: too many values, expected at most 100000\n")

    def test_many_errors_take_no_time(self):
        self.folder.mkdir()
        members = ",\n".join(f'"{i:x}":{i % 7}' for i in range(40000))
        (self.folder / "input.json").write_text("{" + members + "}")
        result = self.check()
        self.assertEqual(result.returncode, 78)
        self.assertEqual(len(result.stderr.splitlines()), 40001)

    def test_there_are_enough_cases(self):
        self.assertGreaterEqual(len(list((HERE / "invalid").iterdir())), 40)


class Valid(Case):
    def test_names_the_file_and_counts(self):
        self.copy(HERE / "valid" / "comments")
        result = self.check()
        self.assertEqual(result.stdout, b"input.json: 2 cameras, configuration is valid\n")
        self.assertEqual(result.returncode, 0)

    def test_a_world_readable_password_file_is_warned_of(self):
        self.copy(HERE / "valid" / "password-file")
        (self.folder / "door.password").chmod(0o644)
        result = self.check()
        self.assertRegex(result.stderr.decode(),
                         r"^input\.json:\d+:\d+: \$\.cameras\[0\]\.passwordFile: warning: every "
                         r"user of this machine can read the file, expected mode 0640 or "
                         r"stricter\n$")
        self.assertEqual(result.returncode, 0)

    def test_a_password_file_is_found_beside_the_configuration(self):
        self.copy(HERE / "valid" / "password-file")
        result = run([OPTIONS.rtsprecd, "--check-config", "--config", "case/input.json"],
                     self.folder.parent)
        self.assertEqual(result.stderr, b"")
        self.assertEqual(result.returncode, 0)


def invalid_test(source):
    def test(self):
        self.copy(source)
        self.refuse((source / "error").read_text(encoding="utf-8"))
    return test


def valid_test(source):
    def test(self):
        self.copy(source)
        warning = source / "warning"
        dumped = run([OPTIONS.dump, "input.json"], self.folder)
        self.assertEqual(dumped.stderr.decode(), warning.read_text() if warning.exists() else "")
        self.assertEqual(dumped.stdout.decode(), (source / "expected").read_text())
        checked = self.check()
        self.assertEqual(checked.returncode, 0)
        for secret in SECRETS:
            self.assertNotIn(secret, (checked.stdout + checked.stderr + dumped.stdout).decode())
    return test


def add_folders(name, case, make):
    for source in sorted((HERE / name).iterdir()):
        setattr(case, "test_folder_" + source.name.replace("-", "_"), make(source))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rtsprecd", type=Path, required=True)
    parser.add_argument("--dump", type=Path, required=True, help="the program config_dump")
    parser.parse_known_args(namespace=OPTIONS)
    OPTIONS.rtsprecd = OPTIONS.rtsprecd.resolve()
    OPTIONS.dump = OPTIONS.dump.resolve()
    add_folders("invalid", Invalid, invalid_test)
    add_folders("valid", Valid, valid_test)
    unittest.main(argv=sys.argv[:1])
