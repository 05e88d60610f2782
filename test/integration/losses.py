"""What a crash cost: recorded files against what the cameras had served until it came.

A run lasts from the start of a daemon to its crash; each camera has one session in it. The bound is
the program's own and not that of a machine with other work: where the machine allows it, cameras
and daemon run at real-time priority (realtime()).
"""

import contextlib
import os
import time

from harness import SCALE, Unit, run, wait_until
from recorded import (FRAME_US, REORDER_US, REORDERED, check_files, check_sequence, first_sound,
                      numbers, packets)

# What transcoding holds back of a camera without B-frames: the frame that is being encoded.
TRANSCODING_S = FRAME_US / 1e6

GROUP = 25  # of frames, at most so many are left out at a time

STALLED_US = 5 * FRAME_US  # a camera that sends nothing for so long is not the recorder's fault


@contextlib.contextmanager
def realtime():
    """Programs that are started in the block have precedence over those of usual priority."""
    usual = os.sched_getscheduler(0), os.sched_getparam(0)
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    try:
        yield
    finally:
        os.sched_setscheduler(0, *usual)


def now_us():
    return time.time_ns() // 1000


class Recording:
    """One camera's part of a run; transcoded: to MPEG-4, which takes little of a processor."""

    def __init__(self, name, clip, path, tracks="va", extension="mp4", transcoded=False):
        self.name, self.clip, self.path = name, clip, path
        self.tracks, self.extension, self.transcoded = tracks, extension, transcoded

    def settings(self, server, **recording):
        if self.transcoded:
            recording.update(videoCodec="mpeg4", videoBitrateKbps=500)
        return {"name": self.name, "rtspUrl": server.url(self.path),
                "frameWidth": 320, "frameHeight": 180, "fps": 25,
                "recording": {"videoFileExtension": self.extension, **recording}}


def recordings(clips, count, prefix="cam", first=0, sound=lambda clip: "va", transcoded=False):
    """So many cameras, numbered, over the clips in turn; every fifth records into mkv."""
    return [Recording(f"{prefix}{i}", clip, f"/{clip}/{prefix}{i}", sound(clip),
                      "mkv" if i % 5 == 4 else "mp4", transcoded)
            for i, clip in ((i, clips[i % len(clips)]) for i in range(first, first + count))]


class Sessions:
    """What was served, run by run, from rtspcam's log."""

    def __init__(self, server):
        self.server, self.offset, self.units = server, 0, {}
        self.told = {}  # the session that was told last, by path and track

    def next(self):
        """The units of the oldest run that was not yet asked for, by path and track."""
        with open(self.server.log, "rb") as log:
            log.seek(self.offset)
            text = log.read()
        text = text[:text.rfind(b"\n") + 1]
        self.offset += len(text)
        for line in text.decode().splitlines():
            unit = Unit(line)
            self.units.setdefault((unit.path, unit.track), []).append(unit)
        run_units = {}
        for key, units in self.units.items():
            # The camera may have noted the end of the last run after it was asked for.
            units = [unit for unit in units if unit.session != self.told.get(key)]
            if units:
                self.told[key] = units[0].session
            run_units[key] = [unit for unit in units if unit.session == units[0].session]
            self.units[key] = units[len(run_units[key]):]
        return {key: units for key, units in run_units.items() if units}


def check_shown(what, served, shown):
    """Transcoded files show the pictures that were served, from the first key frame on and in their
    order; returns the units behind the last one."""
    first = next(index for index, unit in enumerate(served) if unit.is_key)
    rest = served[first:]
    assert not shown or shown[0] == rest[0].clip_index, f"{what}: begins with {shown[0]}"
    for number in shown:
        # A place of the grid may show a picture again or leave one out; a busy machine leaves out
        # more.
        steps = [unit.clip_index for unit in rest[:GROUP]].index(number)
        rest = rest[steps:]
    return rest[1:] if shown else rest


def check_run(recording, files, units, crashed_us):
    """What a camera's files of one run hold is what was served, from the first key frame on, until
    shortly before the crash, and each file can be decoded. Returns the lost video in seconds."""
    start_us = REORDER_US if recording.clip in REORDERED else 0
    rows = [row for file in check_files(files, start_us) for row in file]
    video = [unit for unit in units[recording.path, "v"] if unit.unix_us <= crashed_us]
    if recording.transcoded:
        lost = check_shown(f"{recording.name} v", units[recording.path, "v"],
                           [number for file in files for number in numbers(file)])
    else:
        lost = check_sequence(f"{recording.name} v", units[recording.path, "v"],
                              [row.hash for row in rows if row.track == "v"])
    lost = [unit for unit in lost if unit.unix_us <= crashed_us]
    pause_us = max((b.unix_us - a.unix_us for a, b in zip(video, video[1:])), default=0)
    if pause_us > STALLED_US:
        print(f"{recording.name}: the camera itself stood still for {pause_us / 1e6:.2f} s",
              flush=True)
    sound = [row.hash for row in rows if row.track == "a"]
    if "a" in recording.tracks and sound:
        served = units[recording.path, "a"]
        key = next(unit for unit in video if unit.is_key)
        check_sequence(f"{recording.name} a", served, sound,
                       first_sound(served, key.pts_us, sound[0]))
    return len(lost) * FRAME_US / 1e6


def check_readable(part, units, track="v"):
    """A copy of an open file can be read by any program; what it holds is what was served."""
    probe = run("ffprobe", "-v", "error", "-count_packets", "-select_streams", "v",
                "-show_entries", "stream=codec_name,nb_read_packets", "-of", "csv=p=0", part)
    assert probe.returncode == 0, f"{part}: {probe.stderr}"
    assert int(probe.stdout.strip().split(",")[-1]) > 0, f"{part}: {probe.stdout}"
    decoded = run("ffmpeg", "-v", "fatal", "-nostdin", "-i", part, "-map", "0:v", "-f", "null", "-")
    assert decoded.returncode == 0, f"{part}: {decoded.stderr}"
    served = [unit.hash for unit in units]
    hashes = [row.hash for row in packets(part) if row.track == track]
    begin = served.index(hashes[0])
    # The copy can end within a frame.
    assert hashes[:-1] == served[begin:begin + len(hashes) - 1], f"{part}: not what was served"


def say(what, lost, bound_s):
    """Prints what was measured, and holds it against the bound."""
    lost = sorted(lost)
    print(f"measured: {what}: {len(lost)} samples, lost {sum(lost) / len(lost):.2f} s on average, "
          f"median {lost[len(lost) // 2]:.2f} s, at most {lost[-1]:.2f} s of {bound_s} s",
          flush=True)
    assert lost[-1] <= bound_s * SCALE, f"{what}: {lost[-1]} s lost"


def wait_served(server, path, seconds):
    """Until so much video more went out on a path."""
    before = len(server.served(path))
    wait_until(lambda: len(server.served(path)) >= before + seconds * 1e6 / FRAME_US,
               f"{seconds} s of video", 30 * SCALE + seconds)
