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
import time

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import box  # noqa: E402
from ns import PATIENCE  # noqa: E402

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
    config.addinivalue_line("markers", "timeout(seconds): instead of 120")
    box.Box.observers.append(Watch.collect)
    os.chdir(box.ROOT)
    lacks = list(missing())
    if lacks:
        pytest.exit("\n".join(lacks), returncode=1)


class Watch:
    """What the boxes wrote during one test, its set-up and clean-up included."""

    logs, findings = {}, []

    @classmethod
    def collect(cls, one):
        """Called by a box before it removes its files."""
        for name, text in one.logs().items():
            cls.logs["%s (%s)" % (name, one.tag)] = text
            if SANITIZER.search(text):
                cls.findings.append("%s:\n%s" % (name, text[-8000:]))

    @classmethod
    def everything(cls):
        found = dict(cls.logs)
        for one in box.Box.made:
            found.update(one.logs())
        return found


def within_time(item):
    """A wrapper: an alarm interrupts what takes longer than 120 s, or the mark timeout(seconds), on a
    quiet machine."""
    mark = item.get_closest_marker("timeout")
    seconds = (mark.args[0] if mark else 120) * PATIENCE

    def late(*_):
        raise box.Timeout("the test was not done after %d s" % seconds)
    signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    yield
    signal.alarm(0)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_setup(item):
    Watch.logs = {}
    yield from within_time(item)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    yield from within_time(item)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_teardown(item):
    outcome = yield
    found, Watch.findings = Watch.findings, []
    if found and not outcome.excinfo:
        pytest.fail("\n".join(found), pytrace=False)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Puts what the daemons wrote under the report of a test that failed."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for name, text in Watch.everything().items():
            if text.strip():
                report.sections.append((name, text[-8000:]))


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


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    end = time.monotonic() + 20     # what was killed a moment ago may still be on its way out
    while (left := list(orphans())) and time.monotonic() < end:
        time.sleep(0.05)
    if left:
        print("\nleft behind by the tests:\n  " + "\n  ".join(left), file=sys.stderr)
        session.exitstatus = 1
