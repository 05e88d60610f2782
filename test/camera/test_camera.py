#!/usr/bin/env python3
"""Does the simulated camera keep its word? Asks it with FFmpeg's programs and with bare sockets.

usage: test_camera.py RTSPCAM FRAMEDUMP CLIPS_DIRECTORY [GSTCAM]
"""

import base64
import hashlib
import re
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

RTSPCAM, FRAMEDUMP, CLIPS, GSTCAM = "", "", Path(), None
DEADLINE_S = 15  # no single step takes that long on a slow machine


class Server:
    """A camera program, from the line that says where it listens to its end."""

    def __init__(self, *command):
        self.killed = False
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, bufsize=1)
        line = self.process.stdout.readline()
        match = re.fullmatch(r"\w+: listening on 127\.0\.0\.1:(\d+)\n", line)
        if not match:
            self.process.kill()
            raise AssertionError(f"it said {line!r}: {self.process.communicate()[1]}")
        self.port = int(match.group(1))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        _, errors = self.process.communicate(timeout=DEADLINE_S)
        if self.process.returncode != 0 and not self.killed:
            raise AssertionError(f"the camera ended with {self.process.returncode}: {errors}")

    def kill(self):
        self.killed = True
        self.process.kill()
        self.process.wait(DEADLINE_S)

    def wait_for_error(self, text):
        """Returns once a line with the text stands on stderr."""
        line = self.process.stderr.readline()
        while text not in line:
            assert line, f"the camera ended without saying {text!r}"
            line = self.process.stderr.readline()

    def say(self, line):
        self.process.stdin.write(line + "\n")

    def url(self, path, login=""):
        return f"rtsp://{login}127.0.0.1:{self.port}{path}"


def camera(*arguments, clips=("h264v",), port=0):
    clip_options = [word for name in clips for word in ("--clip", f"{name}={CLIPS}/{name}.mkv")]
    return Server(RTSPCAM, "--port", port, *clip_options, *arguments)


def run(*command):
    return subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, timeout=DEADLINE_S, check=False)


def probe(url, transport="tcp"):
    return run("ffprobe", "-v", "error", "-rtsp_transport", transport, "-show_entries",
               "stream=codec_name", "-of", "csv=p=0", url)


def hashes(file, track):
    result = run(FRAMEDUMP, file)
    assert result.returncode == 0, result.stderr
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    return [row[5] for row in rows if row[0] == track]


def served(log, path, track):
    """The log's rows on a path and track, as lists of strings."""
    rows = [line.split("\t") for line in Path(log).read_text().splitlines()]
    return [row for row in rows if row[1] == path and row[3] == track]


class Rtsp:
    """A bare RTSP client over TCP."""

    def __init__(self, server, path, authorization=None):
        self.url = server.url(path)
        self.socket = socket.create_connection(("127.0.0.1", server.port), DEADLINE_S)
        self.stream = self.socket.makefile("rb")
        self.sequence = 0
        self.authorization = authorization

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()
        self.socket.close()

    def send(self, method, url=None, **headers):
        self.sequence += 1
        lines = [f"{method} {url or self.url} RTSP/1.0", f"CSeq: {self.sequence}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if self.authorization:
            lines.append("Authorization: " + self.authorization(method, url or self.url))
        self.socket.sendall("\r\n".join(lines + ["", ""]).encode())

    def ask(self, method, url=None, **headers):
        """Status, headers and body of the answer; interleaved packets before it are skipped."""
        self.send(method, url, **headers)
        line = self.stream.readline()
        while line[:1] == b"$":
            rest = line + self.stream.read(max(0, 4 - len(line)))
            length = 4 + struct.unpack(">H", rest[2:4])[0]
            rest += self.stream.read(max(0, length - len(rest)))
            line = rest[length:] or self.stream.readline()
        status = int(line.split()[1])
        answer = {}
        while (line := self.stream.readline().decode().strip()):
            name, value = line.split(":", 1)
            answer[name.lower()] = value.strip()
        assert int(answer["cseq"]) == self.sequence
        return status, answer, self.stream.read(int(answer.get("content-length", 0))).decode()

    def play(self, media=1):
        """Sets up the first media and plays; returns the PLAY answer's headers."""
        assert self.ask("DESCRIBE")[0] == 200
        session = None
        for medium in range(media):
            headers = {"Session": session} if session else {}
            transport = f"RTP/AVP/TCP;unicast;interleaved={2 * medium}-{2 * medium + 1}"
            status, answer, _ = self.ask("SETUP", f"{self.url}/streamid={medium}",
                                         Transport=transport, **headers)
            assert status == 200
            session = answer["session"].split(";")[0]
        status, answer, _ = self.ask("PLAY", Session=session)
        assert status == 200
        return answer

    def packet(self):
        """The next interleaved packet: its channel and its bytes. EOFError at the end."""
        try:
            header = self.stream.read(4)
            if len(header) < 4:
                raise EOFError
            assert header[:1] == b"$", header
            return header[1], self.stream.read(struct.unpack(">H", header[2:])[0])
        except ConnectionResetError as error:
            raise EOFError from error

    def frame_times(self, count, reports=None):
        """RTP times of the next frames on channel 0, each once; checks the sequence numbers."""
        times, previous = [], None
        while len(times) < count:
            channel, packet = self.packet()
            if channel == 1 and reports is not None:
                reports.append((time.time(), packet))
            if channel != 0:
                continue
            sequence, rtp_time = struct.unpack(">HI", packet[2:8])
            assert previous is None or sequence == (previous + 1) % 65536
            previous = sequence
            if packet[1] & 0x80:  # the last packet of a frame
                times.append(rtp_time)
        return times


def steps(times):
    """The differences of RTP times, as signed numbers: the times wrap at 32 bits."""
    return [((b - a + 2**31) % 2**32) - 2**31 for a, b in zip(times, times[1:])]


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

    def test_no_credentials(self):
        with camera("--user", "u", "--password", "p") as server:
            with Rtsp(server, "/h264v") as client:
                self.assertEqual(client.ask("OPTIONS")[0], 200)
                status, answer, _ = client.ask("DESCRIBE")
                self.assertEqual(status, 401)
                self.assertIn("nonce=", answer["www-authenticate"])

    def test_digest_with_quality_of_protection(self):
        with camera("--user", "u", "--password", "p") as server:
            with Rtsp(server, "/h264v") as client:
                challenge = client.ask("DESCRIBE")[1]["www-authenticate"]
                nonce = re.search(r'nonce="(\w+)"', challenge).group(1)

                def md5(text):
                    return hashlib.md5(text.encode()).hexdigest()

                def authorization(method, url):
                    response = md5(":".join([md5("u:rtspcam:p"), nonce, "00000001", "abc", "auth",
                                             md5(f"{method}:{url}")]))
                    return (f'Digest username="u", realm="rtspcam", nonce="{nonce}", '
                            f'uri="{url}", qop=auth, nc=00000001, cnonce="abc", '
                            f'response="{response}"')

                client.authorization = authorization
                client.play()

    def test_basic_wrong_user(self):
        with camera("--user", "u", "--password", "p", "--auth", "basic") as server:
            token = base64.b64encode(b"v:p").decode()
            with Rtsp(server, "/h264v", lambda *_: "Basic " + token) as client:
                self.assertEqual(client.ask("DESCRIBE")[0], 401)


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
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    RTSPCAM, FRAMEDUMP, CLIPS = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    GSTCAM = sys.argv[4] if len(sys.argv) > 4 and sys.argv[4] else None
    unittest.main(argv=sys.argv[:1], verbosity=2)
