"""What the camera's tests share: the camera as a process and a bare RTSP client."""

import re
import socket
import struct
import subprocess
import sys
import time
import unittest
from pathlib import Path

if len(sys.argv) < 4:
    sys.exit(f"usage: {sys.argv[0]} RTSPCAM FRAMEDUMP CLIPS_DIRECTORY [GSTCAM]")
RTSPCAM, FRAMEDUMP, CLIPS = sys.argv[1], sys.argv[2], Path(sys.argv[3])
GSTCAM = sys.argv[4] if len(sys.argv) > 4 and sys.argv[4] else None
DEADLINE_S = 15  # no single step takes that long on a slow machine


class Server:
    """A camera program, from the line that says where it listens to its end."""

    def __init__(self, *command, first_line=r"\w+: listening on 127\.0\.0\.1:(\d+)\n"):
        self.killed = False
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, bufsize=1)
        line = self.process.stdout.readline()
        match = re.fullmatch(first_line, line)
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
    """A bare RTSP client over TCP, or TLS when it is given an ssl.SSLContext."""

    def __init__(self, server, path, authorization=None, tls=None):
        self.url = server.url(path)
        self.socket = socket.create_connection(("127.0.0.1", server.port), DEADLINE_S)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="127.0.0.1")
        self.stream = self.socket.makefile("rb")
        self.sequence = 0  # CSeq of the last request
        self.rtp_sequence = None  # of the last packet
        self.started = None  # when it began to play
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
        status, answer, body = self.answer()
        assert int(answer["cseq"]) == self.sequence
        return status, answer, body

    def answer(self):
        """The next answer."""
        while (first := self.stream.read(1)) == b"$":
            _, size = struct.unpack(">BH", self.stream.read(3))
            self.stream.read(size)
            self.rtp_sequence = None
        line = first + self.stream.readline()
        status = int(line.split()[1])
        headers = {}
        while (line := self.stream.readline().decode().strip()):
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()
        return status, headers, self.stream.read(int(headers.get("content-length", 0))).decode()

    def play(self, media=1, session_header=False):
        """Sets up the first media and plays; returns the headers of the PLAY answer, or the
        Session header of the SETUP answer."""
        assert self.ask("DESCRIBE")[0] == 200
        session = None
        for medium in range(media):
            headers = {"Session": session} if session else {}
            transport = f"RTP/AVP/TCP;unicast;interleaved={2 * medium}-{2 * medium + 1}"
            status, answer, _ = self.ask("SETUP", f"{self.url}/streamid={medium}",
                                         Transport=transport, **headers)
            assert status == 200
            header = answer["session"]
            session = header.split(";")[0]
        status, answer, _ = self.ask("PLAY", Session=session)
        assert status == 200
        self.started = time.monotonic()
        return header if session_header else answer

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
        times = []
        while len(times) < count:
            channel, packet = self.packet()
            if channel == 1 and reports is not None:
                reports.append((time.time(), packet))
            if channel != 0:
                continue
            sequence, rtp_time = struct.unpack(">HI", packet[2:8])
            assert self.rtp_sequence in (None, (sequence - 1) % 65536)
            self.rtp_sequence = sequence
            if packet[1] & 0x80:  # the last packet of a frame
                times.append(rtp_time)
        return times


def steps(times):
    """The differences of RTP times, as signed numbers: the times wrap at 32 bits."""
    return [((b - a + 2**31) % 2**32) - 2**31 for a, b in zip(times, times[1:])]


class Request:
    """A line of rtspcam's log of requests."""

    def __init__(self, line):
        fields = line.rstrip("\n").split("\t")
        self.unix_us, self.path, self.method, self.sequence = int(fields[0]), *fields[1:4]
        self.url, self.scheme, self.connection = fields[4], fields[5], int(fields[6])
        self.status = int(fields[7])


def asked(log):
    """The requests in a log."""
    return [Request(line) for line in Path(log).read_text().splitlines()]


def main():
    """Runs the tests of the file that was started."""
    unittest.main(argv=sys.argv[:1], verbosity=2)
