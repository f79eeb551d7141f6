# SPDX-License-Identifier: ISC
"""Two trusted devices in networks with a router between find each other through their server."""

import pytest

from campus import campus
from ns import wait_until
from strangers import full_jid, own_key, wait_level, wait_press


@pytest.fixture(params=["component", "account"])
def kind(request):
    return request.param


def meet(home, **more):
    remote = home.device("remote", "sofa", trusts=["box"], **more)
    box = home.device("box", "tv", trusts=["remote"], **more)
    return remote, box


def row_of(daemon, address):
    return next((r for r in daemon.cli("--json", "peers").rows if r["address"] == address), None)


def meet_directly(home, **more):
    remote, box = meet(home, **more)
    wait_level(remote, "tv@box.local", "trusted")
    wait_level(box, "sofa@remote.local", "trusted")
    return remote, box


def wait_quick(daemon, address):
    """A press goes straight there: the server is twice as far. A busy machine may be late with one."""
    took = []

    def is_quick():
        took.append(wait_press(daemon, address, "lan")["rtt_us"])
        return took[-1] < 20000
    wait_until(is_quick, 20, lambda: "a press that takes less than 20 ms: %s" % took, step=0.1)


def test_found_by_the_server(kind):
    with campus(kind, remote="a", box="b") as home:
        remote, box = meet_directly(home)
        wait_quick(remote, home.jid("box"))
        home.server.kill()      # from now on they need nobody
        wait_quick(box, home.jid("remote"))


def test_embedded_mdns_finds_nobody_here():
    """As everybody runs it: mDNS is on, and does not cross the router."""
    with campus("component", remote="a", box="b") as home:
        remote, _ = meet_directly(home, mdns="embedded")
        wait_quick(remote, home.jid("box"))


@pytest.mark.parametrize("family", ["4", "6"])
def test_one_family(family):
    with campus("account", family=family, remote="a", box="b") as home:
        remote, _ = meet_directly(home)
        wait_quick(remote, home.jid("box"))


def test_renumbered(kind):
    """It tells its new addresses, and is found there; nothing goes wrong meanwhile."""
    with campus(kind, remote="a", box="b") as home:
        remote, _ = meet_directly(home)
        wait_press(remote, home.jid("box"), "lan")
        home.renumber("box", 77)
        remote.proc.wait_for(r"tv@box.local: told by its server", 30, count=2)
        wait_press(remote, home.jid("box"), "lan")
        home.server.kill()
        wait_quick(remote, home.jid("box"))


def test_unreachable():
    """Behind a firewall: everything goes by the server, and nothing waits for dials."""
    with campus("component", remote="a", box="b") as home:
        home.router.run(["nft", "add table inet f; add chain inet f forward { type filter hook "
                         "forward priority 0; }; add rule inet f forward tcp dport 5298 drop"])
        remote, box = meet(home)
        remote.proc.wait_for(r"told by its server: it is", 30)
        box.proc.wait_for(r"told by its server: it is", 30)
        for _ in range(40):
            answer = remote.cli("--json", "press", home.jid("box"), "pause")
            assert answer.code == 0, answer
            row = answer.rows[-1]
            assert row["link"] == "server" and row["rtt_us"] < 500000, row
        # From now on they reach each other.
        home.router.run(["nft", "delete table inet f"])
        wait_press(remote, home.jid("box"), "lan", 60)


def test_gone_without_goodbye_or_with():
    with campus("component", remote="a", box="b") as home:
        remote, box = meet_directly(home)
        box.stop()
        remote.proc.wait_for(r"tv@box.local: says no more where it is", 10)
        assert "lan" not in [r["link"] for r in remote.cli("--json", "paths").rows
                             if r["state"] != "failed"]


def test_static_peer_without_a_server():
    """By a list whose first address is dead, and by a name; the names of others are not known."""
    peer = "[peer \"other\"]\naddress = %s\nhost = %s\n"
    with campus("component", remote="a", box="b") as home:
        dead = home.address(99, "b", "4")
        closed = "[%s]:9" % home.own("box", "6")
        home.kind = "none"
        remote = home.device("remote", "sofa", more=peer % (
            "tv@box.local", "%s, %s, box, nowhere.example" % (dead, closed)))
        box = home.device("box", "tv", more=peer % (
            "sofa@remote.local", "%s, %s" % (home.own("remote", "6"), home.own("remote", "4"))))
        wait_level(remote, "tv@box.local", "keyed")
        wait_level(box, "sofa@remote.local", "keyed")
        answer = remote.cli("--json", "ping", "-c", "1", "tv@box.local")
        assert answer.code == 0, answer


ADDRESSES = """<iq type='set' to='%s'><addresses xmlns='urn:earshot:addresses:0'
address='%s' port='5298' key='%s' life='3600'><ip>%s</ip></addresses></iq>"""


def tell(liar, to, address, key, ip):
    """What a device is answered that tells so over its server, as text."""
    xml = " ".join((ADDRESSES % (to, address, key, ip)).split())
    answer = liar.cli("--json", "--path", "server", "stanza", stdin=xml)
    return answer.out + answer.err


def test_liars(kind):
    """Who is not trusted is told nothing, and nobody speaks for another."""
    with campus(kind, remote="a", box="b", evil="b", mate="b") as home:
        remote = home.device("remote", "sofa", trusts=["box", "mate"])
        box = home.device("box", "tv", trusts=["remote"])
        mate = home.device("mate", "mate", trusts=["remote"])
        evil = home.device("evil", "evil", trusts=["remote"])
        for address in ("tv@box.local", "mate@mate.local"):
            wait_level(remote, address, "trusted")
        to = home.jid("remote") if kind == "component" else full_jid(remote)
        trap = home.own("evil", "4")
        answer = tell(evil, to, "evil@evil.local", own_key(evil), trap)
        assert "forbidden" in answer and home.own("remote", "4") not in answer, answer
        for key in (own_key(box), own_key(evil)):
            answer = tell(mate, to, "tv@box.local", key, trap)
            assert "error" in answer and home.own("remote", "4") not in answer, answer
        # Its own key, at another's name.
        answer = tell(mate, to, "tv@box.local", own_key(mate), trap)
        assert "conflict" in answer, answer
        assert "evil" not in remote.cli("peers").out
        wait_quick(remote, home.jid("box"))


def test_somebody_else_at_the_address():
    """Private addresses mean other hosts elsewhere: one that shows another key is left alone, and
    nobody is accused."""
    with campus("component", remote="a", box="b", other="b") as home:
        other = home.device("other", "tv", engine="box", more=(
            "[peer \"r\"]\naddress = sofa@remote.local\nhost = %s, %s\nport = 9\n" % (
                home.own("remote", "4"), home.own("remote", "6"))))
        remote = home.device("remote", "sofa", trusts=["box"])
        box = home.device("box", "tv", trusts=["remote"])
        home.router.run(["nft", "add table inet f; add chain inet f to { type nat hook prerouting "
                         "priority -100; }; add rule inet f to ip daddr %s tcp dport 5298 dnat ip "
                         "to %s; add rule inet f to ip6 daddr %s tcp dport 5298 dnat ip6 to %s; "
                         "add chain inet f in { type filter hook forward priority 0; }; add rule "
                         "inet f in ip saddr %s tcp dport 5298 drop; add rule inet f in ip6 saddr "
                         "%s tcp dport 5298 drop" % (
                             home.own("box", "4"), home.own("other", "4"), home.own("box", "6"),
                             home.own("other", "6"), home.own("box", "4"), home.own("box", "6"))])
        remote.proc.wait_for("told by its server", 30)
        remote.proc.wait_for("another device is at the addresses that it told", 30)
        assert "REFUSED" not in remote.proc.output()
        answer = remote.cli("--json", "press", home.jid("box"), "pause")
        assert answer.code == 0 and answer.rows[-1]["link"] == "server", answer
        home.router.run(["nft", "delete table inet f"])
        wait_press(remote, home.jid("box"), "lan", 60)
        assert other.proc.poll() is None and box.proc.poll() is None


def test_shown():
    with campus("component", remote="a", box="b") as home:
        remote, box = meet_directly(home)
        row = next(r for r in remote.cli("--json", "peers").rows if r["address"] == "tv@box.local")
        assert row["found"] == "told" and not row["in_earshot"], row
        assert remote.paths("tv@box.local")["lan"]["found"] == "told"
        doctor = remote.cli("doctor", "tv@box.local").out
        assert home.own("box", "4") in doctor and "server" in doctor, doctor
        box.stop()
        wait_until(lambda: all(r.get("found") != "told"
                               for r in remote.cli("--json", "peers").rows), 10, "its goodbye")


@pytest.mark.parametrize("first", ["told", "announced"])
def test_another_device_of_that_name(first):
    """It is announced here under the name that the trusted one has elsewhere: the key decides."""
    with campus("component", remote="a", box="b", twin="a") as home:
        remote = home.device("remote", "sofa", trusts=["box"], mdns="embedded")
        if first == "told":
            home.device("box", "tv", trusts=["remote"])
            wait_level(remote, "tv@box.local", "trusted")
        twin = home.device("twin", "tv", engine="box", mdns="embedded")
        remote.wait_peer("tv@box.local")
        if first == "announced":
            box = home.device("box", "tv", trusts=["remote"])
            box.proc.wait_for("told by its server", 30)
        for _ in range(20):
            answer = remote.cli("--json", "press", home.jid("box"), "pause")
            assert answer.code == 0, answer
        assert "policy.buttons" not in twin.proc.output()   # who trusts nobody says so of a press
        assert '"level": "trusted"' not in twin.cli("--json", "peers").out
