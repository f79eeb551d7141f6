# SPDX-License-Identifier: ISC
"""conftest.py: what every test in namespaces shares: requirements, logs of a failure, orphans."""

import ctypes
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import box  # noqa: E402

PROGRAMS = ["ip", "bridge", "unshare", "nsenter", "nft", "ethtool", "ping", "dbus-daemon",
            "avahi-daemon", "avahi-browse", "openssl"]
MODULES = ["slixmpp", "zeroconf"]
SANITIZER = re.compile(r"ERROR: (Address|Leak)Sanitizer|runtime error: |"
                       r"^==\d+== (Invalid|Conditional|.*definitely lost: [1-9])", re.MULTILINE)
PR_SET_CHILD_SUBREAPER = 36


def missing():
    """What this machine lacks, as sentences. A lack fails the run: a skip is not seen."""
    if os.geteuid() != 0:
        yield "root is needed to make network namespaces"
    yield from ("no %s: run tools/dev/deps check" % p for p in PROGRAMS if not shutil.which(p))
    for module in MODULES:
        try:
            __import__(module)
        except ImportError:
            yield "no Python module %s: run tools/dev/deps check" % module
    if not os.path.exists("/dev/net/tun"):
        yield "no /dev/net/tun"
    helper = os.path.join(box.BUILD, "tests/lan/delay")
    if not os.path.exists(helper):
        yield "no %s: run make helpers" % os.path.relpath(helper, box.ROOT)


def pytest_configure(config):
    # Daemons that detach become our children, so that none can hide from the check at the end.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.chdir(box.ROOT)
    lacks = list(missing())
    if lacks:
        pytest.exit("\n".join(lacks), returncode=1)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Puts what the daemons wrote under the report of a test that failed."""
    outcome = yield
    report = outcome.get_result()
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    if report.failed:
        for name, text in item.stash.get(LOGS, {}).items() or live_logs():
            report.sections.append((name, text[-8000:]))


FAILED, LOGS = pytest.StashKey(), pytest.StashKey()


def live_logs():
    return box.Box.last.logs().items() if box.Box.last else ()


@pytest.fixture(autouse=True)
def watched(request, monkeypatch):
    """Keeps the logs of every box that the test closes, and fails it on a sanitizer's finding."""
    kept = request.node.stash.setdefault(LOGS, {})
    findings = []
    real = box.Box.close

    def close(self):
        if not self.closed:
            self.on_close.append(collect)
        real(self)

    def collect(one):
        for name, text in one.logs().items():
            kept["%s/%s" % (one.tag, name)] = text
            if SANITIZER.search(text):
                findings.append("%s:\n%s" % (name, text[-8000:]))

    monkeypatch.setattr(box.Box, "close", close)
    yield
    assert not findings, "\n".join(findings)


@pytest.fixture
def lan():
    """Two hosts, pronto and forza, on one LAN."""
    with box.Lan("pronto", "forza") as made:
        yield made


@pytest.fixture
def slow_lan():
    """The same with emulated cables: set delay, jitter, loss with lan.set()."""
    with box.Lan("pronto", "forza", emulated=True) as made:
        yield made


@pytest.fixture
def homes():
    """remote and box in home a, a server 80 ms away each way."""
    with box.TwoHomes(a=["remote", "box"], delay=80) as made:
        yield made


@pytest.fixture
def build():
    """The path of something built: build("earshotd")."""
    def path(name):
        full = os.path.join(box.BUILD, name)
        assert os.path.exists(full), "%s is not built" % os.path.relpath(full, box.ROOT)
        return full
    return path


def children():
    """Our child processes that still run, as {pid: command line}."""
    found = {}
    for path in glob.glob("/proc/self/task/*/children"):
        with open(path, encoding="ascii") as f:
            for pid in f.read().split():
                found[int(pid)] = describe(pid)
    return {pid: line for pid, line in found.items() if line}


def describe(pid):
    try:
        with open("/proc/%s/cmdline" % pid, "rb") as f:
            return f.read().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def orphans():
    """What the tests of this run left behind, as sentences."""
    for pid, line in children().items():
        yield "process %d: %s" % (pid, line)
    yield from glob.glob(os.path.join(tempfile.gettempdir(), "earshot-%d-*" % os.getpid()))
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=False)
    for name in re.findall(r"^\d+: (eth\d+|p\d+|up\d+|wan|br0)@\S*if\d+:", links.stdout,
                           re.MULTILINE):
        yield "interface %s outside every box" % name


def pytest_sessionfinish(session, exitstatus):
    left = list(orphans())
    if left:
        print("\nleft behind by the tests:\n  " + "\n  ".join(left), file=sys.stderr)
        session.exitstatus = 1
