#!/usr/bin/env python3
"""The simulated camera over TLS."""

import re
import ssl
import tempfile
import unittest

import camera_client
from camera_client import CLIPS, RTSPCAM, Rtsp, Server, probe, run


def make_certificate(folder, names):
    """A self-signed certificate and its key, PEM files in the folder."""
    result = run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                 "-nodes", "-days", 2, "-subj", "/CN=rtspcam", "-addext",
                 f"subjectAltName={names}", "-keyout", f"{folder}/key.pem", "-out",
                 f"{folder}/cert.pem")
    assert result.returncode == 0, result.stderr
    return f"{folder}/cert.pem", f"{folder}/key.pem"


class SecureServer(Server):
    """rtspcam with TLS; `port` is that of TLS."""

    def __init__(self, certificate, key, *arguments):
        super().__init__(RTSPCAM, "--port", 0, "--tls-port", 0, "--tls-cert", certificate,
                         "--tls-key", key, "--clip", f"h264v={CLIPS}/h264v.mkv", *arguments,
                         first_line=r"rtspcam: listening with TLS on 127\.0\.0\.1:(\d+)\n")
        line = self.process.stdout.readline()
        self.plain_port = int(re.search(r" on 127\.0\.0\.1:(\d+)$", line).group(1))

    def url(self, path, login=""):
        return super().url(path, login).replace("rtsp:", "rtsps:")


def trusting(certificate):
    return ssl.create_default_context(cafile=certificate)


class Tls(unittest.TestCase):
    def test_it_plays(self):
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = make_certificate(folder, "IP:127.0.0.1")
            with SecureServer(certificate, key) as server:
                with Rtsp(server, "/h264v", tls=trusting(certificate)) as client:
                    client.play()
                    self.assertEqual(len(client.frame_times(30)), 30)
                self.assertEqual(probe(server.url("/h264v")).stdout.strip(), "h264")
                server.port = server.plain_port
                with Rtsp(server, "/h264v") as client:
                    self.assertEqual(client.ask("OPTIONS")[0], 200)

    def test_a_flood_goes_through(self):
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = make_certificate(folder, "IP:127.0.0.1")
            with SecureServer(certificate, key, "--set", "*", "sdp-bytes=3000000") as server:
                with Rtsp(server, "/h264v", tls=trusting(certificate)) as client:
                    self.assertEqual(len(client.ask("DESCRIBE")[2]), 3_000_000)
                    self.assertEqual(client.ask("OPTIONS")[0], 200)

    def test_wrong_certificates(self):
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as other:
            certificate, key = make_certificate(folder, "DNS:camera.invalid")
            stranger, _ = make_certificate(other, "IP:127.0.0.1")
            with SecureServer(certificate, key) as server:
                for trusted in (certificate, stranger):
                    with self.assertRaises(ssl.SSLCertVerificationError):
                        Rtsp(server, "/h264v", tls=trusting(trusted))
                context = trusting(certificate)
                context.check_hostname = False
                with Rtsp(server, "/h264v", tls=context) as client:
                    self.assertEqual(client.ask("DESCRIBE")[0], 200)

    def test_arguments(self):
        result = run(RTSPCAM, "--port", 0, "--tls-port", 0, "--clip", f"a={CLIPS}/h264v.mkv")
        self.assertEqual(result.returncode, 64)
        self.assertIn("needs --tls-cert and --tls-key", result.stderr)
        result = run(RTSPCAM, "--port", 0, "--tls-port", 0, "--tls-cert", "/nowhere", "--tls-key",
                     "/nowhere", "--clip", f"a={CLIPS}/h264v.mkv")
        self.assertEqual(result.returncode, 1)
        self.assertIn("/nowhere", result.stderr)


if __name__ == "__main__":
    camera_client.main()
