#!/usr/bin/env python3
"""How credentials are asked for and given, and who gets to see them.

Proves: every challenge is answered with the strongest digest that it offers, also when a nonce is
used up; refused ones are not tried again and again: at most ten times in an hour; redirects are
followed on the same host only, and not for ever; another host never sees credentials, nor anything
at all.
"""

import os
import shutil
import time
import unittest

import harness
from faulty import BACK_S, FaultyCase
from recorded import check_camera

USER, PASSWORD = "admin", "p:a@s/s %?"
LOGIN = ("--user", USER, "--password", PASSWORD)
HOUR_S, SPEED = 3600, 100


class Login(FaultyCase):
    CASES = {  # name: settings, and the scheme that has to be used
        "basic": (["auth=basic"], "Basic"), "digest": (["auth=digest"], "Digest"),
        "md5": (["auth=md5"], "Digest"), "sha256": (["auth=sha256"], "Digest"),
        "sha256-old": (["auth=sha256-old"], "Digest"),
        "choice": (["auth=basic,md5,sha256"], "Digest"),
        "one-line": (["auth=basic+sha256+md5"], "Digest"),
        "stale": (["auth=sha256", "stale=2", "timeout=2:close"], "Digest"),
        "stale-md5": (["auth=md5", "stale=1", "timeout=2:close"], "Digest"),
        "stale-silent": (["auth=md5", "stale=2:silent", "timeout=2:close"], "Digest"),
        "nat": (["base=host:192.0.2.1:554", "auth=md5"], "Digest"),
    }

    def test_challenges(self):
        self.serve({name: settings for name, (settings, _) in self.CASES.items()},
                   arguments=LOGIN)
        keys = {"username": USER, "password": PASSWORD}
        self.record(**keys)
        self.daemon.wait_recording(self.paths)
        for path in self.paths.values():
            harness.wait_until(lambda: len(self.server.served(path)) > 150, "six seconds of video")
        stopped_us = self.daemon.stop()
        for name, (_, scheme) in self.CASES.items():
            with self.subTest(name):
                check_camera(self.daemon, name, self.server, self.paths[name], stopped_us)
                asked = self.server.asked(self.paths[name])
                self.assertEqual({request.scheme for request in asked} - {"-"}, {scheme})
                refused = [request for request in asked if request.status == 401]
                if not name.startswith("stale"):
                    self.assertEqual(len(refused), 1, "it was asked more than once")
                for one, next_one in zip(asked, asked[1:]):
                    # The end does not wait for what is under way.
                    if one.status == 401 and next_one.method != "TEARDOWN":
                        self.assertEqual((next_one.method, next_one.status), (one.method, 200))

    def test_wrong_password(self):
        """One try; then the next only when the camera would have forgotten it."""
        self.serve({"wrong": [], "for-ever": ["status=401"]}, arguments=LOGIN)
        self.record({"wrong": {"password": "another"}}, good=False, username=USER,
                    password=PASSWORD)
        for name in self.paths:
            line = self.wait_for(name, r"401, the camera refused.*next attempt in ([\d.]+) s")
            self.assertGreaterEqual(float(line.group(1)), 45)
        self.daemon.stop()
        for name, path in self.paths.items():
            with self.subTest(name):
                tries = [request for request in self.server.asked(path) if request.scheme != "-"]
                self.assertLessEqual(len(tries), 3)

    @unittest.skipUnless(shutil.which("faketime"), "faketime is not installed")
    @unittest.skipIf(os.environ.get("RTSPREC_SANITIZE"), "sanitizers want to be loaded first")
    def test_logins_of_an_hour(self):
        """Refused as it is, or by a camera that calls every nonce too old."""
        self.serve({"wrong": [], "stale": ["auth=md5", "stale=always"]}, arguments=LOGIN)
        library = harness.run("faketime", "-f", "+0", "printenv", "LD_PRELOAD").stdout.strip()
        self.record(good=False, username=USER, password="another", openTimeoutSeconds=300,
                    env={"LD_PRELOAD": library, "FAKETIME": f"+0 x{SPEED}"})
        for name in self.paths:
            self.wait_for(name, "401")
        end = time.monotonic() + HOUR_S / SPEED
        harness.wait_until(lambda: time.monotonic() > end, "an hour", HOUR_S / SPEED + 10)
        for name, path in self.paths.items():
            tries = [request for request in self.server.asked(path) if request.scheme != "-"]
            print(f"measured: {name}: logins in an hour: {len(tries)} of at most 10")
            self.assertGreater(len(tries), 2, "faketime has not made time go faster")
            self.assertLessEqual(len(tries), 10)
        self.daemon.kill()


class Redirects(FaultyCase):
    def test_redirects(self):
        self.other = harness.Camera(self.folder, ("h264v",), *LOGIN, address="127.0.0.2")
        self.serve({}, arguments=LOGIN)
        locations = {
            "same": self.server.url("/h264v/target"), "twice": self.server.url("/h264v/same"),
            "loop": self.server.url("/h264v/loop"), "circle-a": self.server.url("/h264v/circle-b"),
            "circle-b": self.server.url("/h264v/circle-a"), "other": self.other.url("/h264v"),
            "login": self.other.url("/h264v", "admin:x@"), "nowhere": "nothing",
            "evil": f"rtsp://127.0.0.1@127.0.0.2:{self.other.port}/h264v"}
        for name, location in locations.items():
            self.paths[name] = f"/h264v/{name}"
            self.server.set(self.paths[name], f"redirect=302:{location}")
        self.record(username=USER, password=PASSWORD)
        self.daemon.wait_recording(["same", "twice"])
        for name, text in (("loop", "redirects in circles"), ("circle-a", "redirects in circles"),
                           ("other", "redirects to another host"), ("nowhere", "redirects to"),
                           ("login", "redirects to another host"),
                           ("evil", "redirects to another host")):
            with self.subTest(name):
                self.wait_for(name, f"WARNING - .*{text}.*; next attempt in")
        followed = [request for request in self.server.asked("/h264v/loop")
                    if request.status == 302]
        self.assertLessEqual(len(followed), 10 * len(self.lines("loop", "Connecting")))
        self.server.set(self.paths["loop"], "redirect off")
        since = time.time()
        self.daemon.wait_recording(["loop"])
        self.assertLess(self.time_of("loop", "Starting recording") - since, 2 * BACK_S)
        self.daemon.stop()
        self.assertEqual(self.other.asked(), [])


if __name__ == "__main__":
    harness.main()
