#!/usr/bin/env python3
"""Does the simulated camera keep its word? Asks it with FFmpeg's programs and with bare sockets."""

import re
import struct
import subprocess
import tempfile
import time
import unittest

import camera_client
from camera_client import (CLIPS, DEADLINE_S, FRAMEDUMP, GSTCAM, RTSPCAM, Rtsp, Server, camera,
                           hashes, probe, run, served, steps)


class Serving(unittest.TestCase):
    CASES = {  # clip: codecs
        "h265": ["hevc", "aac"], "h264": ["h264", "aac"], "mjpeg": ["mjpeg"],
        "h264pcma": ["h264", "pcm_alaw"], "h265pcmu": ["hevc", "pcm_mulaw"],
        "h264opus": ["h264", "opus"],
    }
    EACH = [(clip, transport) for clip in CASES for transport in ("tcp", "udp")]

    def record(self, server, folder):
        processes = {}
        for clip, transport in self.EACH:
            options = ["-buffer_size", "4194304"] if transport == "udp" else []
            processes[clip, transport] = subprocess.Popen(
                ["ffmpeg", "-v", "fatal", "-nostdin", "-rtsp_transport", transport, *options,
                 "-i", server.url(f"/{clip}/{transport}"), "-map", "0", "-t", "2", "-c", "copy",
                 f"{folder}/{clip}.{transport}.mkv"])
        for case, process in processes.items():
            self.assertEqual(process.wait(DEADLINE_S), 0, case)

    def check(self, folder, log, clip, transport):
        file = f"{folder}/{clip}.{transport}.mkv"
        codecs = run("ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of",
                     "csv=p=0", file).stdout.split()
        self.assertEqual(codecs, self.CASES[clip])
        for track in "va"[:len(codecs)]:
            recorded = hashes(file, track)
            rows = served(log, f"/{clip}/{transport}", track)
            self.assertGreater(len(recorded), 45)
            self.assertEqual([int(row[4]) for row in rows], list(range(len(rows))))
            if clip != "mjpeg":  # its headers are made anew
                self.assertEqual(recorded, [row[9] for row in rows][:len(recorded)])

    def test_what_is_served_is_recorded(self):
        with tempfile.TemporaryDirectory() as folder:
            log = f"{folder}/log"
            with camera("--log", log, clips=self.CASES) as server:
                self.record(server, folder)
            for clip, transport in self.EACH:
                with self.subTest(clip=clip, transport=transport):
                    self.check(folder, log, clip, transport)

    def test_b_frames_are_decoded_without_error(self):
        with camera("--set", "*", "speed=4", clips=("h264b", "h265b")) as server:
            for clip in ("h264b", "h265b"):
                result = run("ffmpeg", "-v", "error", "-nostdin", "-rtsp_transport", "tcp", "-i",
                             server.url(f"/{clip}"), "-frames:v", 100, "-fps_mode",
                             "passthrough", "-enc_time_base", "1:90000", "-c:v", "rawvideo",
                             "-f", "framecrc", "-")
                self.assertEqual(result.returncode, 0, result.stderr)
                frames = [row for row in result.stdout.splitlines() if not row.startswith("#")]
                self.assertEqual(len(frames), 100)
                self.assertNotRegex(result.stderr, "concealing|missing|[Ii]nvalid data")

    def test_times_go_on_over_the_end_of_the_clip(self):
        with camera("--set", "*", "speed=20") as server, Rtsp(server, "/h264v") as client:
            info = client.play()["rtp-info"]
            times = client.frame_times(600)  # the clip has 250 frames
            self.assertEqual(set(steps(times)), {90000 // 25 // 20})
            self.assertEqual(times[0], int(re.search(r"rtptime=(\d+)", info).group(1)))

    def test_sound_goes_on_over_the_end_of_the_clip(self):
        with tempfile.TemporaryDirectory() as folder:
            log = f"{folder}/log"
            with camera("--set", "*", "speed=20", "--log", log, clips=("h264",)) as server:
                with Rtsp(server, "/h264") as client:
                    client.play(media=2)
                    client.frame_times(700)  # the clip has 300 frames
            times = [int(row[8]) for row in served(log, "/h264", "a")]
            self.assertGreater(len(times), 800)  # the clip has 375 audio frames
            self.assertLessEqual({b - a for a, b in zip(times, times[1:])}, {1600})

    def test_sender_reports_are_true(self):
        reports = []
        with camera() as server, Rtsp(server, "/h264v") as client:
            rtp_start = int(re.search(r"rtptime=(\d+)", client.play()["rtp-info"]).group(1))
            started = time.time()
            client.frame_times(3, reports)
        arrived, report = reports[0]
        self.assertEqual(report[1], 200)
        seconds, fraction, rtp_time = struct.unpack(">III", report[8:20])
        ntp = seconds - 2208988800 + fraction / 2**32
        self.assertLess(abs(ntp - arrived), 0.5)
        self.assertLess(abs((ntp - started) - steps([rtp_start, rtp_time])[0] / 90000), 0.5)


class Dialogue(unittest.TestCase):
    def test_methods(self):
        with camera() as server, Rtsp(server, "/h264v/x") as client:
            status, answer, _ = client.ask("OPTIONS")
            self.assertEqual(status, 200)
            self.assertIn("GET_PARAMETER", answer["public"])
            status, answer, sdp = client.ask("DESCRIBE")
            self.assertEqual(status, 200)
            self.assertEqual(answer["content-base"], server.url("/h264v/x/"))
            self.assertIn("sprop-parameter-sets=", sdp)
            self.assertEqual(client.ask("PLAY", Session="1")[0], 454)
            self.assertEqual(client.ask("SETUP", client.url + "/streamid=0",
                                        Transport="RTP/AVP;multicast")[0], 461)
            self.assertEqual(client.ask("SETUP", client.url + "/streamid=7",
                                        Transport="RTP/AVP/TCP;interleaved=0-1")[0], 404)
            self.assertEqual(client.ask("RECORD")[0], 501)
            session = client.play()["session"]
            self.assertEqual(client.ask("GET_PARAMETER", Session=session)[0], 200)
            self.assertEqual(client.ask("TEARDOWN", Session=session)[0], 200)

    def test_unknown_clip(self):
        with camera() as server, Rtsp(server, "/other") as client:
            self.assertEqual(client.ask("DESCRIBE")[0], 404)

    def test_port_is_free_again_at_once(self):
        with camera() as server, Rtsp(server, "/h264v") as client:
            client.play()
            client.packet()
            server.kill()
            with camera(port=server.port) as again, Rtsp(again, "/h264v") as other:
                self.assertEqual(other.ask("DESCRIBE")[0], 200)

    def test_arguments(self):
        clip = f"h264v={CLIPS}/h264v.mkv"
        for words, message in (
                (["--set", "/x", "spede=1"], "unknown key 'spede'"),
                (["--set", "/x", "speed=fast"], "speed=fast: expected a factor"),
                (["--set", "x", "speed=1"], "does not begin with /"),
                (["--auth", "kerberos"], "expected basic or digest"),
                (["--clip", "x=/nowhere"], "cannot read /nowhere")):
            result = run(RTSPCAM, "--port", "0", "--clip", clip, *words)
            self.assertEqual(result.returncode, 64, words)
            self.assertIn(message, result.stderr)
        self.assertEqual(run(RTSPCAM, "--help").returncode, 0)


class Login(unittest.TestCase):
    PASSWORD, ENCODED = "p:a@s/s %?", "p%3Aa%40s%2Fs%20%25%3F"

    def test_ffprobe(self):
        for scheme in ("basic", "digest"):
            with camera("--user", "admin", "--password", self.PASSWORD, "--auth",
                        scheme) as server:
                right = probe(server.url("/h264v", f"admin:{self.ENCODED}@"))
                self.assertEqual((right.stdout.strip(), right.stderr), ("h264", ""), scheme)
                wrong = probe(server.url("/h264v", "admin:wrong@"))
                self.assertIn("401 Unauthorized", wrong.stderr)


class Settings(unittest.TestCase):
    def test_status(self):
        with camera("--set", "/h264v/a", "status=503") as server:
            with Rtsp(server, "/h264v/a") as client:
                self.assertEqual(client.ask("DESCRIBE")[0], 503)
            with Rtsp(server, "/h264v/b") as client:
                self.assertEqual(client.ask("DESCRIBE")[0], 200)

    def test_commands(self):
        with camera("--set", "/h264v", "answer=no") as server:
            with Rtsp(server, "/h264v") as client:
                client.send("DESCRIBE")
                server.say("nonsense")
                server.wait_for_error("unknown command 'nonsense'")
                server.say("set /h264v answer yes\nset /h264v status 404\nset /h264v speed -1")
                server.wait_for_error("speed=-1: expected a factor")
                client.send("OPTIONS")  # number 2: the first request got no answer
                self.assertIn(b" 200 ", client.stream.readline())
                self.assertEqual(client.stream.readline(), b"CSeq: 2\r\n")
            with Rtsp(server, "/h264v") as client:
                self.assertEqual(client.ask("DESCRIBE")[0], 404)

    def read_to_end(self, client):
        frames = 0
        with self.assertRaises(EOFError):
            while True:
                client.frame_times(1)
                frames += 1
        return frames

    def test_kick(self):
        with camera() as server, Rtsp(server, "/h264v/a") as client:
            client.play()
            client.frame_times(1)
            server.say("kick /h264v/other\nkick /h264v/a")
            self.read_to_end(client)

    def test_close(self):
        with camera("--set", "*", "close=0.5", "--set", "*", "speed=10") as server:
            with Rtsp(server, "/h264v") as client:
                client.play()
                self.assertLess(self.read_to_end(client), 130)

    def test_stall(self):
        with camera("--set", "*", "stall=1", "--set", "*", "speed=4", "--set", "*", "close=1.5",
                    clips=("h264",)) as server:
            with Rtsp(server, "/h264") as client:
                client.play(media=2)
                counts = {0: 0, 2: 0}  # video frames, audio packets; 100 and 125 a second
                with self.assertRaises(EOFError):
                    while True:
                        channel, packet = client.packet()
                        if channel in counts and packet[1] & 0x80:
                            counts[channel] += 1
                self.assertEqual(counts[0], 100)
                self.assertGreater(counts[2], 130)

    def test_stall_all(self):
        with camera("--set", "*", "stall=all:0.2", "--set", "*", "close=0.4",
                    clips=("h264",)) as server:
            with Rtsp(server, "/h264") as client:
                client.play(media=2)
                self.assertLessEqual(self.read_to_end(client), 5)

    def test_jump(self):
        with camera("--set", "*", "jump=0.4:-3600", "--set", "*", "speed=4") as server:
            with Rtsp(server, "/h264v") as client:
                client.play()
                found = steps(client.frame_times(60))
                self.assertEqual(found.count(-3600 * 90000 + 900), 1)
                self.assertEqual(found.count(900), 58)

    def test_switch(self):
        with tempfile.TemporaryDirectory() as folder:
            log = f"{folder}/log"
            with camera("--set", "*", "switch=0.4:h264small", "--log", log,
                        clips=("h264v", "h264small")) as server:
                with Rtsp(server, "/h264v") as client:
                    client.play()
                    self.assertEqual(set(steps(client.frame_times(20))), {3600})
            rows = served(log, "/h264v", "v")[:20]
            self.assertEqual([int(row[5]) for row in rows], [*range(10), *range(10)])
            self.assertEqual(rows[10][9], hashes(f"{CLIPS}/h264small.mkv", "v")[0])

    def test_start_live(self):
        with tempfile.TemporaryDirectory() as folder:
            log = f"{folder}/log"
            with camera("--set", "*", "start=live", "--log", log) as server:
                for _ in range(2):
                    with Rtsp(server, "/h264v") as client:
                        client.play()
                        client.frame_times(10)
            rows = served(log, "/h264v", "v")
            second = next(row for row in rows if row[2] != rows[0][2])
            self.assertEqual(second[4], "0")
            self.assertGreaterEqual(int(second[5]), 10)

    def test_slow_client_is_closed(self):
        with camera("--set", "*", "speed=500") as server, Rtsp(server, "/h264v") as client:
            client.play()
            server.wait_for_error("the client is too slow")


class Clips(unittest.TestCase):
    def test_no_two_units_are_alike(self):
        files = sorted(CLIPS.glob("*.mkv"))
        self.assertGreaterEqual(len(files), 14)
        for file in files:
            for track in "va":
                found = hashes(file, track)
                self.assertEqual(len(found), len(set(found)), (file.name, track))

    def test_bar_code(self):
        for clip in ("h265v", "h264small"):
            result = subprocess.run(
                ["ffmpeg", "-v", "error", "-i", f"{CLIPS}/{clip}.mkv", "-vf",
                 "crop=320:16:0:0,format=gray", "-f", "rawvideo", "-"],
                capture_output=True, timeout=DEADLINE_S, check=True)
            size = 320 * 16
            self.assertEqual(len(result.stdout), 250 * size)
            for number in range(250):
                row = result.stdout[number * size + 8 * 320:][:320]
                bits = sum((row[16 * i + 8] > 128) << i for i in range(20))
                self.assertEqual(bits, number)

    def test_framedump_of_nothing(self):
        result = run(FRAMEDUMP, "/nowhere")
        self.assertEqual(result.returncode, 1)
        self.assertIn("/nowhere", result.stderr)

    def test_hash_is_the_same_in_every_container(self):
        with tempfile.TemporaryDirectory() as folder:
            for clip, kind in (("h264", "mp4"), ("h265", "ts"), ("h264b", "ts")):
                copy = f"{folder}/{clip}.{kind}"
                run("ffmpeg", "-v", "error", "-i", f"{CLIPS}/{clip}.mkv", "-c", "copy", copy)
                self.assertEqual(hashes(copy, "v"), hashes(f"{CLIPS}/{clip}.mkv", "v"))


class Foreign(unittest.TestCase):
    def test_gstcam(self):
        if GSTCAM is None:
            self.skipTest("gstcam is not built")
        for clip, codecs in (("h265", ["hevc", "aac"]), ("h264pcma", ["h264", "pcm_alaw"])):
            with tempfile.TemporaryDirectory() as folder:
                with Server(GSTCAM, "--port", "0", "--clip", f"{CLIPS}/{clip}.mkv", "--user",
                            "admin", "--password", "p:a@s/s %?") as server:
                    file = f"{folder}/gst.mkv"
                    result = run("ffmpeg", "-v", "fatal", "-nostdin", "-rtsp_transport", "tcp",
                                 "-i", server.url("/cam", f"admin:{Login.ENCODED}@"), "-map", "0",
                                 "-t", "1", "-c", "copy", file)
                    self.assertEqual(result.returncode, 0, result.stderr)
                    self.assertIn("401", probe(server.url("/cam", "admin:wrong@")).stderr)
                recorded = hashes(file, "v")
                self.assertGreater(len(recorded), 20)
                self.assertEqual(recorded, hashes(f"{CLIPS}/{clip}.mkv", "v")[:len(recorded)])
                found = run("ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of",
                            "csv=p=0", file).stdout.split()
                self.assertEqual(found, codecs)


if __name__ == "__main__":
    camera_client.main()
