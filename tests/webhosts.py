"""A web host as docs/deployment.md tells it: Apache with mod_cgid and stunnel, from the files in etc/."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from demos import Demo, free_port

import bmu

ROOT = Path(__file__).parents[1]
APACHE, STUNNEL = Path("/usr/sbin/apache2"), Path("/usr/bin/stunnel4")
MODULES = Path("/usr/lib/apache2/modules")
LOADED = "mpm_event authz_core mime alias env headers socache_shmcb ssl cgid reqtimeout"
# Root's own files are out of reach of the user that the web server runs as.
USER = "www-data"
READY_SECONDS_MAX = 15
LOOK_SECONDS = 0.05


@dataclass
class WebHost:
    """A running web host."""

    directory: Path
    port: int
    apache: "subprocess.Popen[bytes]"
    stunnel: "subprocess.Popen[bytes]"

    @property
    def errors(self) -> str:
        """Apache's error log."""
        return (self.directory / "error.log").read_text()


def identity() -> dict[str, object]:
    """Give what makes a child of root an ordinary user; for anybody else nothing."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam(USER)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def interpreter() -> Path:
    """Give a Python that the web server's user can run."""
    for path in (Path(sys.base_prefix) / "bin" / "python3", Path("/usr/bin/python3")):
        code = "import sys; sys.exit(sys.version_info < (3, 11))"
        try:
            if (
                subprocess.run([path, "-c", code], cwd="/", check=False, **identity()).returncode
                == 0
            ):
                return path
        except OSError:
            continue
    raise AssertionError(f"no Python that {USER} can run")


def install(directory: Path) -> Path:
    """Install what a web host needs, as the wheel would: Python, bmu and its bytecode; give the script."""
    home = directory / "python"
    subprocess.run([interpreter(), "-m", "venv", "--without-pip", home], check=True)
    [packages] = home.glob("lib/python3.*/site-packages")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(bmu.__file__).parent, packages / "bmu", ignore=ignored)
    subprocess.run([home / "bin" / "python", "-m", "compileall", "-q", packages], check=True)
    script = directory / "bmui.py"
    lines = (ROOT / "cgi-bin" / "bmui.py").read_text().splitlines(keepends=True)
    script.write_text("".join([f"#!{home}/bin/python -I\n", *lines[1:]]))
    script.chmod(0o755)
    return script


def ours(path: Path) -> Path:
    """Give a file to the web server's user alone."""
    if os.geteuid() == 0:
        shutil.chown(path, USER, USER)
    path.chmod(0o700 if path.is_dir() else 0o600)
    return path


def apache_conf(directory: Path, script: Path, port: int) -> Path:
    """Write Apache's main configuration around etc/apache-bmuid.conf."""
    static = next(directory.glob("python/lib/python3.*/site-packages/bmu/ui/static"))
    defines = {
        "BMUID_HOST": "localhost",
        "BMUID_PORT": port,
        "BMUID_CERTIFICATE": directory / "https.pem",
        "BMUID_KEY": directory / "https.key",
        "BMUID_SCRIPT": script,
        "BMUID_SETTINGS": directory / "bmui.conf",
        "BMUID_STATIC": static,
    }
    lines = [
        f"ServerRoot {directory}",
        "ServerName localhost",
        "ServerTokens Prod",
        f"PidFile {directory}/run/apache.pid",
        f"DefaultRuntimeDir {directory}/run",
        f"ScriptSock {directory}/run/cgisock",
        f"Mutex file:{directory}/run default",
        f"ErrorLog {directory}/error.log",
        "TypesConfig /etc/mime.types",
        *(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in LOADED.split()),
        "StartServers 1",
        "ServerLimit 1",
        "ThreadsPerChild 16",
        "MaxRequestWorkers 16",
        f"Listen 127.0.0.1:{port} https",
        *(f"Define {name} {value}" for name, value in defines.items()),
        f"Include {ROOT}/etc/apache-bmuid.conf",
    ]
    conf = directory / "apache.conf"
    conf.write_text("\n".join(lines) + "\n")
    return conf


def stunnel_conf(directory: Path, door_port: int) -> Path:
    """Write etc/stunnel-bmuid.conf with this host's paths and the daemon's address."""
    text = (ROOT / "etc" / "stunnel-bmuid.conf").read_text()
    for name, value in (
        ("/run/bmuid-web", f"{directory}/run"),
        ("db.internal.example:5023", f"127.0.0.1:{door_port}"),
        ("checkHost = db.internal.example", "checkHost = localhost"),
        ("/etc/bmuid/pki/public-ca.pem", f"{directory}/public-ca.pem"),
        ("/etc/bmuid/pki/web.", f"{directory}/web."),
    ):
        assert name in text, name
        text = text.replace(name, value)
    conf = directory / "stunnel.conf"
    conf.write_text(text)
    return conf


def door_port(demo: Demo) -> int:
    """Give the port of the demo's public door."""
    lines = (demo.directory / "bmuid.conf").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("port = ")).split()[2])


@contextmanager
def running(demo: Demo) -> Iterator[WebHost]:
    """Run stunnel and Apache, as an ordinary user, in front of the demo's daemon."""
    directory = Path(tempfile.mkdtemp(prefix="bmuid-web-", dir="/tmp"))
    directory.chmod(0o755)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, directory)
        (directory / "run").mkdir()
        ours(directory / "run")
        (directory / "error.log").touch()
        ours(directory / "error.log")
        pki = demo.directory / "pki"
        for source, name in (
            ("https/https.pem", "https.pem"),
            ("https/https.key", "https.key"),
            ("door/ca.pem", "public-ca.pem"),
            ("door/web.pem", "web.pem"),
            ("door/web.key", "web.key"),
        ):
            shutil.copyfile(pki / source, directory / name)
            ours(directory / name)
        (directory / "bmui.conf").write_text(
            f"socket = {directory}/run/bmuid.sock\ncompany = Harbour Telecom Ltd\n"
        )
        port = free_port()
        conf = stunnel_conf(directory, door_port(demo))
        stunnel = stack.enter_context(started([STUNNEL, conf], directory / "stunnel.log"))
        conf = apache_conf(directory, install(directory), port)
        command = [APACHE, "-f", conf, "-DFOREGROUND"]
        apache = stack.enter_context(started(command, directory / "apache.log"))
        host = WebHost(directory, port, apache, stunnel)
        await_port(host)
        yield host


@contextmanager
def started(command: list[Path | str], log: Path) -> "Iterator[subprocess.Popen[bytes]]":
    """Run a program until the end of the block."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", **identity()
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(READY_SECONDS_MAX)


def await_port(host: WebHost) -> None:
    """Wait until Apache listens and stunnel has its socket."""
    until = time.monotonic() + READY_SECONDS_MAX
    pause = threading.Event()
    while time.monotonic() < until:
        for process in (host.apache, host.stunnel):
            assert process.poll() is None, "".join(
                (host.directory / name).read_text()
                for name in ("apache.log", "stunnel.log", "error.log")
            )
        with socket.socket() as trial:
            if (
                trial.connect_ex(("127.0.0.1", host.port)) == 0
                and (host.directory / "run" / "bmuid.sock").exists()
            ):
                return
        pause.wait(LOOK_SECONDS)
    raise AssertionError("Apache or stunnel did not become ready")
