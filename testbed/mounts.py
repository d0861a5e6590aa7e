"""Mounts below the state directory: the kubelet and containerd leave many."""

import re
from pathlib import Path

from testbed import shell

_MOUNTINFO = Path("/proc/self/mountinfo")
_MOUNT_POINT_FIELD = 4


def below(directory: Path) -> list[Path]:
    """Mount points below a directory, the deepest first."""
    return mount_points_below(_MOUNTINFO.read_text(), directory)


def mount_points_below(mountinfo: str, directory: Path) -> list[Path]:
    """The same for the text of a mountinfo file, in which odd characters are octal."""
    points = (Path(_unescape(line.split()[_MOUNT_POINT_FIELD])) for line in mountinfo.splitlines())
    found = [point for point in points if directory in point.parents]
    return sorted(found, key=lambda point: len(point.parts), reverse=True)


def unmount_below(directory: Path) -> None:
    """Unmount all of them; one still in use goes when its last user does."""
    for point in below(directory):
        if not shell.succeeds(["umount", point], timeout_seconds=5):
            shell.succeeds(["umount", "--lazy", point], timeout_seconds=5)


def _unescape(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), text)
