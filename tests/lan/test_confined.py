# SPDX-License-Identifier: ISC
"""test_confined.py: the daemon does everything under what its unit for systemd takes away."""

import os
import pwd

import pytest

from box import BUILD, ROOT, Lan
from daemon import Daemon, Mpv
from ns import wait_until
from servers import Ejabberd

UNIT = os.path.join(ROOT, "tools/dist/earshotd.service")
CONFINE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "confine.py")
# One with a name, as systemd's own module gives to a DynamicUser=: the bus lets no other in.
UID = pwd.getpwnam("nobody").pw_uid

TV = """
[engine]
name = pronto
state = /run/earshotd/state
metrics = 127.0.0.1:9298
[lan]
user = tv
[player]
kind = mpv
socket = /run/mpv.sock
[policy]
buttons = anyone
"""
SOFA = """
[engine]
name = forza
[lan]
user = sofa
[player]
kind = none
"""


class Confined(Daemon):
    """As the service: another user, who can write below /run/earshotd only."""

    def __init__(self, host, conf):
        folder = "/run/earshotd"
        super().__init__(host, conf, start=False, wrap=[
            "/usr/bin/python3", CONFINE, UNIT, UID, folder])
        os.chown(host.path(folder), UID, UID)
        os.chmod(host.path(self.conf), 0o644)
        # Where it was built may be in a home, which the unit hides.
        host.run(["cp", os.path.join(BUILD, "earshotd"), "/run/earshotd.copy"])
        self.start()

    def start(self):
        self.proc = self.host.popen(self.wrap + ["/run/earshotd.copy", "-f", "-v", "-c", self.conf],
                                    name=self.name)
        wait_until(lambda: os.path.exists(self.host.path(self.socket)) or
                   self.proc.poll() is not None, 20, "socket of " + self.name)
        assert self.proc.poll() is None, self.proc.output()
        return self.proc

    def status(self):
        with open("/proc/%d/status" % self.proc.pid, encoding="ascii") as f:
            return dict(line.split(":\t", 1) for line in f.read().splitlines() if ":\t" in line)


@pytest.fixture
def pair():
    with Lan("pronto", "forza") as lan:
        yield lan


def check_is_confined(tv):
    status = tv.status()
    assert status["Uid"].split() == [str(UID)] * 4
    assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapBnd")} == {0}
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    mounts = "/proc/%d/mountinfo" % tv.proc.pid
    with open(mounts, encoding="utf-8") as f:
        writable = [line.split()[4] for line in f if line.split()[5].startswith("rw")]
    assert writable == ["/run/earshotd"], writable


def press_and_look(tv, sofa, mpv):
    sofa.wait_peer("tv@pronto.local")
    assert sofa.cli("press", "tv@pronto.local", "pause").code == 0
    assert mpv.get("pause") is True
    assert tv.cli("peers").code == 0, "root is let in"
    text = tv.cli("metrics").out
    assert "process_resident_memory_bytes 0" not in text and "process_open_fds 0" not in text
    tv.proc.send_signal(1)
    tv.proc.wait_for("configuration: nothing changed")
    assert not [line for line in tv.proc.lines() if line.startswith("error") or
                "not permitted" in line.lower()], tv.proc.output()


@pytest.mark.parametrize("avahi", [False, True], ids=["embedded", "avahi-daemon"])
def test_on_the_lan(pair, avahi):
    """Discovery by both kinds, an encrypted stream, a real player, figures, reload, goodbye."""
    if avahi:
        pair["pronto"].start_avahi()
    mpv = Mpv(pair["pronto"])
    os.chmod(pair["pronto"].path("/run/mpv.sock"), 0o666)
    tv, sofa = Confined(pair["pronto"], TV), Daemon(pair["forza"], SOFA)
    check_is_confined(tv)
    press_and_look(tv, sofa, mpv)
    assert ("mDNS daemon" if avahi else "mDNS embedded") in tv.proc.output()
    assert os.listdir(pair["pronto"].path("/run/earshotd/state"))
    tv.stop()
    # Known again: what it wrote it can read.
    tv.start()
    sofa.wait_peer("tv@pronto.local")
    assert sofa.cli("press", "tv@pronto.local", "play").code == 0
    sofa.stop()
    tv.stop()


@pytest.mark.timeout(180)
def test_beside_a_server(pair):
    host = pair["pronto"]
    with Ejabberd(domain="example.test", address="127.0.0.1", prefix=host.ns.enter([]),
                  components={"tv.example.test": "first"}) as server:
        # As LoadCredential= leaves it.
        secret = host.path("/run/secret")
        with open(secret, "w", encoding="ascii") as f:
            f.write("first\n")
        os.chown(secret, UID, UID)
        os.chmod(secret, 0o440)
        tv = Confined(host, TV.replace("mpv\nsocket = /run/mpv.sock", "demo") +
                      "[server]\nkind = component\njid = tv.example.test\nhost = 127.0.0.1\n"
                      "port = %d\nsecret-file = /run/secret\n" % server.component_port)
        tv.proc.wait_for("connected as tv.example.test")
        tv.stop()


def test_what_is_taken_away_is_gone(pair):
    """The test's own instrument: a filter that allows everything would prove nothing."""
    probe = """
import ctypes, errno, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def refused(fn):
    try:
        fn()
    except OSError as e:
        return e.errno
    return 0
assert refused(lambda: open("/run/here", "w")) == errno.EROFS
assert refused(lambda: open("/etc/here", "w")) in (errno.EROFS, errno.EACCES)
assert refused(lambda: os.listdir("/root")) == errno.EACCES
assert refused(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)) == errno.EAFNOSUPPORT
assert refused(lambda: os.setuid(1)) == errno.EPERM
assert refused(lambda: os.chroot("/")) == errno.EPERM
assert libc.mount(b"x", b"/mnt", b"tmpfs", 0, None) == -1
assert refused(lambda: __import__("mmap").mmap(-1, 4096, prot=7)) in (errno.EPERM, errno.EACCES)
assert not os.path.exists("/dev/net") and not os.path.exists("/proc/1")
open("/run/earshotd/here", "w")
socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)
print("confined")
"""
    host = pair["pronto"]
    os.mkdir(host.path("/run/earshotd"))
    os.chown(host.path("/run/earshotd"), UID, UID)
    done = host.run(["/usr/bin/python3", CONFINE, UNIT, UID, "/run/earshotd", "/usr/bin/python3",
                     "-c", probe])
    assert done.stdout == "confined\n", done
