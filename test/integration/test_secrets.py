#!/usr/bin/env python3
"""No password ever leaves the daemon, however it was given and whatever happens to the camera.

Proves with FFmpeg's own messages in the log (debug): neither the password as it is, nor
percent-encoded, nor in base64 with its user (Basic) stands in stdout, stderr, the log file or the
command line that other users see; in recordings that work, wrong passwords, cameras that do not
answer or refuse, and configurations that are refused.
"""

import base64
import json
import os
from pathlib import Path
from urllib.parse import quote

import harness

USER = "admin"
SPECIAL = "p@ss:w/rd%1"
# The password of each camera is its own, so that a find tells where it leaked.
PASSWORDS = {"basic": "basic-" + SPECIAL, "digest": "digest-" + SPECIAL, "raw": "raw-p@ss-w0rd",
             "file": "file-" + SPECIAL, "key": "key-" + SPECIAL, "env-key": "envkey-" + SPECIAL,
             "env-part": "envpart-" + SPECIAL, "env-url": "envurl-" + SPECIAL}
TROUBLE = {"wrong": "wrong-" + SPECIAL, "refused": "refused-" + SPECIAL,
           "no-host": "nohost-" + SPECIAL, "not-found": "notfound-" + SPECIAL,
           "hang": "hang-" + SPECIAL, "query": "query-S3cret"}


def forms(password):
    """All in which it could appear."""
    encoded = {quote(password, safe=""), quote(password), quote(password, safe="@:")}
    login = f"{USER}:{password}".encode()
    return {password, *encoded, *(text.lower() for text in encoded),
            base64.b64encode(login).decode(), base64.b64encode(password.encode()).decode()}


class Secrets(harness.Case):
    def camera(self, name):
        arguments = ["--user", USER, "--password", PASSWORDS[name]]
        return harness.Camera(self.folder, ("h264",), *arguments, "--auth",
                              "basic" if name == "basic" else "digest")

    def good(self):
        """A camera for each way to give a password."""
        def encoded(name):
            return f"{USER}:{quote(PASSWORDS[name], safe='')}@"
        file = self.folder / "camera.password"
        file.write_text(PASSWORDS["file"] + "\n")
        file.chmod(0o600)
        login = {"basic": encoded("basic"), "digest": encoded("digest"),
                 "raw": f"{USER}:{PASSWORDS['raw']}@", "env-part": USER + ":${PART}@"}
        keys = {"file": {"username": USER, "passwordFile": str(file)},
                "key": {"username": USER, "password": PASSWORDS["key"]},
                "env-key": {"username": USER, "password": "${KEY}"}}
        self.env = {"PART": PASSWORDS["env-part"], "KEY": PASSWORDS["env-key"]}
        cameras = []
        for name in PASSWORDS:
            url = self.camera(name).url("/h264", login.get(name, ""))
            if name == "env-url":
                self.env["URL"] = url.replace("://", f"://{encoded(name)}")
                url = "${URL}"
            cameras.append({"name": name, "rtspUrl": url, **keys.get(name, {})})
        return cameras

    def bad(self):
        server = harness.Camera(self.folder, ("h264",), "--user", USER, "--password", "another")
        free = harness.Camera(self.folder, ("h264",))
        free.say("set /h264/hang answer no")

        def login(name):
            return f"{USER}:{quote(TROUBLE[name], safe='')}@"
        urls = {"wrong": server.url("/h264", login("wrong")),
                "refused": f"rtsp://{login('refused')}127.0.0.1:9/x",
                # ThreadSanitizer crashes where glibc resolves names, in any program.
                "no-host": f"rtsp://{login('no-host')}no-such-host.invalid/x",
                "not-found": free.url("/nothing", login("not-found")),
                "hang": free.url("/h264/hang", login("hang")),
                "query": free.url(f"/nothing?user={USER}&password={TROUBLE['query']}")}
        if "thread" in os.environ.get("RTSPREC_SANITIZE", ""):
            del urls["no-host"]
        return [{"name": name, "rtspUrl": url} for name, url in urls.items()]

    def check(self, where, text):
        for name, password in {**PASSWORDS, **TROUBLE}.items():
            for form in forms(password):
                self.assertNotIn(form, text, f"{where} shows the password of {name}")

    def test_running(self):
        cameras = self.good()
        cameras += [{**camera, "name": camera["name"] + "-libavformat", "ingest": "libavformat"}
                    for camera in cameras]
        bad = self.bad()
        log = self.folder / "service.log"
        daemon = harness.Daemon(self.folder, cameras + bad, "--log-level", "debug", interval=1,
                                env=self.env, openTimeoutSeconds=1, logFile=str(log))
        daemon.wait_closed(list(PASSWORDS))
        for name in (camera["name"] for camera in bad):
            daemon.wait_for(daemon.of(name, "next attempt in"), 1 if name == "wrong" else 2)
        self.check("the command line", Path(f"/proc/{daemon.pid}/cmdline").read_text())
        daemon.stop()
        self.assertTrue(daemon.find(" - DEBUG - ffmpeg: .*rtsp"), "FFmpeg says nothing")
        self.check("stdout", "\n".join(daemon.out))
        self.check("stderr", "\n".join(daemon.err))
        self.check("the log file", log.read_text())
        for file in daemon.segments("digest"):
            self.assertNotIn(b"digest-p", file.read_bytes())

    def test_refused_configurations(self):
        """What is wrong is said without what it is wrong with."""
        secret = TROUBLE["wrong"]
        for url in (f"http://{USER}:{quote(secret, safe='')}@127.0.0.1/x",
                    f"rtsp://{USER}:{secret}@127.0.0.1/x",
                    f"rtsp://{USER}:{quote(secret, safe='')}@127.0.0.1:port/x",
                    f"rtsp://{USER}:{quote(secret, safe='')} @127.0.0.1/x",
                    f"rtsp://{USER}:{quote(secret, safe='')}"):
            for extra in ({}, {"password": [secret]}, {"passwordfile": secret},
                          {"password": secret, "passwordFile": secret}):
                camera = {"name": "cam", "rtspUrl": url, **extra}
                config = self.folder / "config.json"
                for text in (json.dumps({"cameras": [camera]}),
                             json.dumps({"cameras": [camera]})[:-1]):
                    config.write_text(text)
                    result = harness.run(harness.program("RTSPRECD"), "--check-config",
                                         "--config", config)
                    self.assertEqual(result.returncode, 78)
                    self.check(text, result.stdout + result.stderr)


if __name__ == "__main__":
    harness.main()
