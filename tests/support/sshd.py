"""Hosts that are reached by SSH, with keys of their own: nothing of this machine's is touched."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from hosts import Host

_PROGRAM = shutil.which("sshd", path="/usr/sbin:/usr/bin")


def is_installed() -> bool:
    """Tell whether this machine has an SSH server."""
    return _PROGRAM is not None


class Keys:
    """A key of a user, the user's home with it, and a key that all hosts have.

    Parameters
    ----------
    folder
        Empty.
    """

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self._folder = folder
        (self.home / ".ssh").mkdir(parents=True, mode=0o700)
        self._own = self.home / ".ssh" / "id_ed25519"
        self._hosts = folder / "host_key"
        for key in (self._own, self._hosts):
            make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key]
            subprocess.run(make, check=True)
        # Other accounts may not look into the home.
        self._allowed = folder / "authorized_keys"
        shutil.copy(self._own.with_suffix(".pub"), self._allowed)

    def serve(
        self, host: Host, environment: Mapping[str, str], command: Sequence[str] = ()
    ) -> None:
        """Start an SSH server on a host, at the usual port; the user may come, and is expected.

        Parameters
        ----------
        host
            Where it runs.
        environment
            What a session has, besides what the server gives it.
        command
            What the command of the server begins with.
        """
        public = self._hosts.with_suffix(".pub").read_text().split()
        with (self.home / ".ssh" / "known_hosts").open("a") as known:
            known.write(f"{host.address} {public[0]} {public[1]}\n")
        settings = self._folder / f"sshd_{host.address}"
        lines = [
            f"HostKey {self._hosts}",
            f"AuthorizedKeysFile {self._allowed}",
            "AuthenticationMethods publickey",
            "PermitRootLogin prohibit-password",
            "StrictModes no",
            "UsePAM no",
            "PidFile none",
        ]
        given = " ".join(f'"{name}={value}"' for name, value in environment.items())
        settings.write_text("\n".join([*lines, *([f"SetEnv {given}"] if given else [])]) + "\n")
        Path("/run/sshd").mkdir(exist_ok=True)  # Debian's service makes it before it starts.
        server = [str(_PROGRAM), "-D", "-e", "-f", str(settings)]
        host.start([*command, *server], self._folder / "log")
