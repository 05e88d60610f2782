#!/usr/bin/env python3
"""The original of a camera that is transcoded, kept in a second archive.

Proves that it is what was served, packet for packet, with its sound, also while the encoder is
overloaded or hangs, or another place is waited for; that a camera that is copied is kept once; that
both are whole archives, with catalog, ledger and repair; and that a disk that fails or hangs for one
of them neither stops nor marks the other.
"""

import os
import time
import unittest

import harness
from archives import coverage, segments
from disks import Disk, tmpfs
from recorded import check_camera, check_files, streams

INTERVAL_S = 2
CHEAP = {"videoCodec": "mpeg4", "videoBitrateKbps": 300}


class AlsoKeep(harness.Case):
    def start(self, cameras, clips, main=None, originals=None, width=160, serve=(),
              **settings):
        """cameras: name: (path, its own keys of recording, others of its own)"""
        self.main = main or self.folder / "video"
        self.originals = originals or self.folder / "originals"
        self.server = harness.Camera(self.folder, clips, *serve)
        self.daemon = harness.Daemon(self.folder, [
            {"name": name, "rtspUrl": self.server.url(path), "frameWidth": width, **other,
             "recording": {"videoOutPath": str(self.main), **recording,
                           "transcode": {"alsoKeep": "copy", "alsoKeepPath": str(self.originals),
                                         **recording.get("transcode", {})}}}
            for name, (path, recording, other) in cameras.items()], interval=INTERVAL_S,
            **settings)
        self.paths = {name: path for name, (path, *_) in cameras.items()}

    def wait_closed(self, archive, name, count=1, start=0):
        self.daemon.wait_for(self.daemon.of(name, f"Segment closed: {archive}/"), count,
                             start=start)

    def files(self, archive, name):
        self.daemon.output = archive
        return self.daemon.segments(name)

    def check_original(self, name, tracks, stopped_us):
        """All that was served is there, in its order, from the first key frame on."""
        self.daemon.output = self.originals
        return check_camera(self.daemon, name, self.server, self.paths[name], stopped_us, tracks)

    def check_agreement(self, archive):
        """The catalog holds what the tree holds."""
        tree = {str(file.relative_to(archive)): file.stat().st_size
                for file in archive.glob("*/*/*.m??")}
        self.assertEqual({one["path"]: one["bytes"] for one in segments(archive)}, tree)
        self.assertEqual(list(archive.glob("*/*/*.part")), [])

    def reasons(self, archive, name, begin, end):
        return {span.reason for span in coverage(archive, name, begin, end)}

    def codecs(self, archive, name):
        """Those of whole files: the first and the last may be too short for sound."""
        return {tuple(track["codec_name"] for track in streams(file))
                for file in self.files(archive, name)[1:-1]}

    def test_both(self):
        self.start({"aac": ("/h264/1", CHEAP, {}), "g711": ("/h264pcma/2", CHEAP, {}),
                    "mkv": ("/h265pcmu/3", {**CHEAP, "videoFileExtension": "mkv"}, {}),
                    "silent": ("/h264pcma/5", CHEAP, {"audio": "copy"}),
                    "copied": ("/h265/4", {"videoCodec": "hevc"}, {})},
                   ("h264", "h264pcma", "h265pcmu", "h265"))
        kept = ("aac", "g711", "mkv", "silent")
        for name in kept:
            self.wait_closed(self.main, name, 3)
            self.wait_closed(self.originals, name, 3)
        self.wait_closed(self.main, "copied", 3)
        begin = time.time() - INTERVAL_S
        self.wait_closed(self.originals, "aac", 5)
        self.wait_closed(self.main, "copied", 5)
        end = time.time() - INTERVAL_S
        stopped_us = self.daemon.stop()

        for name in kept:
            check_files(self.files(self.main, name))
            self.check_original(name, "va", stopped_us)
            for archive in (self.main, self.originals):
                self.assertEqual(self.reasons(archive, name, begin, end), {"recorded"})
        self.assertEqual(self.codecs(self.main, "aac"), {("mpeg4", "aac")})
        self.assertEqual(self.codecs(self.originals, "aac"), {("h264", "aac")})
        self.assertEqual(self.codecs(self.main, "g711"), {("mpeg4", "aac")})
        self.assertEqual(self.codecs(self.originals, "g711"), {("h264", "pcm_alaw")})
        self.assertEqual(self.codecs(self.originals, "mkv"), {("hevc", "pcm_mulaw")})
        self.assertEqual(self.codecs(self.main, "silent"), {("mpeg4",)})
        self.assertEqual(self.codecs(self.originals, "silent"), {("h264", "pcm_alaw")})
        self.assertEqual({file.suffix for file in self.files(self.originals, "aac")}, {".mp4"})
        self.assertEqual({file.suffix for file in self.files(self.originals, "g711")}, {".mkv"})
        for name, text in (("aac", f"INFO - Keeping the original in {self.originals}$"),
                           ("g711", f"WARNING - Keeping the original in {self.originals} as mkv: "
                                    "mp4 files cannot hold pcm_alaw$"),
                           ("copied", "INFO - Copied, not transcoded: nothing is kept in "
                                      f"{self.originals} a second time$")):
            self.assertEqual(len(self.daemon.find(self.daemon.of(name, text))), 1, name)

        # What is copied anyway is there once, and nothing is missing of it.
        self.daemon.output = self.main
        check_camera(self.daemon, "copied", self.server, "/h265/4", stopped_us, "va")
        self.assertEqual(self.files(self.originals, "copied"), [])
        self.assertEqual(self.reasons(self.main, "copied", begin, end), {"recorded"})
        self.assertEqual(self.reasons(self.originals, "copied", begin, end), {"schedule"})

        self.assertEqual(self.daemon.find(" ERROR "), [])
        for archive in (self.main, self.originals):
            self.check_agreement(archive)
        listed = harness.run(harness.program("RTSPRECD"), "list", "aac", "--config",
                             self.daemon.config)
        self.assertEqual(listed.returncode, 0, listed.stderr)
        for archive in (self.main, self.originals):
            self.assertEqual(listed.stdout.count(f" {archive}/aac/"),
                             len(self.files(archive, "aac")))

    def test_overload(self):
        """More pictures than any processor encodes: not one of the original is missing."""
        slow = {"videoCodec": "h264", "videoBitrateKbps": 2000}
        keys = {"when": "always", "encoder": "libx264", "preset": "slower", "threads": 1}
        self.start({"drops": ("/h264/1", {**slow, "transcode": keys}, {}),
                    "copies": ("/h264/2", {**slow, "transcode": {**keys, "onOverload": "copy"}},
                               {})},
                   ("h264",), width=640, fps=240)
        self.daemon.wait_for(self.daemon.of("drops", "leaving frames out"))
        self.daemon.wait_for(self.daemon.of("copies", "copying it until a segment begins"))
        start = len(self.daemon.out)
        for name in self.paths:
            self.wait_closed(self.originals, name, 2, start)
        stopped_us = self.daemon.stop()
        self.assertTrue(self.daemon.find(self.daemon.of("drops", r"left out \d+ frames")))
        self.assertEqual(self.daemon.find("queue is full"), [])
        for name in self.paths:
            recorded = self.check_original(name, "va", stopped_us)
            # A substitute in the other archive ends no file of this one.
            self.assertEqual(len(self.daemon.find(self.daemon.of(
                name, rf"Segment closed: {self.originals}/.*, (rotated|stopped)\)"))),
                len(recorded))

    def test_no_place_to_encode(self):
        """Copied because others take all places: the original is kept all the same."""
        self.start({"first": ("/h264v/1", CHEAP, {}), "second": ("/h264v/2", CHEAP, {})}, ("h264v",),
                   maxConcurrentTranscodes=1)
        for name in self.paths:
            self.wait_closed(self.main, name, 2)
            self.wait_closed(self.originals, name, 2)
        stopped_us = self.daemon.stop()
        self.assertEqual(len(self.daemon.find("As many cameras are transcoded as may be")), 1)
        self.assertEqual(self.codecs(self.main, "first") | self.codecs(self.main, "second"),
                         {("mpeg4",), ("h264",)})
        for name in self.paths:
            self.check_original(name, "v", stopped_us)

    def test_new_parameters(self):
        """Both begin new files where the camera's picture changes."""
        self.start({"door": ("/h264v/1", CHEAP, {})}, ("h264v", "h264small"),
                   serve=("--set", "*", "switch=3:h264small"))
        for archive in (self.main, self.originals):
            self.daemon.wait_for(rf"Segment closed: {archive}/.*, parameters\)")
        start = len(self.daemon.out)
        for archive in (self.main, self.originals):
            self.wait_closed(archive, "door", 1, start)
        stopped_us = self.daemon.stop()
        self.check_original("door", "v", stopped_us)
        sizes = {(track["width"], track["height"]) for file in self.files(self.originals, "door")
                 for track in streams(file)}
        self.assertEqual(sizes, {(640, 360), (320, 240)})
        sizes = {(track["width"], track["height"]) for file in self.files(self.main, "door")
                 for track in streams(file)}
        self.assertEqual(sizes, {(160, 90), (160, 120)})

    def sick(self, directory):
        """A disk with hardly any room, and what is in the way."""
        if os.geteuid() != 0:
            self.skipTest("only root mounts file systems")
        disk = tmpfs(self, directory, "8m")
        filler = disk / "filler"
        filler.write_bytes(bytes(8 * 1024 * 1024 - 300 * 1024))
        return disk, filler

    def fail_and_recover(self, filler, bad, good):
        """The disk of one archive is full, then is not, while the other is recorded."""
        error = self.daemon.of("door", f"ERROR - {bad}.*No space left.*next key frame")
        self.daemon.wait_for(error)
        begin, start = time.time() + 1, len(self.daemon.out)
        self.wait_closed(good, "door", 3, start)
        end = time.time() - INTERVAL_S
        filler.unlink()
        self.daemon.wait_for(self.daemon.of("door", f"INFO - Files are written again in {bad}$"))
        self.wait_closed(bad, "door", 1, len(self.daemon.out))
        self.wait_closed(good, "door", 1, len(self.daemon.out))
        stopped_us = self.daemon.stop()
        self.assertEqual(self.daemon.find(f"(ERROR|WARNING) - .*{good}"), [])
        self.assertEqual(self.daemon.find(f"Segment closed: {good}.*, failed"), [])
        self.assertEqual(self.reasons(good, "door", begin, end), {"recorded"})
        self.assertEqual(self.reasons(bad, "door", begin, end), {"disk full"})
        for archive in (good, bad):
            self.check_agreement(archive)
        check_files(self.files(good, "door"))
        return stopped_us

    def test_full_disk_of_originals(self):
        disk, filler = self.sick(self.folder / "small")
        self.start({"door": ("/h264/1", CHEAP, {})}, ("h264",), originals=disk)
        self.fail_and_recover(filler, disk, self.main)
        self.assertEqual(self.codecs(self.main, "door"), {("mpeg4", "aac")})
        self.assertEqual(streams(self.files(disk, "door")[-1])[0]["codec_name"], "h264")

    def test_full_disk_of_recordings(self):
        disk, filler = self.sick(self.folder / "small")
        self.start({"door": ("/h264/1", CHEAP, {})}, ("h264",), main=disk)
        stopped_us = self.fail_and_recover(filler, disk, self.originals)
        self.check_original("door", "va", stopped_us)
        self.assertEqual(streams(self.files(disk, "door")[-1])[0]["codec_name"], "mpeg4")

    def test_neither_waits_for_the_other(self):
        """A disk that hangs, for what is recorded or for the original, and an encoder that hangs:
        longer than what a queue holds."""
        sick_encoder = os.environ.get("SICK_ENCODER_LIB")
        if not sick_encoder:
            self.skipTest("a sanitizer's runtime wants to be loaded first")
        disk = Disk(self, "ext4", self.folder / "sick")
        sick, keeps = str(disk.mount_point), {"alsoKeepPath": str(disk.mount_point)}
        self.start({"left": ("/h264/1", {**CHEAP, "videoOutPath": sick}, {}),
                    "right": ("/h264/2", {**CHEAP, "transcode": keeps}, {})}, ("h264",))
        slow = self.folder / "slow"
        slow.mkdir()
        encodes = harness.Daemon(slow, [
            {"name": "door", "rtspUrl": self.server.url("/h264/3"), "frameWidth": 160,
             "recording": {**CHEAP, "transcode": {"alsoKeep": "copy", "encoder": "software",
                                                  "alsoKeepPath": str(slow / "originals")}}}],
            env={"LD_PRELOAD": sick_encoder, "SICK_ENCODER": "slow 13000 until 1"})
        for name in self.paths:
            self.wait_closed(self.main if name == "right" else self.originals, name)
            self.wait_closed(sick, name)
        begin = time.time()
        disk.freeze()
        try:
            self.daemon.wait_for(self.daemon.of("left", "ERROR - The disk does not keep up"))
            self.daemon.wait_for(self.daemon.of("right", "ERROR - The original's disk does not"))
            encodes.wait_for(encodes.of("door", "ERROR - Transcoding does not keep up"))
        finally:
            disk.thaw()
        for name in self.paths:
            self.daemon.wait_for(self.daemon.of(name, rf"too slow: dropped .* missing in {sick}$"))
        encodes.wait_for(encodes.of("door", rf"dropped .* missing in {slow}/video$"))
        stopped_us = self.daemon.stop()
        slow_stopped_us = encodes.stop()

        self.check_original("left", "va", stopped_us)
        check_files(self.files(self.main, "right"))
        for archive, name in ((self.originals, "left"), (self.main, "right")):
            self.assertEqual(self.reasons(archive, name, begin, stopped_us / 1e6 - INTERVAL_S),
                             {"recorded"})
            self.assertIn("disk slow", self.reasons(sick, name, begin, stopped_us / 1e6))
        encodes.output = slow / "originals"
        check_camera(encodes, "door", self.server, "/h264/3", slow_stopped_us, "va")

    def test_crash(self):
        """What a crash leaves open is repaired in both archives, and the ledgers know of it."""
        self.start({"door": ("/h264/1", CHEAP, {})}, ("h264",))
        begin = time.time()
        for archive in (self.main, self.originals):
            self.wait_closed(archive, "door", 1)
            harness.wait_until(lambda: [part for part in archive.glob("*/*/*.part")
                                        if part.stat().st_size > 25_000], "an open file")
        self.daemon.kill()
        self.daemon = harness.Process(harness.program("RTSPRECD"), "--config", self.daemon.config,
                                      cwd=self.folder)
        for archive in (self.main, self.originals):
            self.daemon.wait_for(f"Repaired after a crash: {archive}/door/")
            self.daemon.wait_for(f"Segment closed: {archive}/door/", 2)
        self.daemon.send(harness.signal.SIGTERM)
        self.assertEqual(self.daemon.wait(), 0)
        for archive in (self.main, self.originals):
            self.check_agreement(archive)
            self.assertIn("crashed", self.reasons(archive, "door", begin, time.time()))


if __name__ == "__main__":
    harness.main()
