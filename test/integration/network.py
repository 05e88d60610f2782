"""A network of a test's own, and a link to it that loses packets when told to."""

import fcntl
import os
import random
import select
import struct
import threading

import harness

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 0x0001, 0x1000


def open_tun(name):
    """A network interface whose packets are read from and written to the descriptor."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return device


def ip(*words):
    result = harness.run("ip", *words)
    if result.returncode != 0:
        raise AssertionError(f"ip {' '.join(words)}: {result.stderr}")


def make_space(case):
    """A network namespace for as long as the test lasts; skips the test where there is none."""
    name = f"rtsprec{os.getpid()}"
    result = harness.run("ip", "netns", "add", name)
    if result.returncode != 0:
        case.skipTest(f"no network namespace: {result.stderr.strip()}")
    case.addCleanup(ip, "netns", "delete", name)
    return name


class Link:
    """A namespace, joined with ours by a link.

    loss: the share of packets that get lost, 1 for a link that is cut; can be changed at any time.
    lost: how many got lost so far
    """

    def __init__(self, case):
        self.space = make_space(case)
        self.loss, self.lost, self._random = 0.0, 0, random.Random(1)
        number = os.getpid() % (1 << 14)  # tests run side by side: each has four addresses
        base = f"198.18.{number >> 6}"
        self.here, self.there = (f"{base}.{(number & 63) * 4 + i}" for i in (1, 2))
        names = f"rh{os.getpid()}", f"rt{os.getpid()}"
        try:
            self._devices = [open_tun(name) for name in names]
        except OSError as error:
            case.skipTest(f"no tunnels: {error}")
        ip("link", "set", names[1], "netns", self.space)
        ip("address", "add", f"{self.here}/30", "dev", names[0])
        ip("link", "set", names[0], "up")
        ip("-n", self.space, "address", "add", f"{self.there}/30", "dev", names[1])
        ip("-n", self.space, "link", "set", names[1], "up")
        self._wake = os.pipe()
        self._relay = threading.Thread(target=self._run, daemon=True)
        self._relay.start()
        case.addCleanup(self._close)
        self.inside = ("ip", "netns", "exec", self.space)  # goes before a command

    def _run(self):
        other = dict(zip(self._devices, reversed(self._devices)))
        while True:
            ready, _, _ = select.select([*self._devices, self._wake[0]], [], [])
            if self._wake[0] in ready:
                return
            for device in ready:
                packet = os.read(device, 65536)
                if self._random.random() >= self.loss:
                    os.write(other[device], packet)
                else:
                    self.lost += 1

    def _close(self):
        os.write(self._wake[1], b".")
        self._relay.join()
        for descriptor in (*self._devices, *self._wake):
            os.close(descriptor)
