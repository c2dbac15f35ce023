"""A Slurm cluster of one node, which is this machine: munged, slurmctld and slurmd."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
from pathlib import Path

from ports import free_port
from waiting import until

_PATH = "/usr/sbin:/usr/bin"
_PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scancel", "sinfo", "squeue")


def missing() -> str:
    """Return why there can be no such cluster; empty: there can be one."""
    if os.getuid() != 0:
        return "slurmd needs root's rights"
    absent = [name for name in _PROGRAMS if not shutil.which(name, path=_PATH)]
    packages = "apt-get install munge slurmctld slurmd slurm-client"
    return f"{', '.join(absent)} not installed: {packages}" if absent else ""


class Slurm:
    """The cluster, with a partition ``batch`` of eight cores, however many the machine has.

    Parameters
    ----------
    folder
        Empty: for keys, settings, states and logs.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: list[subprocess.Popen[bytes]] = []
        self.environment = {"SLURM_CONF": str(folder / "slurm.conf")}
        """What ``sbatch`` and the others need to find it."""
        for name in ("state", "spool"):
            (folder / name).mkdir()
        self._write_settings()
        try:
            self._start_munge()
            self._start("slurmctld", "-D")
            self._start("slurmd", "-D")
            until(lambda: self.ask("sinfo", "-h", "-o", "%t").strip() == "idle", "the node")
        except BaseException:
            self.close()
            raise

    def ask(self, program: str, *arguments: str) -> str:
        """Return what one of Slurm's programs tells; empty: it cannot tell yet."""
        found = str(shutil.which(program, path=_PATH))
        environment = os.environ | self.environment
        command = [found, *arguments]
        done = subprocess.run(
            command, check=False, capture_output=True, env=environment, text=True, timeout=60
        )
        return done.stdout

    def close(self) -> None:
        """End all jobs, then all that runs."""
        if len(self._running) > 1:
            self.ask("scancel", "--user=root")
            until(lambda: not self.ask("squeue", "-h"), "the end of all jobs")
        for process in reversed(self._running):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start_munge(self) -> None:
        """Start what vouches for who sends a message, with a key of its own."""
        folder = self._folder
        key = folder / "munge.key"
        key.touch(0o600)
        key.write_bytes(secrets.token_bytes(128))
        files = {"key-file": key, "socket": folder / "munge.socket", "pid-file": folder / "munge"}
        files |= {"log-file": folder / "munged.log", "seed-file": folder / "munge.seed"}
        options = [f"--{name}={path}" for name, path in files.items()]
        self._start("munged", "--foreground", "--force", *options)
        until((folder / "munge.socket").exists, "munge's socket")

    def _start(self, program: str, *options: str) -> None:
        command = [str(shutil.which(program, path=_PATH)), *options]
        environment = os.environ | self.environment
        with (self._folder / "log").open("ab") as log:
            started = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        self._running.append(started)

    def _write_settings(self) -> None:
        folder, host = self._folder, socket.gethostname().partition(".")[0]
        settings = {
            "ClusterName": "test",
            "SlurmctldHost": f"{host}(127.0.0.1)",
            "SlurmctldPort": free_port(),
            "SlurmdPort": free_port(),
            "SlurmUser": "root",
            "AuthInfo": f"socket={folder / 'munge.socket'}",
            "StateSaveLocation": folder / "state",
            "SlurmdSpoolDir": folder / "spool",
            "SlurmctldPidFile": folder / "slurmctld.pid",
            "SlurmdPidFile": folder / "slurmd.pid",
            "SlurmctldLogFile": folder / "slurmctld.log",
            "SlurmdLogFile": folder / "slurmd.log",
            # A container lets nobody make cgroups.
            "ProctrackType": "proctrack/linuxproc",
            "TaskPlugin": "task/none",
            "JobAcctGatherType": "jobacct_gather/none",
            "MpiDefault": "none",
            "SelectType": "select/cons_tres",
            "SelectTypeParameters": "CR_Core_Memory",
            "SlurmdParameters": "config_overrides",
        }
        lines = [f"{name}={value}" for name, value in settings.items()]
        lines += [f"NodeName={host} NodeAddr=127.0.0.1 CPUs=8 RealMemory=17000"]
        lines += [f"PartitionName=batch Nodes={host} Default=YES State=UP"]
        (folder / "slurm.conf").write_text("\n".join(lines) + "\n")
