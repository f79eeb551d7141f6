# SPDX-License-Identifier: ISC
"""test_unit.py: what systemd is told: ready, how it is, reloading, alive, stopping."""

import os
import signal
import socket
import subprocess
import tempfile
import time

import pytest

import box
from daemon import Daemon
from ns import wait_until

LOCAL = "[lan]\nenabled = no\n[player]\nkind = demo\n[engine]\nstate = %s/state\n" \
        "[local]\nsocket = %s/%s\n"


class Systemd:
    """The other end of $NOTIFY_SOCKET: every datagram, and when it came."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="earshot-%d-" % os.getpid())
        self.path = self.folder + "/notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(0.02)
        self.told = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        subprocess.run(["rm", "-rf", self.folder], check=True)

    def take(self):
        while True:
            try:
                self.told.append((time.monotonic(), self.socket.recv(1000).decode()))
            except TimeoutError:
                return

    def all(self, start):
        self.take()
        return [text for _, text in self.told if text.startswith(start)]

    def wait(self, start, count=1, timeout=15):
        return wait_until(lambda: self.all(start)[count - 1:], timeout,
                          lambda: "%r x%d in %r" % (start, count, self.told))[0]

    def at(self, start):
        return next(i for i, (_, text) in enumerate(self.told) if text.startswith(start))


@pytest.fixture
def systemd():
    with Systemd() as made:
        yield made


class Local:
    """earshotd without a LAN, as a service."""

    def __init__(self, systemd, tmp_path, **env):
        self.folder, self.conf, self.log = tmp_path, tmp_path / "conf", tmp_path / "log"
        self.configure()
        with open(self.log, "w", encoding="utf-8") as log:
            self.proc = subprocess.Popen(
                [os.path.join(box.BUILD, "earshotd"), "-c", str(self.conf)], stderr=log,
                env=dict(os.environ, NOTIFY_SOCKET=systemd.path, **env))

    def configure(self, more="", sock="sock"):
        self.conf.write_text(LOCAL % (self.folder, self.folder, sock) + more)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.proc.kill()
        self.proc.wait()

    def earshot(self, *args):
        return subprocess.run([os.path.join(box.BUILD, "earshot"), "--config", str(self.conf),
                               *args], capture_output=True, text=True, timeout=30, check=False)


def test_reload_and_stop(systemd, tmp_path):
    """A wrong file changes nothing, and systemd does not wait for ever either."""
    with Local(systemd, tmp_path) as daemon:
        systemd.wait("READY=1")
        assert daemon.earshot("xeps").returncode == 0
        daemon.conf.write_text("[nonsense]\n")
        daemon.proc.send_signal(signal.SIGHUP)
        assert "\nMONOTONIC_USEC=" in systemd.wait("RELOADING=1")
        systemd.wait("READY=1", 2)
        assert systemd.at("RELOADING=1") > systemd.at("READY=1")
        assert os.path.exists(tmp_path / "sock") and daemon.proc.poll() is None
        # Another place for its socket: the engine starts anew.
        daemon.configure(sock="other")
        daemon.proc.send_signal(signal.SIGHUP)
        systemd.wait("RELOADING=1", 2)
        systemd.wait("READY=1", 3)
        assert daemon.earshot("xeps").returncode == 0
        assert not os.path.exists(tmp_path / "sock")
        daemon.proc.terminate()
        systemd.wait("STOPPING=1")
        assert daemon.proc.wait(60) == 0
    text = daemon.log.read_text()
    assert "unknown section [nonsense]" in text and "stays as it was" in text
    assert not os.path.exists(tmp_path / "other")


def test_what_cannot_start_is_never_ready(systemd, tmp_path):
    with Local(systemd, tmp_path) as first:
        systemd.wait("READY=1")
        with Local(systemd, tmp_path) as second:
            assert second.proc.wait(60) == 3
        assert len(systemd.all("READY=1")) == 1
        assert first.proc.poll() is None


def test_watchdog(systemd, tmp_path):
    """Fed at least every half of the time, and not by a loop that hangs."""
    with Local(systemd, tmp_path, WATCHDOG_USEC="1200000") as daemon:
        systemd.wait("WATCHDOG=1", 5)
        fed = [at for at, text in systemd.told if text == "WATCHDOG=1"]
        assert max(b - a for a, b in zip(fed, fed[1:])) < 1.2
        daemon.proc.send_signal(signal.SIGSTOP)
        systemd.take()
        before = len(systemd.all("WATCHDOG=1"))
        end = time.monotonic() + 2.5
        wait_until(lambda: time.monotonic() > end, 5)
        assert len(systemd.all("WATCHDOG=1")) <= before + 1
        daemon.proc.send_signal(signal.SIGCONT)
        systemd.wait("WATCHDOG=1", before + 2)


def test_watchdog_of_somebody_else(systemd, tmp_path):
    with Local(systemd, tmp_path, WATCHDOG_USEC="200000", WATCHDOG_PID="1"):
        systemd.wait("READY=1")
        end = time.monotonic() + 0.5
        wait_until(lambda: time.monotonic() > end, 5)
        assert not systemd.all("WATCHDOG=1")


CONF = "[engine]\nname = %s\n[lan]\nuser = %s\n[player]\nkind = none\n"


class Service(Daemon):
    """A daemon in a box, as a service."""

    def __init__(self, systemd, host, conf):
        super().__init__(host, conf, start=False, wrap=["env", "NOTIFY_SOCKET=" + systemd.path])
        self.start()


def test_status_says_who_is_there(systemd, lan):
    """Ready is who has a name on the LAN; then the status follows what happens there."""
    tv = Service(systemd, lan["pronto"], CONF % ("pronto", "tv"))
    assert not systemd.all("READY=1"), "a name on the LAN takes a second of probing"
    systemd.wait("READY=1")
    assert "on the LAN as tv@pronto" in tv.proc.output()
    systemd.wait("STATUS=tv@pronto.local, 0 in earshot")
    sofa = Daemon(lan["forza"], CONF % ("forza", "sofa"))
    systemd.wait("STATUS=tv@pronto.local, 1 in earshot")
    sofa.stop()
    systemd.wait("STATUS=tv@pronto.local, 0 in earshot", 2)
    tv.stop()
    systemd.wait("STOPPING=1")


def test_ready_without_a_network(systemd, lan):
    """No multicast, no name: it serves this machine all the same."""
    host = lan["pronto"]
    host.cut()
    host.ns.ip("link set lo down", "link set eth0 down")
    tv = Service(systemd, host, CONF % ("pronto", "tv"))
    systemd.wait("READY=1", 1, 20)
    assert tv.cli("xeps").code == 0
    tv.stop()
