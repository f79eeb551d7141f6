# SPDX-License-Identifier: ISC
"""ways.py: benchmarks of whole daemons between a LAN and a server: how soon a way is left when it dies,
and taken when it appears; how soon a press is answered; what many peers cost.

Each yields (name, unit, ours, floor, bar), ours and floor one value a run; two more words say
whether the bar is about their ratio, and whether it is to be reached at least.
"""

import contextlib
import io
import os
import re
import select
import socket
import statistics
import subprocess
import tempfile
import threading
import time

from box import Lan
from daemon import Daemon
from lab import BOX, lab
from ns import wait_until

RUNS = 5
DIES_BAR = 1.0          # s
APPEARS_BAR = 1.1       # round trips of the way that is left; a tenth is for the programs
SWITCH_BAR = 500        # msg/s at least
PRESS_BAR = 150         # ms
IDLE_BAR = 0.1          # per cent of a core
PEERS, SETTLE, IDLE = 1000, 85, 30      # so many; s until, and s that nothing happens


class Tail(threading.Thread):
    """When lines were written to a log, as seen at most a millisecond later."""

    def __init__(self, path, pattern):
        super().__init__(daemon=True)
        self.path, self.pattern = path, re.compile(pattern)
        self.found, self.done = [], False
        self.start()

    def run(self):
        with open(self.path, encoding="utf-8", errors="replace") as f:
            f.seek(0, os.SEEK_END)
            while not self.done:
                line = f.readline()
                if not line:
                    time.sleep(0.001)
                elif self.pattern.search(line):
                    self.found.append(time.monotonic())

    def stop(self):
        self.done = True
        self.join()


def took(history, link, since):
    """Of the messages that came by that link since then: when each was sent and how long it took."""
    sent = {e.number: e.at for e in history.of("sent")}
    return [(sent[e.number], e.at - sent[e.number]) for e in history.of("got")
            if e.at >= since and e.text == link]


@contextlib.contextmanager
def quiet_lab(**more):
    """A laboratory that tells its seed on standard error."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        with lab(**more) as made:
            yield made
    os.write(2, out.getvalue().encode())


def lan_dies():
    """Both ways carry 100 messages a second; the cable dies without a word. The slowest message of
    those that the server brought instead, beside what it takes by the server anyway. In the end
    every message must have come once and in order."""
    ours, floor = [], []
    with quiet_lab(rate=100) as made:
        for _ in range(RUNS):
            made.wait_ways("lan", "server")
            made.wait_more(50, "lan", 60)
            start = time.monotonic()
            made.net.cut_lan(silent=True)
            made.wait_more(100, "server", 60)
            steady = time.monotonic()
            made.wait_more(100, "server", 60)
            ours.append(max(t for h in made.histories for _, t in took(h, "server", start)))
            floor.append(statistics.median(t for h in made.histories
                                           for _, t in took(h, "server", steady)))
            made.net.restore_lan()
        made.finish()
    yield "lan-dies", "s", ours, floor, DIES_BAR


def first_by_lan(history, since):
    return min((e.at for e in history.of("got") if e.at >= since and e.text == "lan"), default=None)


def trip_by_server(daemon):
    """ms, as a program sees it, with everything else going on."""
    rows = daemon.cli("--json", "--path", "server", "ping", BOX, "-c", "7", "-i", "0.05").rows
    return statistics.median(row["rtt_us"] for row in rows if row.get("rtt_us")) / 1e3


def lan_appears():
    """They talk through the server; then the LAN is there. From the moment that the other end is
    proved on the direct stream to the first message by it, beside a round trip by the server, whose
    way has to be empty first so that nothing overtakes. All as programs see it."""
    ours, floor = [], []
    with quiet_lab(rate=200) as made:
        for _ in range(RUNS):
            made.net.cut_lan(silent=True)
            made.wait_more(100, "server", 60)
            wait_until(lambda: made.state(made.remote, "lan") != "up" and
                       made.state(made.box, "lan") != "up", 60, "the LAN given up")
            trip = trip_by_server(made.remote)
            tail = Tail(made.remote.proc.log, "encrypted, (proved|trusted)")
            since = time.monotonic()
            made.net.restore_lan()
            wait_until(lambda s=since: first_by_lan(made.there, s), 60, "the LAN used")
            tail.stop()
            used = first_by_lan(made.there, since)
            proved = max(at for at in tail.found if at <= used)
            ours.append((used - proved) * 1e3)
            floor.append(trip)
            made.wait_ways("lan", "server")
        made.finish()
    yield "lan-appears", "ms", ours, floor, APPEARS_BAR, True


# --- throughput ------------------------------------------------------------------------------------

FLOOD, MANY, WINDOW = 1e6, 4000, 100    # a second is more than anybody takes; of one run; under way


def flood(made, fault=None):
    """MANY each way as fast as they go with WINDOW under way, far below the queues' bounds; at the
    half of them the fault."""
    ends = [(p, h, p.number, h.count["got"]) for p, h in zip(made.programs, made.histories)]
    start = time.monotonic()
    while not all(h.count["got"] >= got + MANY for _, h, _, got in ends):
        for program, history, first, got in ends:
            assert history.count["error"] == 0, history.of("error")[0]
            program.send(FLOOD, first + min(MANY, history.count["got"] - got + WINDOW))
        if fault is not None and ends[0][1].count["got"] >= ends[0][3] + MANY // 2:
            fault()
            fault = None
        time.sleep(0.002)
        assert time.monotonic() < start + 100, [h.ways() for h in made.histories]
    return 2 * MANY / (time.monotonic() - start)


def switch():
    """Messages a second while the way changes once, from the LAN to the server, beside those without
    a change. A carrier that is lost is told by the kernel; nothing may be lost with it."""
    ours, floor = [], []
    with quiet_lab(rate=50) as made:
        for _ in range(RUNS):
            made.wait_ways("lan", "server")
            made.wait_more(20, "lan", 60)
            floor.append(flood(made))
            ours.append(flood(made, lambda: made.net.cut_lan(silent=False)))
            for program in made.programs:
                program.send(50)
            made.wait_more(20, "server", 60)
            made.net.restore_lan()
        made.finish()
    yield "switch", "msg/s", ours, floor, SWITCH_BAR, False, True


# --- presses ---------------------------------------------------------------------------------------

BUTTONS, CONTROL = "urn:earshot:buttons:0", "urn:earshot:control:0"
TV = "tv@pronto.local"
TV_CONF = """
[engine]
name = pronto
[lan]
user = tv
mdns = embedded
[player]
kind = demo
[policy]
buttons = anyone
"""
SOFA_CONF = """
[engine]
name = forza
[lan]
user = sofa
mdns = embedded
[player]
kind = none
"""


class Client:
    """A program at a daemon's socket that looks for patterns in what it gets."""

    def __init__(self, daemon):
        self.got, self.sock = b"", socket.socket(socket.AF_UNIX)
        with tempfile.TemporaryDirectory() as short:
            os.symlink(daemon.host.path(os.path.dirname(daemon.socket)), short + "/r")
            self.sock.connect(short + "/r/" + os.path.basename(daemon.socket))
        self.sock.sendall(b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
                          b"xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>")
        self.sock.sendall(("<iq type='set' id='w'><watch xmlns='%s'/></iq>" % CONTROL).encode())

    def wait(self, pattern, timeout=20):
        """When it came; what came before is forgotten."""
        end = time.monotonic() + timeout
        while (hit := re.search(pattern, self.got, re.DOTALL)) is None:
            ready, _, _ = select.select([self.sock], [], [], max(0, end - time.monotonic()))
            assert ready, "no %r in %r" % (pattern, self.got)
            self.got += self.sock.recv(65536)
        self.got = self.got[hit.end():]
        return time.monotonic()

    def press(self, ident):
        """When the player had obeyed."""
        self.sock.sendall(("<iq type='set' to='%s' id='%s'><press xmlns='%s' button='playpause'/></iq>"
                           % (TV, ident, BUTTONS)).encode())
        at = self.wait(rb"<iq [^>]*id=['\"]%s['\"][^>]*?>" % ident.encode())
        return at

    def close(self):
        self.sock.close()


ANNOUNCED = {"tv": rb"<event [^>]*address=['\"]tv@pronto.local['\"]",
             "sofa": rb"<event [^>]*address=['\"]sofa@forza.local['\"]"}


def warm(client):
    """The same press on the stream that is open then."""
    start = time.monotonic()
    return (client.press("warm") - start) * 1e3


def first_press_of_box(lan, tv):
    """The remote runs, the box starts: from its being announced to its obeying."""
    sofa = Daemon(lan["forza"], SOFA_CONF)
    sofa.proc.wait_for("on the LAN as")
    client = Client(sofa)
    tv.start()
    announced = client.wait(ANNOUNCED["tv"])
    ours = (client.press("first") - announced) * 1e3
    floor = warm(client)
    client.close()
    sofa.stop()
    tv.stop()
    return ours, floor


def first_press_of_remote(lan, tv):
    """The box is there, the remote starts: pressed as soon as the box is known, which is before the
    remote has a name on the LAN and the box knows that; from then to the answer."""
    tv.start()
    tv.proc.wait_for("on the LAN as")
    known = []
    waiting = threading.Thread(target=lambda: known.append(Client(tv).wait(ANNOUNCED["sofa"])))
    waiting.start()
    sofa = Daemon(lan["forza"], SOFA_CONF)
    client = Client(sofa)
    announced = client.wait(ANNOUNCED["tv"])
    answered = client.press("first")
    waiting.join()
    os.write(2, b"first-press-started: %.0f ms from the box's being known, %.0f ms from the remote's\n"
             % ((answered - announced) * 1e3, (answered - known[0]) * 1e3))
    ours = (answered - max(announced, known[0])) * 1e3
    floor = warm(client)
    client.close()
    sofa.stop()
    tv.stop()
    return ours, floor


def first_press():
    for name, once in (("first-press", first_press_of_box),
                       ("first-press-started", first_press_of_remote)):
        runs = []
        for _ in range(RUNS):
            with Lan("pronto", "forza") as lan:
                runs.append(once(lan, Daemon(lan["pronto"], TV_CONF, start=False)))
        ours, floor = zip(*runs)
        yield name, "ms", ours, floor, PRESS_BAR


# --- many peers -----------------------------------------------------------------------------------

CROWD = r"""
import select, socket, struct, sys, time

def name(*labels):
    return b"".join(bytes([len(l)]) + l for l in labels) + b"\0"

TYPE = (b"_presence", b"_tcp", b"local")
def record(owner, kind, data, flush):
    return owner + struct.pack(">HHIH", kind, 0x8001 if flush else 1, 4500, len(data)) + data

def records(i):
    host = name(b"host%04d" % i, b"local")
    instance = name(b"peer%04d@host%04d" % (i, i), *TYPE)
    texts = [b"txtvers=1", b"port.p2pj=5298", b"status=avail"]
    return [record(name(*TYPE), 12, instance, False),
            record(instance, 33, struct.pack(">HHH", 0, 0, 5298) + host, True),
            record(instance, 16, b"".join(bytes([len(t)]) + t for t in texts), True),
            record(host, 1, socket.inet_aton("10.77.%d.%d" % (i // 250 + 1, i % 250 + 1)), True)]

address, count = sys.argv[1], int(sys.argv[2])
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
sock.bind(("0.0.0.0", 5353))
sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
# Whoever is asked answers; here they all say it again until everybody has heard.
wait = 0
while not select.select([sys.stdin], [], [], wait)[0]:
    wait = 6
    for first in range(0, count, 6):
        answers = [r for i in range(first, min(first + 6, count)) for r in records(i)]
        sock.sendto(struct.pack(">6H", 0, 0x8400, 0, len(answers), 0, 0) + b"".join(answers),
                    ("224.0.0.251", 5353))
        time.sleep(0.01)
"""


def cpu_ns(pid):
    """Processor time of all threads."""
    total = 0
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/schedstat" % (pid, task), encoding="ascii") as f:
            total += int(f.read().split()[0])
    return total


def listed(daemon):
    rows = daemon.cli("--json", "peers").rows
    return sum(row["in_earshot"] for row in rows)


def idle_peers():
    """A daemon that hears of a thousand peers, real packets each, beside one that hears of none;
    when all are listed, what they still cost. The browser asks again after 1, 3, 7 … 63 s, then at
    distances that double up to an hour (RFC 6762 §5.2), and says whom it knows: with so many, half a
    second of processor time each time. Measured between two of these."""
    nets = {"tv": "a", "crowd": "a", "alone": "b", "nobody": "b"}
    with Lan(*nets, nets=nets) as lan:
        many, none = (Daemon(lan[name], TV_CONF) for name in ("tv", "alone"))
        for daemon in (many, none):
            daemon.proc.wait_for("on the LAN as")
        crowd = lan["crowd"].popen(["/usr/bin/python3", "-c", CROWD, lan["crowd"].address,
                                    PEERS], stdin=subprocess.PIPE)
        start = time.monotonic()
        wait_until(lambda: listed(many) == PEERS, 60, lambda: "%d listed" % listed(many), 0.5)
        crowd.stdin.close()
        crowd.wait(10)
        os.write(2, b"idle-peers-1000: all listed after %.1f s, %.0f ms of processor time\n" % (
            time.monotonic() - start, cpu_ns(many.proc.pid) / 1e6))
        time.sleep(SETTLE)
        runs = []
        for _ in range(RUNS):
            before = [cpu_ns(d.proc.pid) for d in (many, none)]
            time.sleep(IDLE / RUNS)
            runs.append([(cpu_ns(d.proc.pid) - n) / (IDLE / RUNS * 1e9) * 100
                         for d, n in zip((many, none), before)])
        assert listed(many) == PEERS, "%d are left" % listed(many)
        many.stop()
        none.stop()
    ours, floor = zip(*runs)
    yield "idle-peers-1000", "%", ours, floor, IDLE_BAR
