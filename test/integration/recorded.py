"""What is in recorded files, and whether it is what was served."""

import json
from concurrent.futures import ThreadPoolExecutor

from harness import SCALE, program, run

# Units that were on their way when a stop was asked for may be missing; nothing older may. They are
# taken every 50 ms, and over UDP a hole is waited for 100 ms.
ON_THE_WAY_US = 200_000 * SCALE

FRAME_US = 40_000  # of all our clips

# A fragmented mp4 whose pictures are reordered begins with an edit list that FFmpeg's demuxer does
# not apply to fragments: the first picture then stands at the reorder delay, which is two frames in
# our clips, and not at 0.
REORDER_US = 2 * FRAME_US
REORDERED = ("h264b", "h265b")


class Packet:
    """A line of framedump."""

    def __init__(self, line):
        self.track, pts, dts, key, size, self.hash = line.split("\t")
        self.is_key, self.bytes = key == "1", int(size)
        self.pts_us = None if pts == "-" else int(pts)
        self.dts_us = None if dts == "-" else int(dts)


def packets(file):
    """All packets of a file, in its order."""
    result = run(program("FRAMEDUMP"), file)
    if result.returncode != 0:
        raise AssertionError(f"{file}: {result.stderr}")
    return [Packet(line) for line in result.stdout.splitlines()]


def streams(file):
    result = run("ffprobe", "-v", "error", "-show_streams", "-of", "json", file)
    if result.returncode != 0 or result.stderr:
        raise AssertionError(f"ffprobe {file}: {result.returncode} {result.stderr}")
    return json.loads(result.stdout)["streams"]


def numbers(file):
    """The number that each frame shows, decoded: in our clips its place in the clip, as a bar code
    of 20 cells in the first rows."""
    result = run("ffmpeg", "-v", "error", "-nostdin", "-i", file, "-map", "0:v", "-fps_mode",
                 "passthrough", "-vf",
                 "scale=640:360,crop=320:16:0:0,scale=20:1:flags=area,format=gray",
                 "-f", "rawvideo", "-", text=False)
    assert result.returncode == 0, result.stderr
    rows = [result.stdout[at:at + 20] for at in range(0, len(result.stdout), 20)]
    return [sum((cell > 125) << bit for bit, cell in enumerate(row)) for row in rows]


def check_file(file, start_us=0):
    """A file on its own: probed and decoded without complaint, a key frame first, times in order.

    Returns its packets.
    """
    video = [stream for stream in streams(file) if stream["codec_type"] == "video"]
    assert len(video) == 1, f"{file}: {len(video)} video tracks"
    if video[0]["codec_name"] == "hevc" and file.suffix == ".mp4":
        assert video[0]["codec_tag_string"] == "hvc1", f"{file}: {video[0]['codec_tag_string']}"
    result = run("ffmpeg", "-v", "error", "-xerror", "-nostdin", "-i", file, "-map", "0",
                 "-fps_mode", "passthrough", "-f", "null", "-")
    assert result.returncode == 0 and not result.stderr, f"ffmpeg {file}: {result.stderr}"
    rows = packets(file)
    check_order(file, rows, start_us)
    return rows


def check_order(file, rows, start_us=0):
    video = [row for row in rows if row.track == "v"]
    assert rows[0].track == "v" and rows[0].is_key, f"{file} does not begin with a key frame"
    assert 0 <= video[0].pts_us <= start_us, f"{file}: the first picture is at {video[0].pts_us} us"
    for track in "va":
        times = [row.dts_us for row in rows if row.track == track and row.dts_us is not None]
        assert all(a < b for a, b in zip(times, times[1:])), f"{file}: dts of {track}: {times}"


def check_files(files, start_us=0):
    """check_file() of each, two at a time; returns the packets of each, in order."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda file: check_file(file, start_us), files))


def check_sequence(what, served, hashes, first=None):
    """hashes are those of what was served from `first` on, without a gap; returns what followed.

    first: index in served; None: the first key frame
    """
    if first is None:
        first = next(i for i, unit in enumerate(served) if unit.is_key)
    expected = served[first:]
    assert len({unit.session for unit in expected}) == 1, f"{what}: more than one session"
    for at, (unit, got) in enumerate(zip(expected, hashes)):
        assert unit.hash == got, f"{what}: differs at {at} of {len(hashes)}: {explain(served, got)}"
    assert len(hashes) <= len(expected), f"{what}: more than was served"
    return expected[len(hashes):]


def check_served(what, served, hashes, stopped_us, first=None, unfinished=0):
    """check_sequence(), and nothing is missing at the end but what was on its way at the stop.

    stopped_us: None when the camera ended it: then nothing was on its way
    unfinished: units at the end that may be missing all the same
    """
    rest = check_sequence(what, served, hashes, first)
    lost = [unit for unit in rest
            if stopped_us is None or unit.unix_us < stopped_us - ON_THE_WAY_US]
    assert len(lost) <= unfinished, \
        f"{what}: {len(lost)} units from {lost[0].n} on are missing at the end"


def explain(served, got):
    places = [unit.n for unit in served if unit.hash == got]
    return f"unit(s) {places} of those served" if places else "not served at all"


def first_sound(served, video_pts_us, got):
    """Index of the sound that a recording begins with whose first picture is at this time.

    It is the first that does not begin before the picture; the camera's two clocks are rounded.
    """
    first = next(index for index, unit in enumerate(served) if unit.pts_us >= video_pts_us)
    for index in (first, first - 1):
        if index >= 0 and served[index].hash == got:
            return index
    raise AssertionError(f"the sound does not begin with the picture: {explain(served, got)}")


def check_camera(daemon, name, server, path, stopped_us, tracks="v", start_us=0, decode=True,
                 unfinished=0):
    """All files of a camera against what its one session served. Returns the packets per file."""
    files = daemon.segments(name)
    assert files, f"{name}: nothing recorded"
    if decode:
        recorded = check_files(files, start_us)
    else:
        recorded = [packets(file) for file in files]
        for file, rows in zip(files, recorded):
            check_order(file, rows, start_us)
    video = server.served(path)
    for track in tracks:
        served = server.served(path, track)
        hashes = [row.hash for rows in recorded for row in rows if row.track == track]
        first = None
        if track == "a":
            key = next(unit for unit in video if unit.is_key)
            first = first_sound(served, key.pts_us, hashes[0])
        check_served(f"{name} {track}", served, hashes, stopped_us, first,
                     unfinished)
    return recorded
