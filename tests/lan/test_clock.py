# SPDX-License-Identifier: ISC
"""test_clock.py: the wall clock is set, and the machine sleeps: the one changes nothing, after the
other everybody is asked for life at once. preload/clock.c does to one daemon what the kernel does to all."""

import mmap
import os
import signal
import struct
import time

import pytest

import lab
from box import BUILD
from test_network import Uplinks, wait_connected

YEAR = 365 * 86400
MUTE = """
table ip mute {
    chain out { type filter hook output priority 0; tcp flags & fin == fin drop; }
}
"""
SOON = 12.0     # s, of which the restarted server may take one, and a busy machine some


class Clock:
    """The clocks of one host's programs, in seconds from the true ones."""

    def __init__(self, host):
        self.path = os.path.join(host.dir, "clocks")
        self.wall = self.slept = 0
        with open(self.path, "wb") as f:
            f.write(bytes(mmap.PAGESIZE))

    def wrap(self):
        so = os.path.join(BUILD, "tests/lan/preload/clock.so")
        assert os.path.exists(so), "%s is not built: run make helpers" % so
        return ["env", "LD_PRELOAD=" + so, "EARSHOT_CLOCK=" + self.path,
                "ASAN_OPTIONS=verify_asan_link_order=0"]

    def set(self, wall=0, slept=0):
        """In one write: that is the moment in which the kernel tells."""
        self.wall, self.slept = self.wall + wall, self.slept + slept
        with open(self.path, "r+b", buffering=0) as f:
            f.write(struct.pack("=qq", self.wall, self.slept))


@pytest.fixture(name="clocked")
def fixture_clocked(monkeypatch):
    """A laboratory whose two daemons have clocks of ours."""
    monkeypatch.setattr(lab, "Clock", Clock)
    with lab.lab(clocks=True) as made:
        yield made


def test_wall_clock_steps(clocked):
    """Forward and back, at one end and at the other: every message goes straight on."""
    remote, box = clocked.clocks
    for clock, step in ((remote, YEAR), (box, -YEAR), (remote, -2 * YEAR), (box, 2 * YEAR),
                        (remote, YEAR), (box, -YEAR)):
        clocked.note("the clock of %s is set by %d s" % (clock.path, step))
        clock.set(wall=step)
        time.sleep(2.5)     # as long as mDNS takes for its part
        clocked.wait_more(20, "lan")
    clocked.finish()
    for history in clocked.histories:
        # A few, since a busy machine may acknowledge late: no more than one such switch.
        assert history.ways()["lan"] > 0.9 * history.count["got"], history.ways()
        assert history.slowest()[0] < 1.0, history.slowest()
    for daemon in clocked.ends:
        # It did hear of the steps; and it knows that it has not slept.
        assert daemon.proc.output().count("the clock was set by") == 3, daemon.proc.output()
        assert "was asleep" not in daemon.proc.output()


def test_sleep_with_all_well(clocked):
    """An hour's sleep during which nothing else happened costs nothing."""
    remote, _ = clocked.clocks
    remote.set(slept=3600)
    clocked.remote.proc.wait_for("was asleep for 3600 s")
    clocked.wait_more(20, "lan")
    clocked.finish()


def test_sleep_through_a_restart_of_the_server():
    """The server's goodbye came to nobody: it would be missed a minute later."""
    with Uplinks() as net:
        clock = Clock(net.home)
        daemon = net.start(wrap=clock.wrap())
        wait_connected(daemon, 1)
        net.far.run(["nft", "-f", "-"], stdin=MUTE)
        daemon.proc.send_signal(signal.SIGSTOP)
        net.prosody.kill()
        net.prosody.start()
        daemon.proc.send_signal(signal.SIGCONT)
        time.sleep(1)
        assert daemon.proc.output().count("connected as") == 1, daemon.proc.output()
        since = time.monotonic()
        clock.set(slept=3600)
        wait_connected(daemon, 2)
        took = time.monotonic() - since
        assert took < SOON, "noticed after %.2f s only" % took
        daemon.stop()
