"""File systems of a test's own: made, cut off, frozen and brought back."""

import errno
import fcntl
import os
import shutil
import struct
import time

import harness

# What both ext4 and XFS call it: EXT4_IOC_SHUTDOWN, XFS_IOC_GOINGDOWN.
SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2  # what the journal has not yet written is gone, as after a power cut

# XFS takes no less than 300 MB. The file is sparse.
IMAGE_BYTES = {"ext4": 256 << 20, "xfs": 320 << 20}
MAKE = {"ext4": ("mkfs.ext4", "-q", "-F"), "xfs": ("mkfs.xfs", "-q", "-f")}


def _must(*command):
    result = harness.run(*command)
    if result.returncode != 0:
        raise OSError(f"{' '.join(map(str, command))}: {result.stderr.strip()}")


def tmpfs(case, directory, size):
    """A tmpfs on a directory, until the test ends."""
    directory.mkdir(exist_ok=True)
    result = harness.run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", directory)
    if result.returncode != 0:
        case.skipTest(f"no file system can be mounted here: {result.stderr.strip()}")
    case.addCleanup(harness.run, "umount", "-l", directory)
    return directory


class Disk:
    """A loop-mounted file system whose image is in memory, so that no other disk's load shows."""

    def __init__(self, case, kind, mount_point, options="defaults", size=None):
        if os.geteuid() != 0:
            case.skipTest("only root mounts file systems")
        if not shutil.which(MAKE[kind][0]):
            case.skipTest(f"{MAKE[kind][0]} is not installed")
        self.kind, self.mount_point, self.options = kind, mount_point, options
        mount_point.mkdir(exist_ok=True)
        holder = tmpfs(case, mount_point.with_name(mount_point.name + ".disk"), "1g")
        self.image = holder / "image"
        with open(self.image, "wb") as image:
            image.truncate(size or IMAGE_BYTES[kind])
        _must(*MAKE[kind], self.image)
        case.addCleanup(harness.run, "umount", "-l", mount_point)
        try:
            self.mount()
        except OSError as error:
            case.skipTest(f"{kind} cannot be mounted here: {error}")

    def mount(self):
        _must("mount", "-t", self.kind, "-o", f"loop,{self.options}", self.image, self.mount_point)

    def umount(self):
        """As soon as nobody uses it. A process that just now ends in a mount namespace of its own
        can have it a moment longer; mounted then, it would still be what was shut down."""
        def done():
            result = harness.run("umount", self.mount_point)
            return result.returncode == 0 or "not mounted" in result.stderr
        harness.wait_until(done, f"{self.mount_point} to be free")
        self.wait_gone()

    def vanish(self):
        """It is gone from the tree at once; the file system ends when its last file is closed."""
        _must("umount", "-l", self.mount_point)

    def wait_gone(self):
        """Until nobody has it any more, and it can be mounted again."""
        harness.wait_until(lambda: not harness.run("losetup", "-j", self.image).stdout,
                           f"{self.kind} to end")

    def open(self):
        """For cut(), without the time that opening takes."""
        return os.open(self.mount_point, os.O_RDONLY)

    @staticmethod
    def cut(descriptor):
        """What was not made durable is lost; every access fails from now on.

        Returns when, µs since 1970.
        """
        cut_us = time.time_ns() // 1000
        fcntl.ioctl(descriptor, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        os.close(descriptor)
        return cut_us

    def freeze(self):
        _must("fsfreeze", "-f", self.mount_point)

    def thaw(self):
        _must("fsfreeze", "-u", self.mount_point)

    def break_down(self):
        """The file system finds an error in itself and becomes read-only, as ext4 does with
        errors=remount-ro. False when this kernel has no way to ask for it."""
        device = os.stat(self.mount_point).st_dev
        loop = os.path.basename(os.path.realpath(
            f"/sys/dev/block/{os.major(device)}:{os.minor(device)}"))
        try:
            with open(f"/sys/fs/ext4/{loop}/trigger_fs_error", "w", encoding="ascii") as trigger:
                trigger.write("1")
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.EACCES):
                return False
            raise
        return True
