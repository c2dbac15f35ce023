"""A process of a user without rights, who may write in one folder of this machine and nowhere else.

So a container runs whose file system is read-only but for one volume. What is not on a disk stays
as it is: ``/dev`` with its shared memory, ``/proc`` and ``/sys``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

USER = 10001
"""That of the image; this machine has no name for it."""

# The user may read everything, as in an image: the checkout may lie in a folder of root's.
_CONFINE = f"""
set -e
mount --bind "$0" "$0"
cd "$0"
findmnt --raw --noheadings --output TARGET | grep -Ev "^($0|/dev|/proc|/sys)(/|$)" |
    while read -r place; do mount -o remount,bind,ro "$place"; done
exec setpriv --reuid {USER} --regid {USER} --clear-groups --no-new-privs \\
    --inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search \\
    --bounding-set=-all,+dac_read_search "$@"
"""


def missing() -> str:
    """Return why there can be no such process; empty: there can be one."""
    if os.geteuid() != 0:
        return "mounts need root's rights"
    absent = [name for name in ("findmnt", "setpriv", "unshare") if not shutil.which(name)]
    if absent:
        return f"{', '.join(absent)} not installed: apt-get install util-linux"
    tried = subprocess.run(
        ["unshare", "--mount", "true"], check=False, capture_output=True, text=True
    )
    return tried.stderr


def run(
    command: Sequence[str | Path], folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, which it may write to.

    Parameters
    ----------
    command
        Program and arguments.
    folder
        Given to the user, with all that lies in it.
    environment
        All that the command has but ``PATH``.
    """
    for path in (folder, *folder.rglob("*")):
        os.chown(path, USER, USER)
    unshare = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _CONFINE]
    return subprocess.run(
        [*unshare, folder, *command],
        check=False,
        capture_output=True,
        cwd=folder,
        env={"PATH": os.environ["PATH"], **environment},
        text=True,
    )
