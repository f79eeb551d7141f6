# SPDX-License-Identifier: ISC
"""test_network.py: the network of our own machine changes under us: interfaces that die, come back and
appear, addresses that move. Numbered messages flow meanwhile."""

import contextlib
import re
import time

import pytest

from box import Box, Lan
from daemon import Daemon
from lab import lab
from ns import wait_until
from servers import Prosody
from traffic import History, Program, judge

SOON = 1.0      # s
BUSY = 2.0      # s more that a busy machine may add
TAKEOVER = 8.0  # s without a server: the far end has to find out about the dead stream, and may give
                # its link up
CONF = """
[engine]
name = %(name)s
[lan]
user = %(user)s
[player]
kind = none
[peer "other"]
address = %(other)s
"""
SERVER = """
[engine]
name = box
[lan]
enabled = no
[player]
kind = none
[server]
kind = component
jid = box.example.test
host = 203.0.113.10
port = %d
secret-file = /run/earshotd/secret
"""


# --- two paths: the LAN, and a server ---------------------------------------------------------


def first_by(history, link, since):
    """How long after that moment the first message came by that link, in s."""
    return min((e.at - since for e in history.of("got") if e.text == link and e.at > since),
               default=None)


def wait_first_by(history, link, since, timeout=20):
    wait_until(lambda: first_by(history, link, since), timeout,
               lambda: "a message of %s by %s; it were %s" % (history.name, link, history.ways()))
    return first_by(history, link, since)


def test_link_down_and_up():
    """Our end knows at once; nothing waits for a time-out."""
    with lab() as made:
        for _ in range(2):
            since = time.monotonic()
            made.note("link down")
            made.remote.host.ns.ip("link set dev eth0 down")
            took = wait_first_by(made.there, "server", since)
            assert took < SOON + BUSY, "by the server after %.2f s only" % took
            path = made.remote.paths("box.example.test")["lan"]
            assert path["state"] != "up", path
            made.wait_more(20, "server")
            made.note("link up")
            made.remote.host.ns.ip("link set dev eth0 up")
            made.wait_more(20, "lan", 60)
        made.finish()
        for history in made.histories:
            assert history.slowest()[0] < SOON + 2 * BUSY, history.slowest()


def test_renumbered():
    """The only address goes, and some time later another one comes, by IPv4 alone."""
    with lab() as made:
        for daemon in made.ends:
            daemon.host.ns.ip("addr flush dev eth0 scope link")
        made.wait_more(20, "lan", 60)
        for daemon, history, old, new in ((made.remote, made.there, "10.1.0.1", "10.1.0.91"),
                                          (made.box, made.back, "10.1.0.2", "10.1.0.92")):
            since = time.monotonic()
            made.note("%s: %s goes" % (daemon.host.name, old))
            daemon.host.ns.ip("addr del %s/24 dev eth0" % old)
            took = wait_first_by(history, "server", since)
            assert took < SOON + BUSY, "by the server after %.2f s only" % took
            made.note("%s: %s comes" % (daemon.host.name, new))
            daemon.host.ns.ip("addr add %s/24 brd + dev eth0" % new)
            made.wait_more(20, "lan", 60)
        made.finish()


# --- a LAN and no server ----------------------------------------------------------------------


class Pair:
    """sofa@remote and tv@box, which know each other's name, and numbers on their way."""

    def __init__(self, lan):
        self.lan = lan
        self.there, self.back = History("remote > box"), History("box > remote")
        self.remote, self.box = (
            Daemon(lan[name], CONF % {"name": name, "user": user, "other": other})
            for name, user, other in (("remote", "sofa", "tv@box.local"),
                                      ("box", "tv", "sofa@remote.local")))
        self.programs = [Program(self.remote, "tv@box.local", self.there, self.back),
                         Program(self.box, "sofa@remote.local", self.back, self.there)]

    def wait_each_other(self, timeout=30):
        self.remote.wait_peer("tv@box.local", timeout)
        self.box.wait_peer("sofa@remote.local", timeout)

    def begin(self, rate=50):
        for program in self.programs:
            program.start()
            program.wait_listening()
        for program in self.programs:
            program.send(rate)
        self.wait_more(20)

    def wait_more(self, count, timeout=30):
        for history in (self.there, self.back):
            before = history.count["got"]
            wait_until(lambda h=history, n=before: h.count["got"] >= n + count, timeout,
                       lambda h=history: "%d more of %s: %s" % (count, h.name, h.count))

    def finish(self, errors=False):
        """Every number arrived once and in order."""
        for program in self.programs:
            program.pause()
        for history in (self.there, self.back):
            wait_until(history.settled, 30, lambda h=history: "the rest of %s: %s" % (
                h.name, judge(h, errors)[:5]))
            assert not judge(history, errors), judge(history, errors)[:10]

    def stop(self):
        for program in self.programs:
            program.stop()
            if program.failure is not None:
                raise program.failure

    def ways(self):
        """The interfaces of remote over which a stream of ours goes now."""
        found = set()
        out = self.remote.host.run(["ss", "-Htn", "state", "established"]).stdout
        for local in re.findall(r"^\s*\d+\s+\d+\s+(\S+):\d+\s", out, re.M):
            scope = re.search(r"%(\w+)", local)
            for plug in self.remote.host.plugs:
                if scope and scope.group(1) == plug.name or local.strip("[]") == plug.address:
                    found.add(plug.name)
        return found


@contextlib.contextmanager
def pair(**more):
    with Lan("remote", "box", **more) as lan:
        made = Pair(lan)
        try:
            made.wait_each_other()
            made.begin()
            yield made
            made.stop()
            for daemon in (made.remote, made.box):
                daemon.stop()
        finally:
            for program in made.programs:
                program.stop()


@pytest.mark.parametrize("families", [{"ipv4": False}, {"ipv6": False}],
                         ids=["IPv6 only", "IPv4 only"])
def test_one_family(families):
    with pair(**families) as made:
        made.wait_more(50)
        made.finish()


@pytest.mark.parametrize("how", ["down", "carrier", "gone"])
def test_one_interface_of_two_dies(how):
    """The stream's interface dies; the other one takes over, without a server. On the wire was what
    the box may not have got; both ends are Earshots, so it leaves again."""
    with pair(nets={"remote": "ab", "box": "ab"}) as made:
        used = made.ways()
        assert len(used) == 1, used
        name = used.pop()
        plug = next(p for p in made.remote.host.plugs if p.name == name)
        since = time.monotonic()
        if how == "down":
            made.remote.host.ns.ip("link set dev %s down" % name)
        elif how == "carrier":
            plug.cable.cut(silent=False)
        else:
            made.remote.host.ns.ip("link del dev %s" % name)
        wait_until(lambda: made.ways() and name not in made.ways(), 10, "a stream elsewhere")
        made.wait_more(20)
        made.finish(errors=True)
        gap = longest_gap(made.there, since)
        assert gap < TAKEOVER, "nothing for %.2f s" % gap


def longest_gap(history, since):
    """The longest time in which nothing came, in s."""
    times = [since] + [e.at for e in history.of("got") if e.at > since]
    return max((b - a for a, b in zip(times, times[1:])), default=None)


def test_interface_appears():
    """Started without any network; then there is a LAN, then another one in its place."""
    with Box() as lan:
        for letter in "ab":
            lan.bridge(letter)
        for name in ("remote", "box"):
            lan.host(name)
        made = Pair(lan)
        assert made.remote.cli("send", "tv@box.local", "hello").code == 4
        plugs = [lan.plug(lan[name], lan.bridges["a"], "10.77.0.%d/24" % n)
                 for n, name in enumerate(("remote", "box"), 1)]
        made.wait_each_other()
        try:
            made.begin()
            for plug in plugs:
                plug.host.ns.ip("link del dev %s" % plug.name)
            for program in made.programs:
                program.pause()
            for n, name in enumerate(("remote", "box"), 1):
                lan.plug(lan[name], lan.bridges["b"], "10.77.1.%d/24" % n)
            made.remote.wait_chosen("tv@box.local", "lan")
            for program in made.programs:
                program.send(50)
            made.wait_more(20)
            made.finish(errors=True)
        finally:
            made.stop()


# --- the way to a server ----------------------------------------------------------------------


class Uplinks(Box):
    """A host and a server, with two networks between them: the first one is preferred."""

    def __init__(self, connected=True):
        super().__init__()
        try:
            self.home, self.far = self.host("box", ipv6=False), self.host("server", ipv6=False)
            self.far.ns.ip("addr add 203.0.113.10/32 dev lo")
            for letter in "ab":
                self.bridge(letter)
                self.plug(self.far, self.bridges[letter], "10.77.%d.9/24" % "ab".index(letter))
            if connected:
                for letter in "ab":
                    self.connect(letter)
            self.prosody = Prosody(domain="example.test", address="203.0.113.10",
                                   components={"box.example.test": "secret"},
                                   prefix=self.far.ns.enter([]))
        except BaseException:
            self.close()
            raise

    def connect(self, letter):
        n = "ab".index(letter)
        self.plug(self.home, self.bridges[letter], "10.77.%d.1/24" % n)
        self.home.ns.ip("route add 203.0.113.10/32 via 10.77.%d.9 metric %d" % (n, n + 1))

    def start(self, wrap=()):
        daemon = Daemon(self.home, SERVER % self.prosody.component_port, wrap=wrap, start=False)
        daemon.write("secret", "secret\n")
        daemon.start()
        return daemon

    def close(self):
        if hasattr(self, "prosody"):
            self.prosody.close()
        super().close()


def wait_connected(daemon, times, timeout=20):
    daemon.proc.wait_for("connected as box.example.test", timeout, times)


@pytest.mark.parametrize("how", ["link set dev eth0 down", "addr del 10.77.0.1/24 dev eth0",
                                 "link del dev eth0"])
def test_server_by_the_other_interface(how):
    with Uplinks() as net:
        daemon = net.start()
        wait_connected(daemon, 1)
        since = time.monotonic()
        net.home.ns.ip(how)
        wait_connected(daemon, 2)
        took = time.monotonic() - since
        assert took < SOON + BUSY, "connected again after %.2f s only" % took
        daemon.stop()


def test_server_back_off_is_cut_short():
    with Uplinks(connected=False) as net:
        daemon = net.start()
        # Three failures: the next try would be four seconds away at least.
        daemon.proc.wait_for("server link down", 30, 4)
        since = time.monotonic()
        net.connect("a")
        wait_connected(daemon, 1)
        took = time.monotonic() - since
        assert took < SOON + BUSY, "connected after %.2f s only" % took
        daemon.stop()


def test_server_with_a_dead_address():
    """Its name has an IPv6 address, which is to be preferred and where packets vanish."""
    with Box() as net:
        net.bridge("a")
        home, far = net.host("box"), net.host("server")
        for n, host in enumerate((home, far), 1):
            net.plug(host, net.bridges["a"], "10.77.0.%d/24" % n)
        home.ns.ip("addr add 2001:db8::1/64 dev eth0 nodad",
                   "neigh add 2001:db8::2 lladdr 02:00:00:00:00:99 nud permanent dev eth0")
        for address in ("2001:db8::2", "10.77.0.2"):
            net.name_host("xmpp.example.test", address)
        with Prosody(domain="example.test", address="10.77.0.2",
                     components={"box.example.test": "secret"},
                     prefix=far.ns.enter([])) as prosody:
            conf = SERVER.replace("203.0.113.10", "xmpp.example.test") % prosody.component_port
            daemon = Daemon(home, conf, start=False)
            daemon.write("secret", "secret\n")
            since = time.monotonic()
            daemon.start()
            wait_connected(daemon, 1)
            took = time.monotonic() - since
            assert took < SOON + BUSY, "connected after %.2f s only" % took
            daemon.stop()
