#!/usr/bin/env python3
"""Cameras behind TLS, with right and with wrong certificates.

Proves: a certificate is verified unless that was switched off, which is said loudly; a camera whose
certificate is for another name, or from an authority that nobody trusts, gets no request at all.
"""

import os
import shutil
import unittest

import harness
from recorded import check_camera

LOGIN = {"username": "admin", "password": "secret"}


def make_certificate(folder, name):
    """A self-signed certificate for an address or host; its files."""
    folder.mkdir()
    result = harness.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                         "ec_paramgen_curve:P-256", "-nodes", "-days", 2, "-subj", "/CN=rtspcam",
                         "-addext", f"subjectAltName={name}", "-keyout", folder / "key.pem",
                         "-out", folder / "cert.pem")
    assert result.returncode == 0, result.stderr
    return folder / "cert.pem", folder / "key.pem"


class SecureCamera(harness.Camera):
    """rtspcam that also listens for TLS."""

    def __init__(self, folder, certificate, key, *arguments):
        super().__init__(folder, ("h264v",), "--tls-port", 0, "--tls-cert", certificate,
                         "--tls-key", key, *arguments)
        self.tls_port = int(self.wait_for(r"listening with TLS on .*:(\d+)$").group(1))

    def url(self, path, login="", host=None):
        return f"rtsps://{login}{host or self.address}:{self.tls_port}{path}"


@unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
class Tls(harness.Case):
    def test_certificates(self):
        good, good_key = make_certificate(self.folder / "good", "IP:127.0.0.1")
        other, other_key = make_certificate(self.folder / "other", "DNS:camera.invalid")
        named, named_key = make_certificate(self.folder / "named", "DNS:localhost")
        login = ("--user", LOGIN["username"], "--password", LOGIN["password"])
        right = SecureCamera(self.folder, good, good_key, *login)
        wrong_name = SecureCamera(self.folder, other, other_key, *login)
        by_name = SecureCamera(self.folder, named, named_key, *login)
        cameras = {
            "by-name": (by_name, {"tlsCaFile": str(named)}),
            "name-by-address": (by_name, {"tlsCaFile": str(named)}),
            "trusted": (right, {"tlsCaFile": str(good)}),
            "unverified": (right, {"tlsVerify": False}),
            "stranger": (right, {"tlsCaFile": str(other)}),
            "no-authority": (right, {}),
            "wrong-name": (wrong_name, {"tlsCaFile": str(other)}),
            "wrong-name-unverified": (wrong_name, {"tlsVerify": False}),
        }
        if "thread" in os.environ.get("RTSPREC_SANITIZE", ""):
            del cameras["by-name"]  # ThreadSanitizer crashes where glibc resolves names
        hosts = {"by-name": "localhost"}
        daemon = harness.Daemon(self.folder, [
            {"name": name, "rtspUrl": server.url(f"/h264v/{name}", host=hosts.get(name)), **keys}
            for name, (server, keys) in cameras.items()], **LOGIN)
        refused = ("stranger", "no-authority", "wrong-name", "name-by-address")
        recorded = [name for name in cameras if name not in refused]
        for name in refused:
            daemon.wait_for(daemon.of(name, "WARNING - .*certificate.*next attempt in"))
        daemon.wait_closed(recorded, 2)
        stopped_us = daemon.stop()
        for name, (server, keys) in cameras.items():
            with self.subTest(name):
                if name in refused:
                    self.assertEqual(server.asked(f"/h264v/{name}"), [])
                    continue
                check_camera(daemon, name, server, f"/h264v/{name}", stopped_us, decode=False)
                warned = daemon.find(daemon.of(name, "WARNING - .*not verified"))
                self.assertEqual(len(warned), 0 if keys.get("tlsVerify", True) else 1)

    def test_plain_server(self):
        """rtsps:// to a port that does not speak TLS fails in time, in words."""
        server = harness.Camera(self.folder, ("h264v",))
        daemon = harness.Daemon(self.folder, [
            {"name": "plain", "rtspUrl": server.url("/h264v").replace("rtsp:", "rtsps:")}],
            openTimeoutSeconds=2)
        daemon.wait_for(daemon.of("plain", "WARNING - .*next attempt in"))
        took = daemon.time_of("WARNING") - daemon.time_of("Connecting")
        self.assertLess(took, 2 + 0.2 * harness.SCALE)
        daemon.stop()


if __name__ == "__main__":
    harness.main()
