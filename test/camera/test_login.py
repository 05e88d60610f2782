#!/usr/bin/env python3
"""How the simulated camera asks for credentials, and where it sends those who have them."""

import base64
import hashlib
import re
import tempfile
import unittest
from pathlib import Path

import camera_client
from camera_client import Rtsp, asked, camera

USER, PASSWORD = "u", "p"
LOGIN = ("--user", USER, "--password", PASSWORD)
HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


class Digest:
    """Answers one challenge, for as many requests as its nonce is good for."""

    def __init__(self, challenge, password=PASSWORD):
        self.parameters = dict(re.findall(r'([\w-]+)="?([^",]*)"?', challenge))
        self.password, self.count = password, 0

    def hash(self, *parts):
        function = HASHES[self.parameters.get("algorithm", "MD5")]
        return function(":".join(parts).encode()).hexdigest()

    def __call__(self, method, url):
        self.count += 1
        realm, nonce = self.parameters["realm"], self.parameters["nonce"]
        secret, action = self.hash(USER, realm, self.password), self.hash(method, url)
        given = {"username": USER, "realm": realm, "nonce": nonce, "uri": url}
        if "qop" in self.parameters:
            given.update(qop="auth", nc=f"{self.count:08x}", cnonce="abc")
            given["response"] = self.hash(secret, nonce, given["nc"], "abc", "auth", action)
        else:
            given["response"] = self.hash(secret, nonce, action)
        if "algorithm" in self.parameters:
            given["algorithm"] = self.parameters["algorithm"]
        return "Digest " + ", ".join(f'{name}="{value}"' for name, value in given.items())


def challenges(client):
    """The challenges of a 401, each with its scheme in front."""
    client.send("DESCRIBE")
    assert b" 401 " in client.stream.readline()
    found = []
    while (line := client.stream.readline().decode().strip()):
        name, value = line.split(": ", 1)
        if name == "WWW-Authenticate":
            found += re.split(r", (?=Basic|Digest)", value)
    return found


class Login(unittest.TestCase):
    def ask(self, server, answer):
        """The status of a DESCRIBE on a new connection, its challenges answered so."""
        with Rtsp(server, "/h264v") as client:
            client.authorization = answer(challenges(client))
            return client.ask("DESCRIBE")[0]

    def test_schemes(self):
        expected = {"digest": {}, "md5": {"algorithm": "MD5", "qop": "auth"},
                    "sha256": {"algorithm": "SHA-256", "qop": "auth"},
                    "sha256-old": {"algorithm": "SHA-256"}}
        for word, parameters in expected.items():
            with self.subTest(word), camera(*LOGIN, "--set", "*", f"auth={word}") as server:
                with Rtsp(server, "/h264v") as client:
                    found = challenges(client)
                    self.assertEqual(len(found), 1)
                    digest = Digest(found[0])
                    for name in ("algorithm", "qop"):
                        self.assertEqual(digest.parameters.get(name), parameters.get(name))
                    client.authorization = digest
                    client.play()
                self.assertEqual(self.ask(server, lambda all: Digest(all[0], "wrong")), 401)
                self.assertEqual(self.ask(server, lambda all: lambda *_: "Basic dTpw"), 401)

    def test_several_challenges(self):
        for value in ("sha256,md5,basic", "sha256+md5+basic"):
            with self.subTest(value), camera(*LOGIN, "--set", "*", f"auth={value}") as server:
                with Rtsp(server, "/h264v") as client:
                    found = challenges(client)
                self.assertEqual([text.split()[0] for text in found],
                                 ["Digest", "Digest", "Basic"])
                for index in (0, 1):
                    self.assertEqual(self.ask(server, lambda all: Digest(all[index])), 200)
                self.assertEqual(self.ask(server, lambda all: lambda *_: "Basic dTpw"), 200)

    def test_request_counter_must_increase(self):
        with camera(*LOGIN, "--set", "*", "auth=md5") as server, Rtsp(server, "/h264v") as client:
            digest = client.authorization = Digest(challenges(client)[0])
            self.assertEqual(client.ask("DESCRIBE")[0], 200)
            digest.count = 0
            self.assertEqual(client.ask("DESCRIBE")[0], 401)

    def test_quality_of_protection_unasked(self):
        with camera(*LOGIN) as server, Rtsp(server, "/h264v") as client:
            digest = client.authorization = Digest(challenges(client)[0])
            digest.parameters["qop"] = "auth"
            client.play()

    def test_stale_nonce(self):
        for value, stale in (("2", "true"), ("2:silent", None)):
            with self.subTest(value), camera(*LOGIN, "--set", "*", f"stale={value}") as server:
                with Rtsp(server, "/h264v") as client:
                    for _ in range(3):
                        client.authorization = None
                        status, answer, _ = client.ask("DESCRIBE")
                        digest = client.authorization = Digest(answer["www-authenticate"])
                        self.assertEqual(client.ask("DESCRIBE")[0], 200)
                        self.assertEqual(client.ask("DESCRIBE")[0], 200)
                        status, answer, _ = client.ask("DESCRIBE")
                        self.assertEqual(status, 401)
                        renewed = Digest(answer["www-authenticate"])
                        self.assertNotEqual(renewed.parameters["nonce"],
                                            digest.parameters["nonce"])
                        self.assertEqual(renewed.parameters.get("stale"), stale)

    def test_basic_wrong_user(self):
        with camera(*LOGIN, "--auth", "basic") as server:
            token = base64.b64encode(b"v:p").decode()
            with Rtsp(server, "/h264v", lambda *_: "Basic " + token) as client:
                self.assertEqual(client.ask("DESCRIBE")[0], 401)

    def test_options_needs_none(self):
        with camera(*LOGIN) as server, Rtsp(server, "/h264v") as client:
            self.assertEqual(client.ask("OPTIONS")[0], 200)


class Redirect(unittest.TestCase):
    def test_location(self):
        with camera("--set", "/h264v/a", "redirect=302:rtsp://192.0.2.1/x") as server:
            with Rtsp(server, "/h264v/a") as client:
                status, answer, _ = client.ask("DESCRIBE")
                self.assertEqual((status, answer["location"]), (302, "rtsp://192.0.2.1/x"))
            with Rtsp(server, "/h264v/b") as client:
                self.assertEqual(client.ask("DESCRIBE")[0], 200)


class Requests(unittest.TestCase):
    def test_each_is_logged(self):
        with tempfile.TemporaryDirectory() as folder:
            log = f"{folder}/requests"
            with camera(*LOGIN, "--requests", log, "--set", "/h264v/silent",
                        "answer=no") as server:
                with Rtsp(server, "/h264v/x") as client:
                    client.ask("OPTIONS")
                    client.authorization = Digest(client.ask("DESCRIBE")[1]["www-authenticate"])
                    client.play()
                with Rtsp(server, "/h264v/silent") as client:
                    client.url = server.url("/h264v/silent", "u:p@")
                    client.authorization = lambda *_: "Basic dTpw"
                    client.send("DESCRIBE")
                    server.say("nonsense")
                    server.wait_for_error("unknown command")
            rows = asked(log)
            text = Path(log).read_text()
            self.assertEqual([(row.method, row.scheme, row.status) for row in rows],
                             [("OPTIONS", "-", 200), ("DESCRIBE", "-", 401),
                              ("DESCRIBE", "Digest", 200), ("SETUP", "Digest", 200),
                              ("PLAY", "Digest", 200), ("DESCRIBE", "Basic", 0)])
            self.assertEqual([row.connection for row in rows], [1, 1, 1, 1, 1, 2])
            self.assertEqual([row.sequence for row in rows], ["1", "2", "3", "4", "5", "1"])
            self.assertEqual(rows[3].url, server.url("/h264v/x/streamid=0"))
            self.assertEqual({row.path for row in rows[:5]}, {"/h264v/x"})
            self.assertEqual(rows[5].url, server.url("/h264v/silent", "LOGIN@"))
            for secret in ("dTpw", "u:p", "nonce", "response"):
                self.assertNotIn(secret, text)


if __name__ == "__main__":
    camera_client.main()
