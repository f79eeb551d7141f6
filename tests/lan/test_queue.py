# SPDX-License-Identifier: ISC
"""test_queue.py: messages for those who are not there: on the disk before the command returns, once and
in order when they appear, whoever is killed in between."""

import os
import re
import time

import pytest

from box import TwoHomes
from daemon import Daemon
from ns import wait_until
from purple import Purple
from servers import Ejabberd

TV, SOFA = "tv@pronto.local", "sofa@forza.local"

CONF = """
[engine]
name = %s
[lan]
user = %s
mdns = embedded
[player]
kind = none
"""


def bodies(*listeners):
    """What they heard, in order."""
    return [text for one in listeners
            for text in re.findall(r"<body>([^<]*)</body>", one.output())]


def numbers(*listeners):
    return [int(text[1:]) for text in bodies(*listeners) if re.fullmatch(r"n\d+", text)]


def lines(first, count):
    return "".join("n%d\n" % i for i in range(first, first + count))


def kill(daemon):
    daemon.proc.kill()
    daemon.proc.wait(60)
    os.unlink(daemon.host.path(daemon.socket))


def crash(daemon):
    """kill -9, and another one in its place."""
    kill(daemon)
    daemon.start()


class Queue:
    """A sender, and room for a receiver who is not there."""

    def __init__(self, lan):
        self.lan = lan
        self.sofa = Daemon(lan["forza"], CONF % ("forza", "sofa"))
        self.tv = Daemon(lan["pronto"], CONF % ("pronto", "tv"), start=False)
        self.ears = []

    def trust(self):
        """The receiver remembers across restarts what came from those who prove who they are."""
        self.tv.start()
        for one, other, address in ((self.sofa, self.tv, TV), (self.tv, self.sofa, SOFA)):
            key = next(row["key"] for row in other.cli("trust", "--json").rows if row["own"])
            answer = one.cli("trust", address, key)
            assert answer.code == 0, answer
        self.tv.stop()

    def listen(self):
        """A program that gets messages, of a daemon that has just been started."""
        ear = self.tv.follow("--socket", self.tv.socket, "stanza", "--listen",
                             name="listen%d" % len(self.ears))
        self.ears.append(ear)
        return ear

    def send(self, first, count, *more):
        begun = time.monotonic()
        answer = self.sofa.cli("send", "-l", "--queue", TV, *more, stdin=lines(first, count))
        assert answer.code == 0, answer
        return time.monotonic() - begun

    def waiting(self):
        answer = self.sofa.cli("queue", "--json")
        assert answer.code == 0, answer
        return answer.rows

    def wait_empty(self, seconds=60):
        wait_until(lambda: not self.waiting(), seconds,
                   lambda: "an empty queue; %d: %s" % (len(self.waiting()), self.waiting()[:2]),
                   step=0.1)

    def wait_heard(self, count, seconds=60):
        wait_until(lambda: len(numbers(*self.ears)) >= count, seconds,
                   lambda: "%d messages; %s; %s" % (count, numbers(*self.ears),
                                                    self.waiting()[:2]), step=0.02)

    def assert_once_in_order(self, count):
        got = numbers(*self.ears)
        lost = sorted(set(range(count)) - set(got))
        twice = sorted(n for n in set(got) if got.count(n) > 1)
        late = [b for a, b in zip(got, got[1:]) if b < a]
        assert not (lost or twice or late), "lost %s, twice %s, out of order %s" % (
            lost, twice, late)


@pytest.fixture
def queue(lan):
    return Queue(lan)


@pytest.fixture
def slow(slow_lan):
    """So slow that somebody can be killed in the middle."""
    slow_lan.set(delay=10)
    return Queue(slow_lan)


# --- stored, delivered ----------------------------------------------------------------------------

def test_delivered_when_the_peer_appears(queue):
    assert queue.send(0, 100) < 8     # who waits for the peer is given ten seconds
    assert queue.send(100, 1) < 8
    rows = queue.waiting()
    assert len(rows) == 101 and len({row["id"] for row in rows}) == 101
    assert {(row["to"], row["state"]) for row in rows} == {(TV, "waiting")}
    assert all(isinstance(row["bytes"], int) and abs(time.time() - row["taken_at"]) < 60
               for row in rows)
    crash(queue.sofa)
    assert [row["id"] for row in queue.waiting()] == [row["id"] for row in rows]
    queue.tv.start()
    queue.listen()
    queue.wait_heard(101)
    queue.assert_once_in_order(101)
    queue.wait_empty()
    # What is stored for somebody who is there leaves at once.
    queue.send(101, 20)
    queue.wait_heard(121, 5)
    queue.wait_empty(5)
    queue.assert_once_in_order(121)
    queue.sofa.stop()
    queue.tv.stop()


def test_nobody_listens_yet(queue):
    """A refusal that is about now is no end of it, and nothing overtakes it."""
    queue.tv.start()
    queue.sofa.wait_peer(TV)
    queue.send(0, 30)
    wait_until(lambda: queue.waiting()[0]["tries"] > 0, 30, queue.waiting)
    row = queue.waiting()[0]
    assert row["state"] == "waiting" and row["condition"] == "service-unavailable"
    assert "nobody is listening" in row["why"]
    assert "nobody is listening" in queue.sofa.cli("queue").out
    queue.listen()
    queue.wait_heard(30)
    queue.wait_empty()
    queue.assert_once_in_order(30)


@pytest.mark.timeout(240)
def test_sender_killed_while_it_leaves(slow):
    count = 900
    slow.tv.start()
    slow.listen()
    slow.sofa.wait_peer(TV)
    slow.send(0, count)
    killed = []
    for part in (1, 2, 3):
        slow.wait_heard(count * part // 5)
        kill(slow.sofa)
        killed.append(len(numbers(*slow.ears)))
        slow.sofa.start()
    assert killed[0] < count, killed
    slow.wait_heard(count)
    slow.wait_empty()
    slow.assert_once_in_order(count)


@pytest.mark.timeout(240)
def test_receiver_killed_while_it_comes(slow):
    count = 900
    slow.trust()
    slow.tv.start()
    slow.listen()
    slow.send(0, count)
    killed = []
    for part in (1, 2, 3):
        slow.wait_heard(count * part // 5)
        kill(slow.tv)
        slow.ears[-1].wait(60)
        killed.append(len(numbers(*slow.ears)))
        slow.tv.start()
        slow.listen()
    assert killed[0] < count, killed
    slow.wait_heard(count, 100)
    slow.wait_empty()
    slow.assert_once_in_order(count)


# --- the list -------------------------------------------------------------------------------------

def test_list_and_drop(queue):
    queue.send(0, 3)
    assert queue.sofa.cli("send", "--queue", "romeo@example.org/phone", "for", "you").code == 0
    rows = queue.waiting()
    assert [row["to"] for row in rows] == [TV] * 3 + ["romeo@example.org/phone"]
    assert len(queue.sofa.cli("queue", "--json", TV).rows) == 3
    out = queue.sofa.cli("queue").out
    assert out.splitlines()[0].split() == ["ID", "TO", "STATE", "SINCE", "BYTES", "TRIES", "WHY"]
    assert rows[0]["id"] in out
    answer = queue.sofa.cli("queue", "--drop", rows[1]["id"])
    assert answer.code == 0 and "1 dropped" in answer.out, answer
    assert [row["id"] for row in queue.waiting()] == [rows[i]["id"] for i in (0, 2, 3)]
    answer = queue.sofa.cli("queue", "--json", "--drop", "TV@pronto.local")
    assert answer.rows == [{"dropped": "TV@pronto.local", "count": 2}], answer
    assert queue.sofa.cli("queue", "--drop", "romeo@example.org/phone").code == 0
    assert queue.waiting() == []
    answer = queue.sofa.cli("queue", "--drop", "nothing")
    assert answer.code == 1 and "nothing is stored" in answer.err


def test_a_life_goes_on_while_it_waits(queue):
    answer = queue.sofa.cli("send", "--queue", "--expires", "0.5", TV, "quick")
    assert answer.code == 0, answer
    wait_until(lambda: queue.waiting()[0]["state"] == "failed", 10, queue.waiting, step=0.1)
    assert "life was over" in queue.waiting()[0]["why"]
    queue.send(0, 1)
    queue.tv.start()
    queue.listen()
    queue.wait_heard(1)
    assert bodies(*queue.ears) == ["n0"]
    assert [row["state"] for row in queue.waiting()] in (["failed"], ["failed", "waiting"])


def test_usage(queue):
    cli = queue.sofa.cli
    answer = cli("send", "--queue", "--path", "lan", TV, "x")
    assert answer.code == 2 and "--path" in answer.err
    answer = cli("--no-daemon", "send", "--queue", TV, "x")
    assert answer.code == 3 and "start earshotd" in answer.err, answer
    answer = cli("--no-daemon", "queue")
    assert answer.code == 3 and "start earshotd" in answer.err, answer
    assert cli("send", "--queue", "a@@b", "x").code == 2
    assert cli("queue", "--drop", "x", TV).code == 2
    kill(queue.sofa)
    answer = cli("send", "--queue", TV, "x")
    assert answer.code == 3 and "start earshotd" in answer.err, answer


# --- disks ----------------------------------------------------------------------------------------

def small_disk(queue, size="400k"):
    """The state directory on a file system of its own; the daemon is started anew."""
    host = queue.lan["forza"]
    queue.sofa.stop()
    host.run(["mkdir", "-p", "/run/small"])
    host.run(["mount", "-t", "tmpfs", "-o", "size=" + size, "tmpfs", "/run/small"])
    with open(host.path(queue.sofa.conf), "a", encoding="utf-8") as f:
        f.write("[engine]\nstate = /run/small/state\n")
    queue.sofa.start()
    return host


def test_full_disk(queue):
    host = small_disk(queue)
    queue.send(0, 5)
    host.run(["dd", "if=/dev/zero", "of=/run/small/filler", "bs=4k"], check=False)
    answer = queue.sofa.cli("send", "--queue", TV, "x" * 50000)
    assert answer.code == 3 and "No space left on device" in answer.err, answer
    assert "/run/small/state/spool.db" in answer.err and "make room" in answer.err
    answer = queue.sofa.cli("send", "-l", "--queue", TV, stdin=("x" * 9999 + "\n") * 20)
    assert answer.code == 3, answer
    assert len(queue.waiting()) == 5
    host.run(["rm", "/run/small/filler"])
    queue.send(5, 5)
    crash(queue.sofa)
    assert len(queue.waiting()) == 10
    queue.tv.start()
    queue.listen()
    queue.wait_heard(10)
    queue.wait_empty()
    queue.assert_once_in_order(10)


def test_read_only_disk(queue):
    host, spool = small_disk(queue), "/run/small/state/spool.db"
    host.run(["touch", spool])
    host.run(["mount", "--bind", spool, spool])
    host.run(["mount", "-o", "remount,bind,ro", spool])
    answer = queue.sofa.cli("send", "--queue", TV, "x")
    assert answer.code == 3 and "Read-only file system" in answer.err, answer
    host.run(["umount", spool])
    queue.send(0, 1)
    assert len(queue.waiting()) == 1


def test_too_much(queue):
    answer = queue.sofa.cli("send", "-l", "--queue", TV, stdin=lines(0, 1010), timeout=60)
    assert answer.code == 3 and "too much is stored for it" in answer.err, answer
    assert "--drop" in answer.err
    rows = queue.waiting()
    assert len(rows) == 1000
    assert queue.sofa.cli("queue", "--drop", TV).code == 0
    queue.send(0, 1)


def state_of(queue):
    return os.path.join(queue.lan["forza"].dir, ".local/state/earshot")


def test_damaged_and_of_a_later_version(queue):
    queue.send(0, 3)
    queue.sofa.stop()
    spool = os.path.join(state_of(queue), "spool.db")
    with open(spool, "r+b") as f:
        f.seek(4096)
        f.write(b"\xff" * 4096)
    queue.sofa.start()
    assert "error: %s: " % spool in queue.sofa.proc.output()
    assert os.path.exists(spool + ".bad")
    assert queue.waiting() == []
    queue.send(0, 2)
    queue.sofa.stop()
    with open(spool, "r+b") as f:
        f.seek(60)      # user_version
        f.write(b"\0\0\0\x63")
    queue.sofa.start()
    assert "a later earshotd has written it" in queue.sofa.proc.output()
    answer = queue.sofa.cli("send", "--queue", TV, "x")
    assert answer.code == 3 and "a later earshotd" in answer.err, answer
    assert queue.sofa.cli("queue").code == 3
    with open(spool, "r+b") as f:
        f.seek(60)
        f.write(b"\0\0\0\1")
    assert len(queue.waiting()) == 2


def test_locked(queue):
    queue.send(0, 1)
    queue.sofa.stop()
    spool = os.path.join(state_of(queue), "spool.db")
    holder = queue.lan["forza"].popen(["/usr/bin/python3", "-c", """
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1])
db.execute("PRAGMA locking_mode = EXCLUSIVE")
db.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
time.sleep(60)
""", spool])
    holder.wait_for("locked")
    queue.sofa.start()
    answer = queue.sofa.cli("send", "--queue", TV, "x")
    assert answer.code == 3 and "another process has it open" in answer.err, answer
    holder.kill()
    holder.wait(60)
    assert len(queue.waiting()) == 1
    queue.send(1, 1)
    assert len(queue.waiting()) == 2


# --- others ---------------------------------------------------------------------------------------

def test_purple_gets_it_at_most_once(queue):
    """It confirms nothing: what may have arrived is not sent again, also by a daemon that has been
    killed."""
    queue.tv = None
    host = queue.lan["pronto"]
    host.start_avahi()
    to = "alice@pronto.local"
    answer = queue.sofa.cli("send", "-l", "--queue", to, stdin=lines(0, 40))
    assert answer.code == 0, answer
    crash(queue.sofa)
    alice = Purple(host, "alice")
    alice.wait_for("^message sofa@forza n20$", 60)
    crash(queue.sofa)
    assert len({row["id"] for row in queue.waiting()}) <= 40
    wait_until(lambda: all(row["state"] == "sent" for row in queue.waiting()), 60, queue.waiting,
               step=0.2)
    got = [int(text[1:]) for text in alice.messages("sofa@forza")]
    assert got == sorted(set(got)), got
    assert set(range(21)) <= set(got)
    answer = queue.sofa.cli("send", "--queue", to, "n99")
    assert answer.code == 0, answer
    alice.wait_for("^message sofa@forza n99$", 30)
    got = [int(text[1:]) for text in alice.messages("sofa@forza")]
    assert got == sorted(set(got)), got


SERVER = """
[engine]
name = %(name)s
[lan]
user = %(user)s
interfaces = eth0
mdns = embedded
[server]
kind = component
jid = %(name)s.example.test
host = 203.0.113.10
port = %(port)d
secret-file = /run/earshotd/secret
[player]
kind = none
"""


class Homes:
    """remote and box in one home, and a server outside that both are components of."""

    def __init__(self, net, more=None):
        self.net = net
        domains = {name: "%s.example.test" % name for name in ("remote", "box")}
        self.server = Ejabberd(domain="example.test", address="203.0.113.10",
                               components={d: "secret" for d in domains.values()},
                               prefix=net.server.ns.enter([]))
        both = {}
        for name, user in (("remote", "sofa"), ("box", "tv")):
            conf = SERVER % {"name": name, "user": user, "port": self.server.component_port}
            both[name] = Daemon(net[name], conf + (more or {}).get(name, ""), start=False)
            both[name].write("secret", "secret\n")
        self.remote, self.box = both["remote"], both["box"]

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.server.close()


BOTH = {"remote": """
[peer "box"]
address = tv@box.local
jid = box.example.test
""", "box": """
[peer "remote"]
address = sofa@remote.local
jid = remote.example.test
"""}


@pytest.mark.timeout(240)
def test_the_lan_goes_while_it_leaves():
    """Whoever is known to remember gets all of it once, by the server when the LAN is gone."""
    count = 600
    with TwoHomes(a=["remote", "box"], delay=20) as net, Homes(net, BOTH) as homes:
        remote, receiver, to = homes.remote, homes.box, "box.example.test"
        remote.start()
        receiver.start()
        ears = [receiver.follow("--socket", receiver.socket, "stanza", "--listen", name="listen")]
        remote.wait_chosen(to, "lan")
        assert remote.cli("send", "--queue", to, "n0").code == 0
        wait_until(lambda: numbers(*ears) == [0], 30, "the first")
        net.cut_lan()
        answer = remote.cli("send", "-l", "--queue", to, stdin=lines(1, count - 1))
        assert answer.code == 0, answer

        def waiting():
            return remote.cli("queue", "--json").rows
        wait_until(lambda: len(numbers(*ears)) >= count, 100,
                   lambda: "%s %s" % (numbers(*ears)[-1:], waiting()[:2]), step=0.2)
        wait_until(lambda: not waiting(), 60, waiting, step=0.2)
        assert numbers(*ears) == list(range(count))
        assert remote.chosen(to) == "server"


@pytest.mark.timeout(240)
def test_by_a_server_with_the_lan_gone():
    with TwoHomes(a=["remote", "box"], delay=20) as net:
        with Homes(net) as homes:
            remote, receiver = homes.remote, homes.box
            net.cut_lan()
            remote.start()
            to = "box.example.test"
            answer = remote.cli("send", "-l", "--queue", to, stdin=lines(0, 60))
            assert answer.code == 0, answer
            crash(remote)

            def waiting():
                return remote.cli("queue", "--json").rows
            assert len(waiting()) == 60
            receiver.start()
            ears = [receiver.follow("stanza", "--listen", name="listen")]
            wait_until(lambda: len(numbers(*ears)) >= 20, 60,
                       lambda: "%s %s" % (numbers(*ears), waiting()[:2]))
            crash(remote)
            wait_until(lambda: len(numbers(*ears)) >= 60, 150,
                       lambda: "%s %s" % (numbers(*ears), waiting()[:2]), step=0.2)
            assert numbers(*ears) == list(range(60))
            wait_until(lambda: all(row["state"] == "sent" for row in waiting()), 60, waiting,
                       step=0.2)


