# SPDX-License-Identifier: ISC
"""test_box.py: the boxes themselves: what other tests rely on without looking."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import textwrap

import pytest

import box
from ns import inhabitants, wait_until

SENDER = """
import socket, sys
data = bytes(i * i % 251 for i in range(200000))
s = socket.create_connection((sys.argv[1], 5555), timeout=60)
s.sendall(data)
s.shutdown(socket.SHUT_WR)
s.recv(1)
"""
RECEIVER = """
import hashlib, socket
s = socket.create_server(("0.0.0.0", 5555))
print("listening", flush=True)
c = s.accept()[0]
h = hashlib.sha256()
n = 0
while data := c.recv(65536):
    h.update(data)
    n += len(data)
print(n, h.hexdigest(), flush=True)
"""


def rtts(host, target, count=5):
    """Round-trip times in ms; the first packet, which waits for ARP, is left out. A link adds what it
    was told to; what a busy machine adds to one or the other is not its business."""
    out = host.run(["ping", "-c%d" % (count + 1), "-i0.2", target]).stdout
    return [float(t) for t in re.findall(r"time=([\d.]+)", out)][1:]


def reaches(host, target):
    return host.run(["ping", "-c1", "-W2", target], check=False).returncode == 0


def test_hosts_are_apart_and_know_each_other(lan):
    pronto, forza = lan["pronto"], lan["forza"]
    assert pronto.run(["hostname"]).stdout == "pronto\n"
    assert reaches(forza, "pronto") and reaches(forza, pronto.address)
    assert reaches(forza, pronto.address6 + "%eth0")
    assert reaches(pronto, "127.0.0.1"), "lo is down"
    pronto.run(["touch", "/run/only-here"])
    assert os.path.exists(pronto.path("/run/only-here"))
    assert not os.path.exists(forza.path("/run/only-here"))
    assert not os.path.exists("/run/only-here")
    routes = pronto.run(["ip", "route"]).stdout
    assert "default" not in routes, "a LAN must have no way out"


def test_cable_pulled_and_put_back(lan):
    forza = lan["forza"]
    forza.cut()
    wait_until(lambda: "NO-CARRIER" in forza.run(["ip", "link", "show", "eth0"]).stdout)
    assert not reaches(forza, "pronto")
    forza.restore()
    wait_until(lambda: reaches(forza, "pronto"))
    forza.cut(silent=True)
    assert "NO-CARRIER" not in forza.run(["ip", "link", "show", "eth0"]).stdout
    assert not reaches(forza, "pronto")
    forza.restore()
    wait_until(lambda: reaches(forza, "pronto"))


def test_several_bridges_and_families():
    with box.Lan("pronto", "forza", "solo", nets={"pronto": "ab", "solo": "b"}) as lan:
        assert [p.address for p in lan["pronto"].plugs] == ["10.77.0.1", "10.77.1.1"]
        assert reaches(lan["forza"], "10.77.0.1")
        assert reaches(lan["solo"], "10.77.1.1")
        assert not reaches(lan["solo"], lan["forza"].address)
    with box.Lan("pronto", "forza", ipv6=False) as lan:
        assert lan["pronto"].address6 is None and reaches(lan["forza"], "pronto")
    with box.Lan("pronto", "forza", ipv4=False) as lan:
        assert lan["pronto"].address is None
        assert reaches(lan["forza"], lan["pronto"].address6 + "%eth0")


def test_delay_is_what_was_asked(slow_lan):
    slow_lan.set(delay=30)
    slow = rtts(slow_lan["forza"], "pronto")
    assert len(slow) == 5 and 60 <= min(slow) < 80, slow
    slow_lan.set(delay=0)
    fast = rtts(slow_lan["forza"], "pronto")
    assert min(fast) < 20, fast
    slow_lan.set(delay=20, jitter=20)
    shaken = rtts(slow_lan["forza"], "pronto", 15)
    assert min(shaken) >= 40 and max(shaken) - min(shaken) > 8, shaken


def test_loss_is_counted_and_repeats_with_its_seed():
    def lost(seed):
        with box.Lan("pronto", "forza", loss=30, seed=seed, ipv6=False) as lan:
            for a, b in (("pronto", "forza"), ("forza", "pronto")):     # no ARP in the count
                mac = re.search(r"ether (\S+)", lan[b].run(
                    ["ip", "link", "show", "eth0"]).stdout).group(1)
                lan[a].ns.ip("neigh replace %s lladdr %s dev eth0 nud permanent" % (
                    lan[b].address, mac))
            out = lan["forza"].run(["ping", "-c100", "-i0.002", "-W3", "pronto"], check=False)
            seen = re.findall(r"icmp_seq=(\d+)", out.stdout)
            stats = lan.links[1].stats()["ab"]
            assert stats["in"] >= 100 and stats["lost"] == stats["in"] - stats["out"]
            return seen
    first = lost(7)
    assert 25 <= len(first) <= 75, "30 % each way leaves about 49 of 100: %d" % len(first)
    assert lost(7) == first
    assert lost(8) != first


@pytest.mark.parametrize("loss, jitter", [(0, 0), (5, 3)])
def test_tcp_arrives_intact(slow_lan, loss, jitter):
    slow_lan.set(delay=2, loss=loss, jitter=jitter)
    data = bytes(i * i % 251 for i in range(200000))
    receiver = slow_lan["pronto"].popen([sys.executable, "-c", RECEIVER])
    receiver.wait_for("listening")
    slow_lan["forza"].run([sys.executable, "-c", SENDER, slow_lan["pronto"].address], timeout=60)
    want = "%d %s" % (len(data), hashlib.sha256(data).hexdigest())
    assert receiver.wait(60) == 0 and want in receiver.output()
    if loss:
        assert slow_lan.links[1].stats()["ab"]["lost"] > 0


def test_rate_holds(slow_lan):
    slow_lan.set(rate=800)      # 100 kB/s
    big = rtts_of_size(slow_lan["forza"], 1400)
    assert big >= 28, "1442 bytes twice at 800 kbit/s take 28.8 ms: %g" % big


def rtts_of_size(host, size):
    out = host.run(["ping", "-c6", "-i0.2", "-s%d" % size, "pronto"]).stdout
    return sorted(float(t) for t in re.findall(r"time=([\d.]+)", out))[0]


def test_link_refuses_nonsense(slow_lan):
    for text in ("loss 101", "delay -1", "delay x", "delay", "limit 0", "cut 3", "", "ab",
                 "fly 3", "delay nan"):
        with pytest.raises(box.CommandFailed, match="error"):
            slow_lan.links[0].command(text)
    assert reaches(slow_lan["forza"], "pronto")


def test_homes_fail_independently(homes):
    remote = homes["remote"]
    assert min(rtts(remote, "box")) < 20
    assert 160 <= min(rtts(remote, "server")) < 200
    homes.cut_lan()
    assert not reaches(remote, "box") and reaches(remote, "server")
    assert not reaches(remote, homes["box"].plugs[1].address), "routers must not join hosts"
    homes.restore_lan()
    homes.cut_wan()
    wait_until(lambda: reaches(remote, "box"))
    assert not reaches(remote, "server")
    homes.restore_wan()
    assert reaches(remote, "server")
    homes.slow_lan(200)
    assert 400 <= min(rtts(remote, "box")) < 440
    assert 160 <= min(rtts(remote, "server")) < 200


def test_two_homes_are_behind_their_routers():
    with box.TwoHomes(a=["remote"], b=["box"], delay=10) as homes:
        assert reaches(homes["remote"], "server") and reaches(homes["box"], "server")
        assert not reaches(homes["remote"], homes["box"].address)
        assert not reaches(homes["remote"], "203.0.113.2"), "a router answers nobody outside"
        listener = homes.server.popen([sys.executable, "-uc", textwrap.dedent("""
            import socket
            s = socket.create_server(("0.0.0.0", 7))
            print("up")
            print(s.accept()[1][0])""")])
        listener.wait_for("up")
        homes["remote"].run([sys.executable, "-c",
                             "import socket; socket.create_connection(('server', 7), 5)"])
        listener.wait_for(r"^203\.0\.113\.1$")      # masqueraded


def test_avahi_daemons_find_each_other(lan):
    for host in lan.hosts.values():
        host.start_avahi()
    lan["pronto"].popen(["avahi-publish", "-s", "tv@pronto", "_presence._tcp", "5298"])
    browser = lan["forza"].popen(["stdbuf", "-oL", "avahi-browse", "-rp", "_presence._tcp"])
    browser.wait_for(r"^=;eth0;IPv4;tv.*pronto\.local;10\.77\.0\.1;5298", 15)


class Spaces:
    """Network namespaces, kept open: the number of one that is gone may soon be another's."""

    def __init__(self, pids):
        self.fds = [os.open("/proc/%s/ns/net" % pid, os.O_RDONLY) for pid in pids]
        self.ids = {(st.st_dev, st.st_ino) for st in map(os.fstat, self.fds)}

    @classmethod
    def of(cls, one):
        return cls(s.pid for s in [h.ns for h in one.hosts.values()] + list(one.bridges.values()))

    def count(self):
        return len(inhabitants(self.ids))

    def close(self):
        for fd in self.fds:
            os.close(fd)


def test_nothing_is_left_also_of_stubborn_daemons():
    with box.Lan("pronto", "forza", emulated=True) as lan:
        spaces, scratch = Spaces.of(lan), lan.dir
        lan["pronto"].start_avahi()
        deaf = lan["forza"].popen(["setsid", "--fork", "sh", "-c",
                                   "trap '' TERM INT HUP; echo here; while :; do sleep 1; done"])
        # The process that we know may be over before its child has said anything.
        wait_until(lambda: "here" in deaf.output(), 20, "a daemon that listens to nothing")
        assert spaces.count() >= 7
    assert spaces.count() == 0 and not os.path.exists(scratch)
    spaces.close()


def test_nothing_is_left_after_an_exception():
    with pytest.raises(ZeroDivisionError):
        with box.TwoHomes(a=["remote", "box"]) as homes:
            spaces, scratch = Spaces.of(homes), homes.dir
            1 // 0
    assert spaces.count() == 0 and not os.path.exists(scratch)
    spaces.close()


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_after_a_signal(sig):
    code = textwrap.dedent("""
        import sys, time
        sys.path.insert(0, %r)
        import box
        with box.Lan("pronto", "forza", emulated=True) as lan:
            lan["pronto"].start_avahi()
            lan["forza"].popen(["sleep", "1000"])
            print(lan.dir, *[s.pid for s in [lan["pronto"].ns, lan["forza"].ns] +
                             list(lan.bridges.values())], flush=True)
            time.sleep(1000)
        """) % os.path.dirname(box.__file__)
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    scratch, *pids = child.stdout.readline().split()
    spaces = Spaces(pids)
    assert spaces.count() >= 7
    child.send_signal(sig)
    child.communicate()
    wait_until(lambda: not spaces.count() and not os.path.exists(scratch), 20, "clean-up")
    spaces.close()


def test_two_boxes_side_by_side():
    with box.Lan("pronto", "forza") as one, box.Lan("pronto", "forza") as two:
        assert reaches(one["forza"], "pronto") and reaches(two["forza"], "pronto")
        one["pronto"].cut()
        assert not reaches(one["forza"], "pronto") and reaches(two["forza"], "pronto")
