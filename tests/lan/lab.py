# SPDX-License-Identifier: ISC
"""lab.py: the fault laboratory: two trusted engines with a LAN and a server between them, numbered
messages in both directions, and everything that can go wrong with the ways.

    with lab(rate=100) as made:
        made.cut_lan(3)             # seconds; back again afterwards
        made.finish()               # every message arrived once and in order, or it says which did not

Faults end healed. A test whose promise allows errors says finish(errors=True). With EARSHOT_LOGS=DIR
everything that the daemons wrote is kept there when a test fails, and what happened to each message.
"""

import contextlib
import os
import random
import re
import subprocess
import time

from box import TwoHomes
from ns import PATIENCE, wait_until
from servers import Ejabberd
from strangers import DOMAIN, Street
from traffic import History, Program, judge, unfinished

REMOTE, BOX = "remote." + DOMAIN, "box." + DOMAIN
DELAY = 20      # ms between each home and the server
LAST_MOMENT = 1.0   # s before the end of a daemon: what it was given then may be gone with it
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


def seed_of():
    """EARSHOT_SEED, or a new one."""
    return int(os.environ.get("EARSHOT_SEED", random.SystemRandom().randrange(1, 1 << 31)))


class SmallDisk(Ejabberd):
    """ejabberd whose data base and log are on a disk of their own, of four megabytes."""

    def configure(self):
        super().configure()
        disk = self.path("spool")
        os.mkdir(disk)
        os.symlink(self.path("spool", "server.log"), self.path("server.log"))
        self.inside("mount", "-t", "tmpfs", "-o", "size=4m,mode=777", "tmpfs", disk)

    def inside(self, *command):
        return subprocess.run(self.prefix + list(command), capture_output=True, text=True,
                              check=True).stdout

    def fill(self):
        """Not a byte is left."""
        subprocess.run(self.prefix + ["sh", "-c", "cat /dev/zero >" + self.path("spool", "full")],
                       capture_output=True, check=False)
        assert self.inside("df", "--output=avail", self.path("spool")).split()[-1] == "0"

    def empty(self):
        self.inside("rm", self.path("spool", "full"))

    def own(self):
        """The log is a link that leads nowhere out here."""
        link = self.path("server.log")
        target = os.readlink(link)
        os.unlink(link)
        super().own()
        os.symlink(target, link)


class Clock:
    """The wall clock of one host's programs: libfaketime, which leaves the monotonic one alone."""

    def __init__(self, host):
        self.file = os.path.join(host.dir, "clock")
        self.set(0)

    def wrap(self):
        assert os.path.exists(FAKETIME), "no libfaketime: run tools/dev/deps check"
        return ["env", "LD_PRELOAD=" + FAKETIME, "FAKETIME_NO_CACHE=1", "DONT_FAKE_MONOTONIC=1",
                "FAKETIME_TIMESTAMP_FILE=" + self.file]

    def set(self, days):
        """So many days from the true time."""
        with open(self.file + ".new", "w", encoding="ascii") as f:
            f.write("%+dd\n" % days)
        os.rename(self.file + ".new", self.file)


class Lab(Street):
    """See above. remote and box are Daemons, there and back the Histories."""

    def __init__(self, net, rate=100, server=Ejabberd, clocks=False, seed=0):
        super().__init__(net, server=server, components=[REMOTE, BOX])
        self.rate, self.seed = rate, seed
        self.there, self.back = History("remote > box"), History("box > remote")
        self.remote = self.device("remote", "sofa", "component", REMOTE, {BOX: "yes"},
                                  player="kind = none", start=False)
        self.box = self.device("box", "tv", "component", BOX, {REMOTE: "yes"},
                               player="kind = none", start=False)
        self.ends = {self.remote: BOX, self.box: REMOTE}     # whom each one calls
        self.clocks = [Clock(d.host) for d in self.ends] if clocks else []
        for daemon, clock in zip(self.ends, self.clocks):
            daemon.wrap = clock.wrap()
        for daemon in self.ends:
            daemon.start()
        self.programs = []

    # --- the traffic ---------------------------------------------------------------------------

    def begin(self, limit=None):
        """Both ways work and messages flow."""
        self.wait_ways("lan", "server")
        self.programs = [Program(self.remote, BOX, self.there, self.back),
                         Program(self.box, REMOTE, self.back, self.there)]
        for program in self.programs:
            program.start()
            program.wait_listening()
        for program in self.programs:
            program.send(self.rate, limit)
        self.wait_more(20)

    def check_daemons(self):
        for daemon in self.ends:
            assert daemon.proc.poll() is None, "the daemon of %s ended with %s:\n%s" % (
                daemon.host.name, daemon.proc.returncode, daemon.proc.output()[-6000:])

    def state(self, daemon, link):
        self.check_daemons()
        path = daemon.paths(self.ends[daemon]).get(link, {})
        return path.get("state")

    def wait_ways(self, *links, timeout=60):
        """Every one of these ways is up, as both ends see it."""
        for daemon in self.ends:
            for link in links:
                wait_until(lambda d=daemon, k=link: self.state(d, k) == "up", timeout,
                           lambda d=daemon, k=link: "%s of %s: %s" % (
                               k, d.host.name, d.paths(self.ends[d])), step=0.1)

    def wait_more(self, count, link=None, timeout=30):
        """So many more messages arrive each way, by that link."""
        def came(history):
            self.check_daemons()
            return history.ways().get(link, 0) if link else history.count["got"]

        for history, before in zip(self.histories, [came(h) for h in self.histories]):
            wait_until(lambda h=history, n=before: came(h) >= n + count, timeout, lambda h=history:
                       "%s: %d more messages by %s\n%s" % (
                           h.name, count, link or "any way", "\n".join(h.around(None))), step=0.05)

    def is_caught_up(self, history):
        """However few are left: an older one waits for something that may take long."""
        left, sent = unfinished(history, LAST_MOMENT), history.of("sent")
        return not left or left[0] > sent[-1].number - self.rate / 2

    def wait_caught_up(self, timeout=60):
        """What was sent until half a second ago has a fate: a daemon that is killed now takes only its
        last moment with it, not what an earlier fault made it hold."""
        for history in self.histories:
            wait_until(lambda h=history: self.is_caught_up(h), timeout,
                       lambda h=history: "%s: %s without a fate\n%s" % (
                           h.name, unfinished(h), "\n".join(h.around(None))), step=0.05)

    def wait_all_sent(self, timeout=120):
        wait_until(lambda: all(p.is_done() for p in self.programs), timeout, "all to be sent")

    @property
    def histories(self):
        return [self.there, self.back]

    def note(self, text):
        for history in self.histories:
            history.note("fault", None, text)

    def finish(self, errors=False, grace=0.0, timeout=60, settle=1.0):
        """Nothing more is sent; what was, is waited for and judged."""
        for program in self.programs:
            program.pause()
        end = time.monotonic() + timeout * PATIENCE
        while time.monotonic() < end and not all(h.settled(grace) for h in self.histories):
            time.sleep(0.05)
        time.sleep(settle)      # for what arrives again
        for program in self.programs:
            program.stop()
            if program.failure is not None:
                raise program.failure
        found = self.judged(errors, grace)
        for history in self.histories:
            print(self.summary(history, found[history]))
        if any(found.values()):
            self.keep_logs()
            raise AssertionError(self.report(found))

    def judged(self, errors, grace):
        """{history: its defects}"""
        return {history: judge(history, errors, grace, back)
                for history, back in zip(self.histories, reversed(self.histories))}

    def keep_logs(self):
        folder = os.environ.get("EARSHOT_LOGS")
        if not folder:
            return
        logs = dict(self.net.logs())
        for history in self.histories:
            logs[history.name.replace(" > ", "-") + ".events"] = "\n".join(
                history.around(None, len(history.events)))
        for name, text in logs.items():
            with open(os.path.join(folder, "%d-%s" % (self.seed, name)), "w",
                      encoding="utf-8") as f:
                f.write(text)

    def summary(self, history, defects=()):
        return "%s: seed %d, %d sent, %d came %s, %d errors, slowest %.2f s (%s)%s" % (
            history.name, self.seed, history.count["sent"], history.count["got"], history.ways(),
            history.count["error"], *history.slowest(),
            ", %d DEFECTS" % len(defects) if defects else "")

    def report(self, found):
        """The defects, what happened around the first of each kind, and the logs about it."""
        lines = []
        for history in self.histories:
            defects = found.get(history, [])
            lines.append(self.summary(history, defects))
            first = {}
            for defect in defects:
                first.setdefault(defect.what, defect)
            lines += ["  %s %s: %s" % d for d in defects[:20]]
            for defect in first.values():
                lines += ["", "%s, around %s %s:" % (history.name, *defect[:2])]
                lines += history.around(defect.number)
                lines += self.log_lines(defect.number)
        return "\n".join(lines)

    def log_lines(self, number):
        """What the daemons wrote about a message, and about ways and links."""
        ident = re.compile(r"\b(%s)-%s\b" % ("|".join(p.tag for p in self.programs), number))
        lines = []
        for name, text in self.net.logs().items():
            if "earshotd" not in name:
                continue
            kept = text.splitlines()
            hits = [i for i, line in enumerate(kept) if ident.search(line)]
            lines += ["%s:" % name] + ["  " + kept[i] for i in hits][:20]
            start = max(0, hits[0] - 400) if hits else len(kept) - 400
            lines += ["  … " + line for line in kept[start:start + 800]
                      if not line.startswith(("debug: in ", "debug: out "))][-60:]
        return lines

    # --- faults: each lasts so many seconds and is healed afterwards -----------------------------

    @contextlib.contextmanager
    def during(self, text):
        self.note(text)
        yield
        self.note(text + ": over")

    def cut_lan(self, seconds, silent=True, way=None):
        """Frames vanish, or both ends lose their carrier. way "ab": from the remote, "ba": to it."""
        cables = self.net.lan["a"] if way is None else self.net.lan["a"][:1]
        with self.during("LAN %s %s" % ("cut" if silent else "unplugged", way or "")):
            for cable in cables:
                cable.cut(silent, way)
            time.sleep(seconds)
            for cable in cables:
                cable.restore()

    def bad_lan(self, seconds, **values):
        """loss, jitter, delay of each frame."""
        with self.during("LAN %s" % values):
            for cable in self.net.lan["a"]:
                cable.set("ab", **values)
            time.sleep(seconds)
            for cable in self.net.lan["a"]:
                cable.set("ab", **dict.fromkeys(values, 0))

    def cut_wan(self, seconds):
        with self.during("server cut off"):
            self.net.cut_wan()
            time.sleep(seconds)
            self.net.restore_wan()

    def freeze_server(self, seconds):
        with self.during("server frozen"):
            self.server.freeze()
            time.sleep(seconds)
            self.server.thaw()

    def restart_server(self, seconds=0.0, kill=False):
        with self.during("server restarted"):
            (self.server.kill if kill else self.server.stop)()
            time.sleep(seconds)
            self.server.start()

    def both_dead(self, seconds):
        """Neither way carries anything, and nothing says so."""
        with self.during("both ways dead"):
            self.net.cut_lan(silent=True)
            self.net.cut_wan()
            time.sleep(seconds)
            self.net.restore_wan()
            self.net.restore_lan()

    def renumber(self, daemon, address):
        """Its interface on the LAN has another address from now on, IPv6 included."""
        with self.during("%s is %s now" % (daemon.host.name, address)):
            tail = int(address.split(".")[-1])
            daemon.host.ns.ip("addr flush dev eth0",
                              "addr add %s/24 brd + dev eth0" % address,
                              "addr add fe80::%x/64 dev eth0 scope link" % (0x1000 + tail))

    def kill(self, daemon):
        """As kill -9 does it; started again at once."""
        with self.during("%s killed" % daemon.host.name):
            daemon.proc.kill()
            daemon.proc.wait()
            daemon.start()

    def restart(self, daemon, seconds=1.0):
        with self.during("%s stopped" % daemon.host.name):
            daemon.stop()
            time.sleep(seconds)
            daemon.start()


@contextlib.contextmanager
def lab(seed=None, **more):
    """A Lab with messages under way; its daemons are ended and its server removed afterwards."""
    seed = seed_of() if seed is None else seed
    print("seed %d (EARSHOT_SEED)" % seed)
    limit = more.pop("limit", None)
    with TwoHomes(a=["remote", "box"], delay=DELAY, seed=seed) as net:
        made = None
        try:
            made = Lab(net, seed=seed, **more)
            made.begin(limit)
            yield made
            made.stop()
        finally:
            if made is not None:
                for program in made.programs:
                    program.stop()
                made.server.close()


__all__ = ["BOX", "REMOTE", "Lab", "SmallDisk", "lab", "seed_of"]
