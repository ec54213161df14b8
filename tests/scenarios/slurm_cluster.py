"""A Slurm cluster on this one machine, from Debian's packages, for the duration of a test.

munge, slurmctld and slurmd run as the current user (root) on free ports with all their files in one
folder: no accounting, processes tracked by their parents (no cgroups), two GPUs that do not exist.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

ETC = Path("/etc/slurm")  # where jobs look for the configuration: they get no SLURM_CONF
FILES = ("slurm.conf", "gres.conf")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "scancel")
START = 30  # seconds that a daemon may take

CONFIG = """\
ClusterName=here
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
MailProg=/bin/true
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_min_interval=100000,batch_sched_delay=0
SchedulerTimeSlice=5
JobRequeue=1
MinJobAge=300
KillWait=30
ReturnToService=2
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={memory} Gres=gpu:2 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""
GRES = """\
AutoDetect=off
Name=gpu File=/dev/zero
Name=gpu File=/dev/full
"""


def missing() -> str:
    """Why no cluster can be started here; empty if one can."""
    absent = [name for name in PROGRAMS if _path(name) is None]
    if absent:
        return f"{', '.join(absent)} not installed (apt-get install slurm-wlm munge)"
    if os.geteuid() != 0:
        return "slurmd needs root"
    there = [str(ETC / name) for name in FILES if os.path.lexists(ETC / name)]
    return f"{there[0]} exists: this machine belongs to a cluster" if there else ""


class SlurmCluster:
    """To be entered. Meanwhile Slurm's usual place for its configuration leads to this one."""

    def __init__(self, folder: Path, cores: int) -> None:
        self.folder = folder
        for name in ("state", "spool", "munge"):
            (folder / name).mkdir(parents=True)
        host = socket.gethostname().partition(".")[0]
        content = CONFIG.format(
            folder=folder,
            host=host,
            cores=cores,
            memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20 // 2,
            controller_port=_free_port(),
            node_port=_free_port(),
        )
        (folder / "slurm.conf").write_text(content)
        (folder / "gres.conf").write_text(GRES)
        self._daemons: list[subprocess.Popen] = []

    def __enter__(self) -> SlurmCluster:
        folder = self.folder
        ETC.mkdir(exist_ok=True)
        for name in FILES:
            (ETC / name).symlink_to(folder / name)
        key = folder / "munge" / "key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        try:
            self._start(
                "munged", "--foreground", "--force", "--num-threads=1", f"--key-file={key}",
                f"--socket={folder}/munge.socket", f"--pid-file={folder}/munge/pid",
                f"--log-file={folder}/munge/log", f"--seed-file={folder}/munge/seed",
            )  # fmt: skip
            self._wait(lambda: (folder / "munge.socket").exists(), "munged")
            self._start("slurmctld", "-D")
            self._start("slurmd", "-D")
            self._wait(lambda: "idle" in self.command("sinfo", "-h", "-o", "%T"), "slurmd")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for daemon in reversed(self._daemons):
            daemon.send_signal(signal.SIGTERM)
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        self._daemons = []
        for name in FILES:
            (ETC / name).unlink(missing_ok=True)

    def command(self, *words: str) -> str:
        """Standard output of one of Slurm's commands; what it complains of is in the log files."""
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout

    def _start(self, name: str, *arguments: str) -> None:
        log = (self.folder / f"{name}.out").open("wb")
        self._daemons.append(subprocess.Popen([_path(name), *arguments], stdout=log, stderr=log))

    def _wait(self, ready, what: str) -> None:
        deadline = time.monotonic() + START
        while not ready():
            dead = [daemon.args[0] for daemon in self._daemons if daemon.poll() is not None]
            if dead or time.monotonic() > deadline:
                logs = [*self.folder.glob("*.out"), *self.folder.glob("*.log")]
                text = "\n".join(f"{path.name}: {path.read_text()[-1500:]}" for path in logs)
                raise RuntimeError(f"{what} is not ready within {START} s; ended: {dead}\n{text}")
            time.sleep(0.1)


def _path(name: str) -> str | None:
    """Daemons lie in /usr/sbin, which not every PATH has."""
    return shutil.which(name, path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin{os.pathsep}/sbin")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
