#!/usr/bin/env python3
"""Cameras that go away as soon as they have sent video, hundreds of times (10,000 with --campaign).

Proves: with nothing going on, the library has as many descriptors and threads as in the beginning,
and 10,000 reconnects leave less than 1 MB of memory behind, in what malloc has given out and in
what the process takes.
"""

import os
import re

import harness

WARM = 2  # rounds until the catalog has prepared all that it is asked and its pages are loaded
ROUNDS = WARM + harness.amount(3, 20)
RECONNECTS = harness.amount(100, 500)  # in each
PROMISED = 10_000
GROWTH_BYTES = 1_000_000

# What glibc keeps for later is noise here: stacks of threads that have ended, the ends of more arenas
# than one, which malloc_trim() leaves alone, and up to 235 kB that each thread has freed, which
# counts as in use.
QUIET = "glibc.pthread.stack_cache_size=0:glibc.malloc.arena_max=1:glibc.malloc.tcache_count=0"

CAMERAS = {  # path: transport, container, how the camera goes away
    "/h264/closes": ("tcp", "mp4", "close=0.1"),
    "/h265/closes": ("tcp", "mp4", "close=0.1"),
    "/h265b/closes": ("tcp", "mkv", "close=0.2"),
    "/h264/resets": ("tcp", "mkv", "reset=0.1"),
    "/h265/resets": ("tcp", "mp4", "reset=0.1"),
    "/h264pcma/closes": ("tcp", "mkv", "close=0.1"),
    "/h264/datagrams": ("udp", "mp4", "close=0.1"),
    "/h265/datagrams": ("udp", "mkv", "close=0.1"),
    "/mjpeg/closes": ("tcp", "mp4", "close=0.1"),
    "/h264/redirects": ("tcp", "mp4", "request=0.1:REDIRECT"),
    "/h264/refuses": ("tcp", "mp4", "status=404"),
    "/h264/nothing": ("tcp", "mp4", "sdp-file=/dev/null"),
}


def left_behind(totals):
    """By so many reconnects as are promised. Of few rounds the best counts: in which of them SQLite
    first needs a page is chance, and what leaks does so in each."""
    rounds = [after - before for before, after in zip(totals, totals[1:])]
    per_round = harness.amount(min(rounds), sum(rounds) / len(rounds))
    return per_round * PROMISED / RECONNECTS


class ReconnectOften(harness.Case):
    def test_nothing_is_left_behind(self):
        clips = {path.split("/")[1] for path in CAMERAS}
        settings = [word for path, (_, _, setting) in CAMERAS.items()
                    for word in ("--set", path, setting)]
        server = harness.Camera(self.folder, sorted(clips), *settings)
        words = [word for path, (transport, container, _) in CAMERAS.items()
                 for word in (transport, container, server.url(path))]
        recorder = harness.Process(harness.program("RECONNECTOR"), self.folder / "video", ROUNDS,
                                   RECONNECTS, *words, env={"GLIBC_TUNABLES": QUIET})
        self.assertEqual(recorder.wait(1800 * harness.SCALE), 0, recorder.tail())
        rounds = [[int(number) for number in re.findall(r"\d+", line)][1:]
                  for line in recorder.find("^round ")]
        self.assertEqual(len(rounds), ROUNDS)
        print("\n".join(recorder.out))
        done = (ROUNDS - WARM) * RECONNECTS
        played = {path: len([request for request in server.asked(path)
                             if request.method == "PLAY"]) for path in CAMERAS}
        print(f"plays: {played}")
        for (path, (_, _, setting)) in CAMERAS.items():
            if setting.split("=")[0] in ("close", "reset", "request"):
                self.assertGreater(played[path], done / len(CAMERAS) / 2, path)
        kept = rounds[WARM - 1:]
        self.assertEqual(kept[0][:2], kept[-1][:2], "descriptors and threads")
        if os.environ.get("RTSPREC_SANITIZE"):
            return
        used = left_behind([numbers[2] for numbers in kept])
        memory = left_behind([numbers[3] * 1024 for numbers in kept])
        print(f"measured: {done} reconnects, per {PROMISED} {used:.0f} bytes in use more, "
              f"{memory:.0f} bytes of memory more")
        self.assertLess(used, GROWTH_BYTES)
        self.assertLess(memory, GROWTH_BYTES)


if __name__ == "__main__":
    harness.main()
