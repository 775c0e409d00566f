"""
How long a customer waits for a page: the browser's TLS, the script's process, the public door, the database.

Starts a whole demo and, where Apache and stunnel are installed, a web host as docs/deployment.md tells it; asks for
each page in turn, so that whatever disturbs the machine disturbs all of them alike; and prints where the time goes.

    python benchmarks/portal.py [ROUNDS]
"""

import http.client
import os
import platform
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(
    0, str(ROOT / "tests")
)  # a demo and a web host are started as the tests start them

import demos  # noqa: E402
import webhosts  # noqa: E402

from bmu.ui.client import Client  # noqa: E402

ADA = ("ada@fenwick.example", "harbour demo lighthouse one")
OCTOBER = "from=2026-10-01&to=2026-10-31"
AIM_MS = 60.0
CLIENTS = 4
CLIENTS_SECONDS = 5.0


class Customer:
    """A logged-in customer on one kept connection."""

    def __init__(self, port: int, authority: Path) -> None:
        visitor = demos.Visitor(port, authority)
        visitor.log_in(*ADA)
        self.cookie = visitor.cookie
        context = ssl.create_default_context(cafile=str(authority))
        self._connection = http.client.HTTPSConnection("localhost", port, context=context)

    def get(self, path: str) -> str:
        """Get a page."""
        self._connection.request("GET", path, headers={"Cookie": self.cookie})
        response = self._connection.getresponse()
        page = response.read().decode()
        assert response.status == 200, (path, response.status)
        return page


def between(page: str, before: str) -> str:
    """Give what stands in *page* after *before* and before the next quote."""
    return page.split(before, 1)[1].split('"', 1)[0]


def pages(customer: Customer) -> dict[str, str]:
    """Give the pages to ask for, with ids that there are."""
    charge = between(customer.get(f"/my/usage?{OCTOBER}"), "/my/charge?")
    invoice = between(customer.get("/my/invoices"), "/my/invoice?")
    return {
        "login form": "/my/login",
        "overview": "/my/overview?day=2026-10-01",
        "usage, 50 items": f"/my/usage?{OCTOBER}",
        "a charge explained": f"/my/charge?{charge}",
        "invoices": "/my/invoices",
        "an invoice": f"/my/invoice?{invoice}",
        "the style sheet": "/static/bmui.css",
    }


def milliseconds(work: Callable[[], object]) -> float:
    """Say how long *work* takes."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def line(name: str, taken: list[float]) -> str:
    """Write median, 95th percentile and minimum."""
    ordered = sorted(taken)
    p95 = ordered[int(len(ordered) * 0.95)]
    return f"  {name:<32}{statistics.median(ordered):8.1f}{p95:8.1f}{ordered[0]:8.1f}"


def machine() -> str:
    """Say what this was measured on."""
    models = [
        text.partition(":")[2].strip()
        for text in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if text.startswith("model name")
    ]
    load = os.getloadavg()[0]
    return (
        f"{models[0] if models else platform.machine()}, {os.cpu_count()} processors,"
        f" load {load:.1f}; Linux {platform.release()}, Python {platform.python_version()}"
    )


@contextmanager
def hosts() -> Iterator[tuple[demos.Demo, dict[str, int]]]:
    """Run the demo and, where it can be, Apache; give the ports."""
    parent = Path(tempfile.mkdtemp(prefix="bmuid-bench-", dir="/tmp"))
    parent.chmod(0o755)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, parent, ignore_errors=True)
        stack.callback(demos.remove, parent / "demo")
        demo = stack.enter_context(
            demos.running(parent / "demo", "--examples", str(ROOT / "examples"))
        )
        ports = {"the embedded web host": demo.port}
        if webhosts.APACHE.exists() and webhosts.STUNNEL.exists():
            web = stack.enter_context(webhosts.running(demo))
            ports["Apache, mod_cgid and stunnel"] = web.port
        yield demo, ports


def measure_pages(demo: demos.Demo, ports: dict[str, int], rounds: int) -> float:
    """Ask for each page at each host, in turn; print, and give the worst median of a page."""
    customers = {name: Customer(port, demo.authority) for name, port in ports.items()}
    asked = pages(next(iter(customers.values())))
    taken: dict[tuple[str, str], list[float]] = {(h, p): [] for h in customers for p in asked}
    for _ in range(rounds):
        for page, path in asked.items():
            for host, customer in customers.items():
                taken[host, page].append(milliseconds(lambda c=customer, p=path: c.get(p)))
    for host in customers:
        print(f"\n{host}, {rounds} rounds{'':<12}median     p95     min  ms")
        for page in asked:
            print(line(page, taken[host, page]))
    return max(statistics.median(each) for each in taken.values())


def measure_parts(demo: demos.Demo, rounds: int) -> None:
    """Print what a page's time is made of."""
    customer = Customer(demo.port, demo.authority)
    token = customer.cookie.partition("=")[2]
    client = Client(str(demo.admin_socket.with_name("bmuid.sock")), "0123456789abcdef")
    settings = {"BMUI_CONF": str(demo.directory / "bmui.conf"), "REQUEST_METHOD": "GET"}
    script = [sys.executable, "-I", str(ROOT / "cgi-bin" / "bmui.py")]

    def run(command: list[str], **environ: str) -> None:
        subprocess.run(command, env={**settings, **environ}, capture_output=True, check=True)

    parts: dict[str, Callable[[], object]] = {
        "a process of Python, empty": lambda: run([sys.executable, "-I", "-c", "pass"]),
        "and the script: the login form": lambda: run(script, PATH_INFO="/login"),
        "relay, TLS door, database alone": lambda: client.ask("overview_show", {"token": token}),
    }
    taken: dict[str, list[float]] = {name: [] for name in parts}
    for _ in range(rounds):
        for name, work in parts.items():
            taken[name].append(milliseconds(work))
    print(f"\nparts of a page, {rounds} rounds{'':<19}median     p95     min  ms")
    for name in parts:
        print(line(name, taken[name]))


def measure_crowd(demo: demos.Demo, ports: dict[str, int]) -> None:
    """Print how many overviews a second several customers at once get."""
    print()
    for host, port in ports.items():
        until = time.perf_counter() + CLIENTS_SECONDS

        def one(_: int, port: int = port, until: float = until) -> int:
            customer, count = Customer(port, demo.authority), 0
            while time.perf_counter() < until:
                customer.get("/my/overview")
                count += 1
            return count

        with ThreadPoolExecutor(CLIENTS) as pool:
            count = sum(pool.map(one, range(CLIENTS)))
        print(f"{CLIENTS} customers at {host}: {count / CLIENTS_SECONDS:.1f} overviews a second")


def main() -> int:
    """Measure, and tell whether every page keeps its aim."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    print(machine())
    with hosts() as (demo, ports):
        worst = measure_pages(demo, ports, rounds)
        measure_parts(demo, rounds)
        measure_crowd(demo, ports)
    print(f"\nthe slowest page: median {worst:.1f} ms; the aim: {AIM_MS:.0f} ms")
    return 0 if worst <= AIM_MS else 1


if __name__ == "__main__":
    sys.exit(main())
