# SPDX-License-Identifier: ISC
"""test_faults_server.py: the server fails while numbered messages flow both ways; where the LAN works,
nothing is lost, nothing comes twice, nothing overtakes and nothing comes back. And the wall clock."""

import time

import pytest

from lab import SmallDisk, lab
from ns import wait_until
from strangers import pins

DAY = 86400


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_restarted(kill):
    with lab() as made:
        made.restart_server(1, kill)
        made.wait_ways("server")
        made.cut_lan(3, silent=False)       # what came back is good for something
        made.wait_more(20, "lan", 60)
        made.finish()
        assert made.there.ways()["server"] and made.back.ways()["server"]


def test_frozen():
    """It takes what it is given, and passes nothing on."""
    with lab() as made:
        made.freeze_server(10)
        made.wait_ways("server")
        made.finish()
        assert "server" not in made.there.ways()


def test_frozen_with_messages_on_it():
    """The LAN is back while the server sits on what went by it, and lets it go later."""
    with lab() as made:
        made.net.cut_lan(silent=True)
        made.note("LAN cut")
        made.wait_more(50, "server")
        made.server.freeze()
        made.note("server frozen")
        made.net.restore_lan()
        made.note("LAN back")
        made.wait_more(50, "lan", 60)
        made.server.thaw()
        made.note("server thawed")
        made.wait_ways("server")
        made.wait_more(50)
        made.finish(settle=3)


def test_cut_off():
    """Frames to and from the server vanish."""
    with lab() as made:
        made.cut_wan(5)
        made.wait_ways("server", timeout=120)
        made.wait_more(50)
        made.finish()


def test_disk_full():
    """A server that cannot write a byte still passes messages on, also to who comes back."""
    with lab(server=SmallDisk) as made:
        made.server.fill()
        made.note("disk full")
        made.cut_lan(4)
        made.wait_more(20, "lan", 60)
        made.cut_wan(3)
        made.wait_ways("server", timeout=120)
        made.cut_lan(4, silent=False)
        made.wait_more(20, "lan", 60)
        made.server.empty()
        made.note("disk has room")
        made.finish()
        assert made.there.ways()["server"] and made.back.ways()["server"]


def seen_at(daemon):
    """When it met the other one last, by its own clock."""
    return max(int(row["seen_at"]) for row in pins(daemon).values())


def test_clock_stepped():
    """A year forward, then a year back from the true time, at one end and at both."""
    with lab(clocks=True) as made:
        clocks = dict(zip(made.ends, made.clocks))
        for ends, days in (([made.box], 365), ([made.remote], 365), (made.ends, -365),
                           ([made.box], 0)):
            for daemon in ends:
                clocks[daemon].set(days)
            made.note("the clock of %d is %+d days off" % (len(ends), days))
            made.wait_more(50)
            made.cut_lan(2.5)
            made.wait_more(20, "lan", 60)
            for daemon in ends:     # the daemon itself lives in that time
                # On a busy machine a stream may outlive a cut: then it has not met anybody anew.
                wait_until(lambda d=daemon, off=days * DAY: abs(
                    seen_at(d) - time.time() - off) < 3600 or made.cut_lan(5), 40,
                           lambda d=daemon: "it was seen at %d" % seen_at(d), step=2)
        made.finish()
        assert made.there.ways()["server"] and made.back.ways()["server"]
