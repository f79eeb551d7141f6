# SPDX-License-Identifier: ISC
"""test_mdns.py: discovery against real mDNS: both kinds, python3-zeroconf, daemons that come and go."""

import json
import os
import re
import signal
import subprocess

import pytest

from box import BUILD, Lan, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
PROBE = os.path.join(BUILD, "tests/lan/mdns_probe")
ZEROCONF = ["/usr/bin/python3", os.path.join(HERE, "zeroconf_peer.py")]


class Probe:
    """A running mdns_probe."""

    def __init__(self, host, user, kind="auto", interfaces="all", port=5298, machine=None, txt="",
                 quiet=False):
        argv = [PROBE, "-v", "-k", kind, "-i", interfaces, "-p", port, "-m", machine or host.name]
        self.host = host
        self.proc = host.popen(argv + (["-n"] if quiet else ["-t", txt]) + [user],
                               name="probe-" + user, stdin=subprocess.PIPE)

    def wait_for(self, pattern, **more):
        return self.proc.wait_for(pattern, **more)

    def count(self, pattern):
        return len(re.findall(pattern, self.proc.output(), re.MULTILINE))

    def published(self, instance, count=1):
        self.wait_for("^published %s$" % re.escape(instance), count=count)

    def peer(self, address):
        """What it knows of that peer now, or None."""
        lines = re.findall(r"^(found|changed|lost) %s (.*)$" % re.escape(address),
                           self.proc.output(), re.MULTILINE)
        return json.loads(lines[-1][1]) if lines and lines[-1][0] != "lost" else None

    def sees(self, address, cond=lambda peer: True, timeout=8):
        """Waits until it knows a peer, with that property."""
        return wait_until(lambda: (lambda p: p and cond(p) and p)(self.peer(address)), timeout,
                          lambda: "%s at %s in\n%s" % (address, self.host.name,
                                                       self.proc.output()))

    def loses(self, address, timeout=8):
        wait_until(lambda: self.peer(address) is None, timeout,
                   lambda: "loss of %s in\n%s" % (address, self.proc.output()))

    def end(self):
        """Says goodbye and must end well."""
        self.proc.stdin.close()
        assert self.proc.wait(5) == 0, self.proc.output()
        self.proc.stdin = None
        assert self.proc.lines()[-1] == "bye"


def ways(peer):
    """{("eth0", 4): address} of the ways that are resolved."""
    return {(w["interface"], w["family"]): w["address"] for w in peer["ways"] if w["address"]}


def start(host, user, kind, **more):
    if kind == "daemon":
        host.start_avahi()
    probe = Probe(host, user, kind, **more)
    probe.wait_for(r"^state works .*\(%s\)$" % kind)
    return probe


@pytest.mark.parametrize("a, b", [("embedded", "embedded"), ("embedded", "daemon"),
                                  ("daemon", "daemon")])
def test_kinds_find_each_other(lan, a, b):
    pronto, forza = lan["pronto"], lan["forza"]
    tv = start(pronto, "tv", a, port=5298, txt="nick=Box")
    remote = start(forza, "remote", b, port=6000)
    tv.published("tv@pronto")
    remote.published("remote@forza")
    peer = remote.sees("tv@pronto.local", lambda p: len(ways(p)) == 2)
    assert peer["instance"] == "tv@pronto" and peer["host"] == "pronto.local"
    assert ways(peer) == {("eth0", 4): pronto.address, ("eth0", 6): pronto.address6}
    assert {w["port"] for w in peer["ways"]} == {5298}
    assert [w["scope"] for w in peer["ways"] if w["family"] == 6] == [forza.plugs[0].index]
    assert peer["txt"]["nick"] == "Box" and peer["txt"]["port"] == 5298
    assert ways(tv.sees("remote@forza.local", lambda p: len(ways(p)) == 2))

    tv.proc.send_line("txt nick=Fernseher status=dnd")
    remote.sees("tv@pronto.local", lambda p: p["txt"]["nick"] == "Fernseher" and
                p["txt"]["status"] == "dnd")
    assert remote.count("^found tv@pronto.local") == 1
    tv.end()
    remote.loses("tv@pronto.local")
    # Nobody takes himself for a peer.
    assert remote.peer("remote@forza.local") is None and remote.count("remote@forza.local") == 0
    remote.end()


@pytest.mark.parametrize("kind", ["embedded", "daemon"])
def test_foreign_stack(lan, kind):
    """python3-zeroconf publishes and browses; both directions, change, goodbye."""
    tv = start(lan["pronto"], "tv", kind, txt="nick=Box")
    tv.published("tv@pronto")
    foreign = lan["forza"].popen(ZEROCONF + [lan["forza"].address, "juliet@capulet", 5562,
                                             "nick=JuliC", "status=away"], stdin=subprocess.PIPE)
    seen = json.loads(foreign.wait_for(r"^added tv@pronto (.*)$")[1])
    assert seen["port"] == 5298 and lan["pronto"].address in seen["addresses"]
    txt = bytes.fromhex(seen["txt"])
    assert txt.startswith(b"\x09txtvers=1\x08nick=Box\x0eport.p2pj=5298"), txt
    peer = tv.sees("juliet@capulet.local", lambda p: ("eth0", 4) in ways(p))
    assert ways(peer)["eth0", 4] == lan["forza"].address
    assert (peer["txt"]["nick"], peer["txt"]["status"]) == ("JuliC", "away")
    assert peer["ways"][0]["port"] == 5562

    foreign.send_line("txt nick=Julia msg=Romeo")
    tv.sees("juliet@capulet.local", lambda p: p["txt"]["nick"] == "Julia")
    tv.proc.send_line("txt nick=Neu")
    wait_until(lambda: b"\x08nick=Neu" in bytes.fromhex(json.loads(
        re.findall(r"^(?:added|updated) tv@pronto (.*)$", foreign.output(), re.M)[-1])["txt"]),
        8, foreign.output)
    foreign.stdin.close()
    foreign.stdin = None
    tv.loses("juliet@capulet.local")


def test_goodbye_reaches_foreign_stack(lan):
    foreign = lan["forza"].popen(ZEROCONF + [lan["forza"].address, "juliet@capulet", 5562],
                                 stdin=subprocess.PIPE)
    tv = start(lan["pronto"], "tv", "embedded")
    foreign.wait_for("^added tv@pronto")
    tv.end()
    foreign.wait_for("^removed tv@pronto", timeout=4)


@pytest.mark.parametrize("kind", ["embedded", "daemon"])
def test_collision_renames_the_user(kind):
    """XEP-0174 §3: -1, -2 behind the user; and who holds the name is a peer like any other."""
    with Lan("pronto", "forza", "arden") as lan:
        foreign = lan["forza"].popen(ZEROCONF + [lan["forza"].address, "tv@pronto", 5562],
                                     stdin=subprocess.PIPE)
        foreign.wait_for("^registered")
        first = start(lan["pronto"], "tv", kind)
        first.published("tv-1@pronto")
        second = start(lan["arden"], "tv", "embedded", machine="pronto")
        second.published("tv-2@pronto")
        assert first.sees("tv@pronto.local")["ways"][0]["port"] == 5562
        first.sees("tv-2@pronto.local")
        second.sees("tv@pronto.local")
        second.sees("tv-1@pronto.local")
        assert first.count("^published tv@pronto") == 0


def test_daemon_comes_restarts_and_dies(lan):
    """Kind auto: without a wake-up of our own, on what the bus says."""
    host = lan["pronto"]
    host.start_dbus()
    tv = Probe(host, "tv")
    other = start(lan["forza"], "remote", "embedded")
    tv.wait_for(r"^state works .*\(embedded\)$")
    other.sees("tv@pronto.local")

    daemon = host.start_avahi()
    tv.wait_for(r"^state works .*\(daemon\)$")
    tv.published("tv@pronto", count=2)
    tv.sees("remote@forza.local")
    other.sees("tv@pronto.local")

    daemon.stop()
    tv.wait_for("^state broken")
    daemon = host.start_avahi()
    tv.wait_for(r"^state works .*\(daemon\)$", count=2)
    tv.published("tv@pronto", count=3)
    tv.sees("remote@forza.local")

    daemon.kill()
    daemon.wait()
    os.unlink(host.path("/run/avahi-daemon/pid"))
    tv.wait_for(r"^state works .*\(embedded\)$", count=2)
    tv.published("tv@pronto", count=4)
    tv.sees("remote@forza.local")
    other.sees("tv@pronto.local")
    assert tv.count("^published tv-") == 0
    tv.end()
    other.loses("tv@pronto.local")


def test_bus_dies_and_comes_back(lan):
    host = lan["pronto"]
    bus = host.start_dbus()
    daemon = host.start_avahi()
    tv = Probe(host, "tv")
    tv.wait_for(r"^state works .*\(daemon\)$")
    tv.published("tv@pronto")
    bus.kill()
    bus.wait()
    daemon.stop()
    tv.wait_for(r"^state works .*\(embedded\)$")
    tv.published("tv@pronto", count=2)
    os.unlink(host.path("/run/dbus/system_bus_socket"))
    host.start_avahi()
    tv.wait_for(r"^state works .*\(daemon\)$", count=2, timeout=15)
    tv.published("tv@pronto", count=3)
    tv.end()


def test_kind_daemon_waits_for_it(lan):
    host = lan["pronto"]
    host.start_dbus()
    tv = Probe(host, "tv", "daemon")
    tv.wait_for(r"^state broken .*[Dd]aemon.* \(daemon\)$")
    host.start_avahi()
    tv.wait_for(r"^state works")
    tv.published("tv@pronto")


def test_daemon_that_lets_nobody_publish(lan):
    """It browses, and says why it does not publish."""
    host = lan["pronto"]
    conf = os.path.join(host.dir, "avahi-no.conf")
    with open(conf, "w", encoding="utf-8") as f:
        f.write("[server]\nuse-ipv4=yes\nuse-ipv6=yes\n[publish]\n"
                "disable-user-service-publishing=yes\n")
    host.start_dbus()
    host.popen(["avahi-daemon", "-f", conf, "--no-rlimits"]).wait_for("Server startup complete")
    tv = Probe(host, "tv", "daemon")
    remote = start(lan["forza"], "remote", "embedded")
    tv.wait_for(r"^state broken Not permitted")
    tv.sees("remote@forza.local")
    assert remote.peer("tv@pronto.local") is None


@pytest.mark.parametrize("kind", ["embedded", "daemon"])
def test_two_interfaces_one_peer(kind):
    with Lan("pronto", "forza", nets={"pronto": "ab", "forza": "ab"}) as lan:
        tv = start(lan["pronto"], "tv", kind)
        remote = start(lan["forza"], "remote", "embedded")
        both = {("eth%d" % i, 4): lan["pronto"].plugs[i].address for i in (0, 1)}
        both.update({("eth%d" % i, 6): lan["pronto"].plugs[i].address6 for i in (0, 1)})
        peer = remote.sees("tv@pronto.local", lambda p: len(ways(p)) == 4)
        assert ways(peer) == both
        assert all(w["scope"] == lan["forza"].plugs[int(w["interface"][-1])].index
                   for w in peer["ways"] if w["family"] == 6)
        tv.sees("remote@forza.local", lambda p: len(ways(p)) == 4)
        lan["forza"].ns.ip("link set dev eth1 down")
        remote.sees("tv@pronto.local", lambda p: {i for i, _ in ways(p)} == {"eth0"})
        assert remote.count("^found tv@pronto.local") == 1
        assert remote.count("^lost tv@pronto.local") == 0


@pytest.mark.parametrize("kind", ["embedded", "daemon"])
def test_only_named_interfaces(kind):
    """Nothing is published or browsed on others, and a named one is taken up when it comes."""
    with Lan("pronto", "forza", nets={"pronto": "a", "forza": "ab"}) as lan:
        remote = start(lan["forza"], "remote", "embedded")
        tv = start(lan["pronto"], "tv", kind, interfaces="eth7, eth1")
        remote.published("remote@forza")
        lan.plug(lan["pronto"], lan.bridges["b"], "10.77.1.9/24", "eth1")
        tv.published("tv@pronto")
        peer = remote.sees("tv@pronto.local", lambda p: len(ways(p)) == 2)
        assert ways(peer)["eth1", 4] == "10.77.1.9" and ("eth0", 4) not in ways(peer)
        peer = tv.sees("remote@forza.local", lambda p: len(ways(p)) == 2)
        assert {i for i, _ in ways(peer)} == {"eth1"}


def test_interface_that_comes_with_all(lan):
    tv = start(lan["pronto"], "tv", "embedded")
    remote = start(lan["forza"], "remote", "embedded")
    remote.sees("tv@pronto.local")
    second = lan.bridge("b")
    for number, host in enumerate((lan["pronto"], lan["forza"]), 1):
        lan.plug(host, second, "10.77.1.%d/24" % number)
    assert ways(remote.sees("tv@pronto.local", lambda p: ("eth1", 4) in ways(p)))
    assert tv.proc.poll() is None


@pytest.mark.parametrize("kind", ["embedded", "daemon"])
def test_ipv6_only(kind):
    with Lan("pronto", "forza", ipv4=False) as lan:
        tv = start(lan["pronto"], "tv", kind)
        remote = start(lan["forza"], "remote", "embedded")
        peer = remote.sees("tv@pronto.local", lambda p: ways(p))
        assert ways(peer) == {("eth0", 6): lan["pronto"].address6}
        tv.sees("remote@forza.local", lambda p: ways(p))


def test_loopback_alone():
    """Two engines on a machine without any network, and a third of the same name."""
    with Lan("pronto") as lan:
        host = lan["pronto"]
        host.ns.ip("link del eth0")
        tv = start(host, "tv", "embedded", interfaces="lo", port=5001)
        remote = start(host, "remote", "embedded", interfaces="lo", port=5002)
        assert ways(remote.sees("tv@pronto.local")) == {("lo", 4): "127.0.0.1"}
        tv.sees("remote@pronto.local")
        tv.published("tv@pronto")
        third = start(host, "tv", "embedded", interfaces="lo", port=5003)
        third.published("tv-1@pronto")
        assert remote.sees("tv-1@pronto.local")["ways"][0]["port"] == 5003
        tv.end()
        remote.loses("tv@pronto.local")


def test_host_name_taken(lan):
    """The machine's name is the host's business: another host name, the same instance."""
    lan["forza"].run(["hostname", "pronto"])
    tv = start(lan["pronto"], "tv", "embedded")
    tv.published("tv@pronto")
    remote = start(lan["forza"], "remote", "embedded", machine="forza")
    remote.published("remote@forza")
    peer = tv.sees("remote@forza.local", lambda p: ("eth0", 4) in ways(p))
    assert peer["host"] == "pronto-2.local" and ways(peer)["eth0", 4] == lan["forza"].address
    assert ways(remote.sees("tv@pronto.local"))["eth0", 4] == lan["pronto"].address


class Raw:
    """The raw announcer."""

    def __init__(self, host):
        self.proc = host.popen(ZEROCONF + ["--raw", "eth0"], name="raw", stdin=subprocess.PIPE)
        self.proc.wait_for("^ready")

    def say(self, name, txt=b"\0", **more):
        name = name if isinstance(name, bytes) else name.encode()
        self.proc.send_line(json.dumps(dict(more, name=name.hex(), txt=txt.hex())))


def test_hostile_names_and_records():
    with Lan("pronto", "forza", "evil") as lan:
        evil = lan["evil"].address
        probes = [start(lan["pronto"], "tv", "embedded"), start(lan["forza"], "remote", "daemon")]
        raw = Raw(lan["evil"])
        long = ("ä" * 30 + "@mm").encode()
        assert len(long) == 63
        for name in ("plain", "no machine@", "@nouser", "red\x1b[31m@evil", "new\nline@evil",
                     "a@b@\u00e4", "x" * 63):
            raw.say(name, a=evil)
        raw.say("tv@example.org", a=evil)
        raw.say("a b&c@evil", a=evil)
        raw.say(long, a=evil)
        raw.say("long@evil", (b"\xff" + b"x" * 255) * 5 + b"\x06nick=a", a=evil)
        raw.say("end@evil", b"\x06nick=a\xffx", a=evil)
        raw.say("ctrl@evil", b"\x0bnick=\x1b[31mA\x06last=B", a=evil)
        raw.say("lo@evil", a="127.0.0.1", host="lo-evil")
        raw.say("multi@evil", a="224.0.0.1", host="multi-evil")
        raw.say("port@evil", a=evil, port=0)
        raw.say("last@evil", a=evil)
        for probe in probes:
            probe.sees("last@evil.local")
            probe.sees("tv@example.org.local")
            probe.sees("a\\20b\\26c@evil.local")
            probe.sees("ä" * 30 + "@mm.local")
            assert probe.sees("ctrl@evil.local")["txt"]["last"] == "B"
            assert probe.peer("ctrl@evil.local")["txt"]["nick"] == ""
            probe.sees("long@evil.local")
            for name in ("lo@evil", "multi@evil", "port@evil", "plain", "no machine@"):
                assert probe.peer(name + ".local") is None
            assert "\x1b" not in probe.proc.output()
            assert probe.count(r"^warning: plain: refused: ") == 1
            assert probe.count(r"^warning: red\\x1b\[31m@evil: refused: ") == 1
            assert probe.count(r"^warning: long@evil.local: TXT record") == 1
        # Before the names that no UTF-8 decoder takes: a bus may not carry those at all.
        raw.say(b"\xff\xfe@evil", a=evil)
        raw.say(b"nul\0@evil", a=evil)
        for i in range(100):
            raw.say("junk %d" % i, a=evil)
        raw.say("after@evil", a=evil)
        probes[0].sees("after@evil.local")
        assert 5 <= probes[0].count("^warning: .*: refused: ") <= 32
        probes[0].end()


@pytest.mark.parametrize("kind", ["embedded", "daemon"])
def test_peer_that_stops_answering_and_is_back(lan, kind):
    """Its address times out, its name does not: a peer without ways until it answers again."""
    tv = start(lan["pronto"], "tv", kind)
    raw = Raw(lan["forza"])
    for _ in range(2):
        raw.say("juliet@capulet", a=lan["forza"].address, ttl=2, txt=b"\x06nick=J")
    tv.sees("juliet@capulet.local", lambda p: ("eth0", 4) in ways(p))
    peer = tv.sees("juliet@capulet.local", lambda p: not ways(p), timeout=15)
    assert peer["txt"]["nick"] == "J" and tv.count("^lost juliet") == 0
    raw.say("juliet@capulet", a=lan["forza"].address, ttl=120)
    tv.sees("juliet@capulet.local", lambda p: ("eth0", 4) in ways(p))
    raw.say("juliet@capulet", bye=True)
    tv.loses("juliet@capulet.local")


def test_daemon_with_few_objects(lan):
    """Every peer gets one way before any has two, and the log says what is missing, once."""
    host = lan["pronto"]
    host.start_avahi(objects_per_client_max=12)
    raw = Raw(lan["forza"])
    tv = Probe(host, "tv", "daemon")
    tv.published("tv@pronto")
    for i in range(9):
        raw.say("u%d@m" % i, a=lan["forza"].address, aaaa=lan["forza"].address6)
    for i in range(9):
        tv.sees("u%d@m.local" % i)
    raw.say("more@m", a=lan["forza"].address, aaaa=lan["forza"].address6)
    tv.sees("more@m.local")
    assert tv.count("^warning: .*Too many objects") == 1
    raw.say("tenth@m", a=lan["forza"].address, aaaa=lan["forza"].address6)
    raw.say("u0@m", bye=True)
    tv.loses("u0@m.local")
    tv.sees("tenth@m.local")


def test_sleeps_at_rest(lan):
    """Nothing of ours wakes up while nothing happens."""
    host = lan["pronto"]
    tv = start(host, "tv", "daemon")
    remote = start(lan["forza"], "remote", "embedded")
    remote.sees("tv@pronto.local", lambda p: len(ways(p)) == 2)
    tv.sees("remote@forza.local", lambda p: len(ways(p)) == 2)

    def switches():
        with open("/proc/%d/status" % tv.proc.pid, encoding="ascii") as f:
            return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", f.read(), re.M)[1])

    def still():
        before = switches()
        signal.sigtimedwait([], 2)
        return switches() - before <= 1

    wait_until(still, 12, "two seconds without a wake-up")
