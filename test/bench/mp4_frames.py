"""How many video frames an mp4 file holds, by its tables; of plain and of fragmented files."""

import struct

CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf", b"mvex"}


def boxes(file, start, end):
    """(type, start of the payload, end) of each box; the containers' children follow them."""
    while start + 8 <= end:
        file.seek(start)
        size, kind = struct.unpack(">I4s", file.read(8))
        payload = start + 8
        if size == 1:
            size = struct.unpack(">Q", file.read(8))[0]
            payload += 8
        elif size == 0:
            size = end - start
        if size < payload - start or start + size > end:
            return
        yield kind, payload, start + size
        if kind in CONTAINERS:
            yield from boxes(file, payload, start + size)
        start += size


def read_at(file, at, form):
    file.seek(at)
    return struct.unpack(form, file.read(struct.calcsize(form)))


def count(path):
    """Frames of all video tracks."""
    frames, videos, track, is_video = 0, set(), None, False
    with open(path, "rb") as file:
        for kind, at, _ in boxes(file, 0, path.stat().st_size):
            if kind == b"tkhd":
                version, = read_at(file, at, ">B")
                track, = read_at(file, at + (20 if version == 1 else 12), ">I")
            elif kind == b"hdlr" and track is not None:
                is_video = read_at(file, at + 8, ">4s")[0] == b"vide"
                if is_video:
                    videos.add(track)
            elif kind == b"stsz" and is_video:
                frames += read_at(file, at + 8, ">I")[0]
            elif kind == b"tfhd":
                track, = read_at(file, at + 4, ">I")
            elif kind == b"trun" and track in videos:
                frames += read_at(file, at + 4, ">I")[0]
    return frames
