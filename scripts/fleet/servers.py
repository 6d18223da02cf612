"""Real servers for the tests of deploy/celery, on free ports, in a temporary folder: Postgres, brokers, workers.

Everything ends with the block that started it, and with this program, however it ends (PR_SET_PDEATHSIG).
"""

import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parents[2]
CELERY = ROOT / "deploy/celery"
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def end_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what, condition, seconds=60.0, pause=0.1):
    """What the condition returns, as soon as it is true."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            raise SystemExit(f"timed out after {seconds:.0f} s: {what}")
        time.sleep(pause)
    return found


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


class Server:
    """A server process whose output goes to a file."""

    def __init__(self, folder, command, **options):
        self.name, self.folder, self.command, self.options = Path(command[0]).name, folder, command, options
        self.child = None

    def start(self):
        with open(self.folder / f"{self.name}.log", "ab") as log:
            self.child = subprocess.Popen(
                self.command,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                preexec_fn=end_with_parent,
                **self.options,
            )

    def stop(self, kind=signal.SIGTERM):
        if self.child and self.child.poll() is None:
            self.child.send_signal(kind)
            try:
                self.child.wait(60)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()


class Postgres(Server):
    """`settings` are lines of postgresql.conf. It refuses to run as root: then it runs as postgres or user 65534."""

    def __init__(self, folder, settings=()):
        programs = Path(self.find())
        self.folder, self.port = folder / "postgres", free_port()
        self.folder.mkdir()
        user = {}
        if os.geteuid() == 0:
            named = [entry for entry in pwd.getpwall() if entry.pw_name == "postgres"]
            account = named[0] if named else pwd.getpwuid(65534)
            user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        data = self.folder / "data"
        options = ["--username=giggles", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        initdb = [programs / "initdb", *options, f"--pgdata={data}"]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd="/", **user)
        lines = [f"port = {self.port}", "listen_addresses = '127.0.0.1'", f"unix_socket_directories = '{self.folder}'"]
        with open(data / "postgresql.conf", "a") as file:
            file.write("\n".join([*lines, *settings]) + "\n")
        super().__init__(self.folder, [str(programs / "postgres"), "-D", str(data)], cwd="/", **user)
        self.start()

    @staticmethod
    def find():
        """The folder of initdb and postgres, the newest if there are several."""
        if initdb := shutil.which("initdb"):
            return os.path.dirname(initdb)
        installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
        if not installed:
            raise SystemExit("PostgreSQL 15 or newer is missing; apt-get install postgresql")
        return installed[-1]

    def start(self):
        super().start()
        wait_for("Postgres accepts connections", self.is_ready)

    def is_ready(self):
        try:
            psycopg.connect(self.url("postgres")).close()
            return True
        except psycopg.OperationalError:
            return False

    def url(self, database):
        return f"postgres://giggles@127.0.0.1:{self.port}/{database}?sslmode=disable"

    def create(self, database):
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {database}")
        return self.url(database)

    def restart(self, kind):
        """SIGINT ends all sessions in order; SIGQUIT ends the server as a crash would."""
        self.stop(kind)
        self.start()


class Redis(Server):
    """Keeps messages in its append-only file, so that a restart loses none."""

    def __init__(self, folder):
        self.port = free_port()
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"]
        super().__init__(folder, ["redis-server", *options, "--dir", str(folder)])
        self.start()

    def start(self):
        super().start()
        wait_for("Redis accepts connections", lambda: accepts(self.port))

    def url(self, number=0):
        return f"redis://127.0.0.1:{self.port}/{number}"

    def kill_and_start(self):
        self.stop(signal.SIGKILL)
        self.start()


class RabbitMq(Server):
    """One node with ports of its own; `number` names a virtual host."""

    def __init__(self, folder):
        self.port, ports = free_port(), [free_port(), free_port()]
        home = folder / "rabbitmq"
        home.mkdir()
        (home / "enabled_plugins").write_text("[].\n")
        self.environment = os.environ | {
            "HOME": str(home),
            "ERL_CRASH_DUMP": str(home / "crash"),
            "RABBITMQ_NODENAME": f"giggles{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(ports[0]),
            "ERL_EPMD_PORT": str(ports[1]),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_MNESIA_BASE": str(home),
            "RABBITMQ_LOG_BASE": str(home),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
            "RABBITMQ_PID_FILE": str(home / "pid"),
        }
        self.programs = Path("/usr/lib/rabbitmq/bin")
        super().__init__(folder, [str(self.programs / "rabbitmq-server")], env=self.environment, start_new_session=True)
        self.start()

    def start(self):
        super().start()
        wait_for("RabbitMQ has started", lambda: self.control("await_startup") and accepts(self.port), 300, 2)
        for number in range(3):
            self.control("add_vhost", str(number))
            self.control("set_permissions", "--vhost", str(number), "guest", ".*", ".*", ".*")

    def control(self, *arguments):
        command = [self.programs / "rabbitmqctl", "--quiet", *arguments]
        done = subprocess.run(command, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return done.returncode == 0

    def url(self, number=0):
        return f"amqp://guest:guest@127.0.0.1:{self.port}/{number}"

    def stop(self, kind=signal.SIGTERM):
        if self.child and self.child.poll() is None:
            os.killpg(self.child.pid, kind)
            self.child.wait()
        # The port mapper of Erlang is a daemon.
        subprocess.run(["epmd", "-kill"], env=self.environment, stdout=subprocess.DEVNULL)

    def kill_and_start(self):
        self.stop(signal.SIGKILL)
        self.start()


class Worker:
    """A Celery worker with its pool processes, in a process group of its own."""

    def __init__(self, folder, environment, concurrency, name="worker"):
        self.log = folder / f"{name}.log"
        command = [os.path.join(os.path.dirname(sys.executable), "celery"), "--app", "tasks", "worker"]
        command += ["--concurrency", str(concurrency), "--hostname", f"{name}@test"]
        command += ["--without-mingle", "--without-gossip", "--loglevel", "INFO"]
        self.written = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                command, cwd=CELERY, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                start_new_session=True, preexec_fn=end_with_parent,
            )

    def messages(self):
        """The log of this worker process."""
        with open(self.log, errors="replace") as log:
            log.seek(self.written)
            return log.read()

    def wait_until_ready(self):
        wait_for(f"worker is ready, see {self.log}", lambda: " ready." in self.messages())

    def shut_down(self):
        """Warm: the running tasks end first."""
        self.child.terminate()
        return self.child.wait(120)

    def kill(self):
        """As if the machine had lost power: the worker and its pool processes."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()


def giggles_of(source):
    """Process ids of the scans of a source."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit():
                words = (entry / "cmdline").read_bytes().split(b"\0")
                if b"scan" in words and b"--source" in words and words[words.index(b"--source") + 1] == source.encode():
                    found.append(int(entry.name))
    return found


def parent_of(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def is_alive(pid):
    """A zombie is not alive."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False
