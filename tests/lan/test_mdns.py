# SPDX-License-Identifier: ISC
"""test_mdns.py: discovery on real mDNS: both kinds, python3-zeroconf, names, interfaces."""

import json
import re

from box import Lan, wait_until
from probe import Raw, foreign, start, ways

KINDS = {"pronto": "embedded", "forza": "daemon"}


def test_kinds_find_each_other():
    """Embedded and daemon, each with each; a changed record; goodbye."""
    names = {"pronto": "embedded", "forza": "daemon", "arden": "embedded", "tara": "daemon"}
    with Lan(*names) as lan:
        probes = {name: start(lan[name], "u", kind, port=5000 + n, txt="nick=" + name)
                  for n, (name, kind) in enumerate(names.items())}
        for here, probe in probes.items():
            probe.published("u@" + here)
            for n, (there, host) in enumerate(lan.hosts.items()):
                address = "u@%s.local" % there
                if here == there:
                    assert probe.count(re.escape(address)) == 0, "he is no peer of himself"
                    continue
                peer = probe.sees(address, lambda p: len(ways(p)) == 2)
                assert peer["instance"] == "u@" + there and peer["host"] == there + ".local"
                assert ways(peer) == {("eth0", 4): host.address, ("eth0", 6): host.address6}
                assert {w["port"] for w in peer["ways"]} == {5000 + n}
                assert [w["scope"] for w in peer["ways"] if w["family"] == 6] == \
                    [lan[here].plugs[0].index]
                assert peer["txt"]["nick"] == there and peer["txt"]["port"] == 5000 + n
        for name in ("pronto", "forza"):
            probes[name].proc.send_line("txt nick=Neu status=dnd")
        for there in ("pronto", "forza"):
            for here in ("arden", "tara"):
                probes[here].sees("u@%s.local" % there, lambda p: p["txt"]["nick"] == "Neu" and
                                  p["txt"]["status"] == "dnd")
                assert probes[here].count("^found u@%s.local" % there) == 1
        for there in ("pronto", "forza"):
            probes[there].end()
            for here in ("arden", "tara"):
                probes[here].loses("u@%s.local" % there)


def test_foreign_stack():
    """python3-zeroconf publishes and browses; both directions, change, goodbye."""
    with Lan("pronto", "forza", "arden") as lan:
        probes = {name: start(lan[name], "tv", kind, txt="nick=Box")
                  for name, kind in KINDS.items()}
        other = foreign(lan["arden"], "juliet@capulet", 5562, "nick=JuliC", "status=away")
        for name, probe in probes.items():
            seen = json.loads(other.wait_for(r"^added tv@%s (.*)$" % name)[1])
            assert seen["port"] == 5298 and lan[name].address in seen["addresses"]
            txt = bytes.fromhex(seen["txt"])
            assert txt.startswith(b"\x09txtvers=1\x08nick=Box\x0eport.p2pj=5298"), txt
            peer = probe.sees("juliet@capulet.local", lambda p: ("eth0", 4) in ways(p))
            assert ways(peer)["eth0", 4] == lan["arden"].address
            assert (peer["txt"]["nick"], peer["txt"]["status"]) == ("JuliC", "away")
            assert peer["ways"][0]["port"] == 5562

        def record_of(name):
            lines = re.findall(r"^(?:added|updated) tv@%s (.*)\n" % name, other.output(), re.M)
            return bytes.fromhex(json.loads(lines[-1])["txt"])

        other.send_line("txt nick=Julia msg=Romeo")
        for name, probe in probes.items():
            probe.sees("juliet@capulet.local", lambda p: p["txt"]["nick"] == "Julia")
            probe.proc.send_line("txt nick=Neu")
        for name in probes:
            wait_until(lambda: b"\x08nick=Neu" in record_of(name), 20, other.output)
        probes["pronto"].end()
        other.wait_for("^removed tv@pronto")
        other.stdin.close()
        other.stdin = None
        probes["forza"].loses("juliet@capulet.local")


def test_collision_renames_the_user():
    """XEP-0174 §3: -1, -2 behind the user; and who holds the name is a peer like any other."""
    with Lan("pronto", "forza", "arden") as lan:
        foreign(lan["arden"], "tv@pronto", 5562)
        first = start(lan["pronto"], "tv", "daemon")
        first.published("tv-1@pronto")
        second = start(lan["forza"], "tv", "embedded", machine="pronto")
        second.published("tv-2@pronto")
        for probe, others in ((first, ("tv", "tv-2")), (second, ("tv", "tv-1"))):
            for other in others:
                probe.sees(other + "@pronto.local")
        assert first.peer("tv@pronto.local")["ways"][0]["port"] == 5562
        assert first.count("^published tv@pronto") == 0


def test_two_interfaces_one_peer():
    with Lan(*KINDS, nets={name: "ab" for name in KINDS}) as lan:
        tv, remote = (start(lan[name], "u", kind) for name, kind in KINDS.items())
        for probe, there in ((tv, lan["forza"]), (remote, lan["pronto"])):
            peer = probe.sees("u@%s.local" % there.name, lambda p: len(ways(p)) == 4)
            assert ways(peer) == {("eth%d" % i, family): address for i in (0, 1) for family, address
                                  in ((4, there.plugs[i].address), (6, there.plugs[i].address6))}
            assert all(w["scope"] == probe.host.plugs[int(w["interface"][-1])].index
                       for w in peer["ways"] if w["family"] == 6)
        for probe, there in ((tv, "forza"), (remote, "pronto")):
            probe.host.ns.ip("link set dev eth1 down")
            probe.sees("u@%s.local" % there, lambda p: {i for i, _ in ways(p)} == {"eth0"})
            assert probe.count("^found u@%s.local" % there) == 1
            assert probe.count("^lost u@%s.local" % there) == 0


def test_only_named_interfaces():
    """Nothing is published or browsed on others, and a named one is taken up when it comes."""
    with Lan(*KINDS, "arden", nets={"arden": "ab"}) as lan:
        remote = start(lan["arden"], "remote", "embedded")
        probes = [start(lan[name], "tv", kind, interfaces="eth7, eth1")
                  for name, kind in KINDS.items()]
        remote.published("remote@arden")
        for number, name in enumerate(KINDS, 7):
            lan.plug(lan[name], lan.bridges["b"], "10.77.1.%d/24" % number, "eth1")
        for number, probe in enumerate(probes, 7):
            name = probe.host.name
            probe.published("tv@" + name)
            peer = remote.sees("tv@%s.local" % name, lambda p: len(ways(p)) == 2)
            assert {i for i, _ in ways(peer)} == {"eth1"}
            assert ways(peer)["eth1", 4] == "10.77.1.%d" % number
            peer = probe.sees("remote@arden.local", lambda p: len(ways(p)) == 2)
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


def test_ipv6_only():
    with Lan(*KINDS, ipv4=False) as lan:
        tv, remote = (start(lan[name], "u", kind) for name, kind in KINDS.items())
        peer = remote.sees("u@pronto.local", ways)
        assert ways(peer) == {("eth0", 6): lan["pronto"].address6}
        assert ways(tv.sees("u@forza.local", ways)) == {("eth0", 6): lan["forza"].address6}


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
        raw.say("long@evil", b"\x06nick=a" + (b"\xff" + b"x" * 255) * 6, a=evil)
        raw.say("twice@evil", b"\x06nick=a\x06NICK=b\x06nick=c", a=evil)
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
            assert probe.sees("twice@evil.local")["txt"]["nick"] == "a"
            assert probe.sees("long@evil.local")["txt"]["nick"] == "a"
            for name in ("lo@evil", "multi@evil", "port@evil", "plain", "no machine@"):
                assert probe.peer(name + ".local") is None
            assert "\x1b" not in probe.proc.output()
            assert probe.count(r"^warning: plain: refused: ") == 1
            assert probe.count(r"^warning: red\\x1b\[31m@evil: refused: ") == 1
            assert probe.count(r"^warning: long@evil.local: TXT record") == 1
        # What is no UTF-8 comes last: it is the daemon's own business whether it survives that.
        raw.say(b"\xff\xfe@evil", a=evil)
        raw.say(b"nul\0@evil", a=evil)
        for i in range(100):
            raw.say("junk %d" % i, a=evil)
        raw.say("after@evil", a=evil)
        probes[0].sees("after@evil.local")
        assert 5 <= probes[0].count("^warning: .*: refused: ") <= 32
        probes[0].end()


def test_peer_that_stops_answering_and_is_back():
    """Its address times out, its name does not: a peer without ways until it answers again."""
    with Lan(*KINDS, "arden") as lan:
        probes = [start(lan[name], "tv", kind) for name, kind in KINDS.items()]
        raw = Raw(lan["arden"])
        for _ in range(2):
            raw.say("juliet@capulet", a=lan["arden"].address, ttl=2, txt=b"\x06nick=J")
        for probe in probes:
            probe.sees("juliet@capulet.local", lambda p: ("eth0", 4) in ways(p))
        for probe in probes:
            peer = probe.sees("juliet@capulet.local", lambda p: not ways(p), timeout=15)
            assert peer["txt"]["nick"] == "J" and probe.count("^lost juliet") == 0
        raw.say("juliet@capulet", a=lan["arden"].address, ttl=120)
        for probe in probes:
            probe.sees("juliet@capulet.local", lambda p: ("eth0", 4) in ways(p))
        raw.say("juliet@capulet", bye=True)
        for probe in probes:
            probe.loses("juliet@capulet.local")
