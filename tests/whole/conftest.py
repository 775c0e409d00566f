"""What the tests of whole processes stand on: a browser that goes nowhere but to this machine."""

import base64
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import demos
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from demos import Demo
from selenium import webdriver

CHROMIUM = Path("/usr/bin/chromium")
CHROMEDRIVER = Path("/usr/bin/chromedriver")
PAGE_SECONDS_MAX = 20
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # root has none, nor has a container; the pages are our own
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)

# Called with the certificate of the authority to trust, and the window's width and height.
OpenBrowser = Callable[[Path, int, int], webdriver.Chrome]


def key_hash(certificate: Path) -> str:
    """Give the hash of a certificate's public key as Chromium's flag wants it."""
    key = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    spki = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(hashlib.sha256(spki).digest()).decode("ascii")


def start_chromium(authority: Path, width: int, height: int, home: Path) -> webdriver.Chrome:
    """Start a browser that lives in *home* and trusts chains that hold *authority*, and nothing else beyond its own."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    options.accept_insecure_certs = False
    for flag in FLAGS:
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={home / 'profile'}")
    options.add_argument(f"--window-size={width},{height}")
    options.add_argument(f"--ignore-certificate-errors-spki-list={key_hash(authority)}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(
        executable_path=str(CHROMEDRIVER),
        env={"HOME": str(home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC"},
    )
    driver = webdriver.Chrome(options=options, service=service)
    driver.set_page_load_timeout(PAGE_SECONDS_MAX)
    return driver


@pytest.fixture
def open_browser() -> Iterator[OpenBrowser]:
    """Give what opens a headless Chromium, as often as a test likes; all are closed after it."""
    for program in (CHROMIUM, CHROMEDRIVER):
        if not program.exists():
            pytest.fail(f"{program} is missing: apt-get install chromium chromium-driver")
    with ExitStack() as stack:

        def open_one(authority: Path, width: int = 1280, height: int = 900) -> webdriver.Chrome:
            home = Path(tempfile.mkdtemp(prefix="bmuid-browser-"))
            stack.callback(shutil.rmtree, home, ignore_errors=True)
            driver = start_chromium(authority, width, height, home)
            stack.callback(driver.quit)
            return driver

        yield open_one


@pytest.fixture(scope="session")
def demo() -> Iterator[Demo]:
    """Give the whole demo, running: what `make demo` shows, in a directory with a space in its path."""
    parent = Path(tempfile.mkdtemp(prefix="bmuid whole demo ", dir="/tmp"))
    parent.chmod(0o755)
    with demos.running(parent / "demo") as running:
        yield running
    done = demos.remove(parent / "demo")
    assert done.returncode == 0, done.stderr
    shutil.rmtree(parent)
