"""The recorders that are compared: how each is started, stopped, and what it has written."""

import json
import os
import re
import signal
import subprocess

import mp4_frames

FILE_SECONDS = 300
STOP_SECONDS = 60

# Processes that begin at once while the ones before find out what the camera sends.
START_BATCH = 20


class Recorder:
    """Records cam/0 to cam/COUNT-1 of a port into a folder; made anew for each run."""

    name = label = ""
    stop_signal = signal.SIGINT
    # How long it takes at most until a frame is in the recorder's hands.
    drain_seconds = 1
    # Whether it hears the signal only when the camera's connection ends.
    hangs_on = False

    def __init__(self, programs, port, count, folder):
        self.programs, self.port, self.count, self.folder = programs, port, count, folder
        self.processes = []
        self.output = open(folder / "output.txt", "w+")

    def url(self, camera):
        return f"rtsp://127.0.0.1:{self.port}/cam/{camera}"

    def spawn(self, *command):
        # The malloc and the locale of the user are not ours to measure.
        environment = {key: value for key, value in os.environ.items()
                       if not key.startswith(("MALLOC_", "GST_", "LD_"))}
        self.processes.append(subprocess.Popen([str(word) for word in command],
                                               stdin=subprocess.DEVNULL, stdout=self.output,
                                               stderr=subprocess.STDOUT, env=environment))

    def commands(self):
        """One command line per process."""
        raise NotImplementedError

    def start(self, wait_playing):
        """wait_playing(n) waits until the load generator sends to n cameras."""
        commands = self.commands()
        for index, command in enumerate(commands, 1):
            self.spawn(*command)
            if len(commands) > START_BATCH and index % START_BATCH == 0:
                wait_playing(index)
        wait_playing(self.count)

    def pids(self):
        return [process.pid for process in self.processes]

    def alive(self):
        return all(process.poll() is None for process in self.processes)

    def request_stop(self):
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(self.stop_signal)

    def wait(self):
        try:
            for process in self.processes:
                process.wait(STOP_SECONDS)
        finally:
            self.kill()

    def kill(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()

    def said(self):
        self.output.seek(0)
        return self.output.read()

    def frames(self):
        """Video frames in the files of each camera."""
        return [sum(mp4_frames.count(path) for path in (self.folder / str(camera)).rglob("*.mp4"))
                for camera in range(self.count)]


class Rtsprecd(Recorder):
    name, label = "rtsprecd", "rtsprecd"
    stop_signal = signal.SIGTERM
    wrapper = ()
    keys = {}

    def commands(self):
        config = self.folder / "config.json"
        config.write_text(json.dumps({
            "global": {"recording": {"videoOutPath": str(self.folder), "videoCodec": "copy",
                                     "fileIntervalSeconds": FILE_SECONDS}, **self.keys},
            "cameras": [{"name": str(camera), "rtspUrl": self.url(camera)}
                        for camera in range(self.count)]}))
        return [[*self.wrapper, self.programs.rtsprecd, "--config", config]]


class RtsprecdLibavformat(Rtsprecd):
    name, label = "rtsprecd-libavformat", "rtsprecd, `\"ingest\": \"libavformat\"`"
    keys = {"ingest": "libavformat"}


class RtsprecdCallgrind(Rtsprecd):
    """Counts instructions from the moment that callgrind_control says so."""

    name = "rtsprecd-callgrind"

    def commands(self):
        self.wrapper = ("valgrind", "--tool=callgrind", "--instr-atstart=no",
                        f"--callgrind-out-file={self.folder / 'callgrind.out'}")
        return super().commands()


class Ffmpeg(Recorder):
    name, label = "ffmpeg", "ffmpeg -c copy -f segment, a process per camera"
    hangs_on = True  # its second signal would interrupt it at once

    def commands(self):
        for camera in range(self.count):
            (self.folder / str(camera)).mkdir()
        return [["ffmpeg", "-nostdin", "-v", "error", "-rtsp_transport", "tcp",
                 "-i", self.url(camera), "-map", "0", "-c", "copy", "-f", "segment",
                 "-segment_time", FILE_SECONDS, "-segment_format", "mp4",
                 self.folder / str(camera) / "%05d.mp4"] for camera in range(self.count)]


class Gstreamer(Recorder):
    name, label = "gstreamer", "GStreamer rtspsrc ! splitmuxsink, a process per camera"
    drain_seconds = 3  # the jitter buffer of rtspsrc holds frames back for 2 s

    def pipeline(self, camera):
        (self.folder / str(camera)).mkdir()
        codec = self.programs.codec
        return ["rtspsrc", f"location={self.url(camera)}", "protocols=tcp", "!",
                f"rtp{codec}depay", "!", f"{codec}parse", "!", "splitmuxsink",
                f"max-size-time={FILE_SECONDS * 10**9}",
                f"location={self.folder / str(camera) / '%05d.mp4'}"]

    def commands(self):
        return [["gst-launch-1.0", "-q", "-e", *self.pipeline(camera)]
                for camera in range(self.count)]


class GstreamerOne(Gstreamer):
    name, label = "gstreamer-one", "GStreamer rtspsrc ! splitmuxsink, one process"

    def commands(self):
        pipelines = [self.pipeline(camera) for camera in range(self.count)]
        return [["gst-launch-1.0", "-q", "-e", *(word for one in pipelines for word in one)]]


class Floor(Recorder):
    """Receives and writes, in one thread; see bench_floor.c."""

    name, label = "floor", "floor: one thread, recv and write"
    stop_signal = signal.SIGTERM

    def commands(self):
        return [[self.programs.floor, self.port, self.count, self.folder]]

    def frames(self):
        return [int(frames) for frames in re.findall(r"camera \d+ frames (\d+)", self.said())]


ALL = {kind.name: kind for kind in
       (Rtsprecd, RtsprecdLibavformat, Ffmpeg, Gstreamer, GstreamerOne, Floor)}
