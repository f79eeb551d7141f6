# SPDX-License-Identifier: ISC
"""test_faults_lan.py: the LAN fails while numbered messages flow both ways; the server is there all the
time, so nothing is lost, nothing comes twice, nothing overtakes and nothing comes back."""

import os
import time

import pytest

from lab import lab

FLAPS = float(os.environ.get("EARSHOT_FLAP_SECONDS", "14"))
SOON = 1.0      # s from the last acknowledgement missed to the arrival by the server
BUSY = 4.0      # s more that two busy cores may add


@pytest.mark.parametrize("silent", [True, False], ids=["silent", "unplugged"])
def test_cut(silent):
    """A cable that carries nothing, without a FIN; and one that is out."""
    with lab() as made:
        made.cut_lan(5, silent)
        made.wait_more(20, "lan", 60)
        made.finish()
        for history in made.histories:
            assert history.ways()["server"] > 100, made.report({})
            assert history.slowest()[0] < SOON + BUSY, made.report({})


@pytest.mark.parametrize("way", ["ab", "ba"], ids=["outgoing", "incoming"])
def test_cut_one_way(way):
    """One end still hears the other, which hears nothing."""
    with lab() as made:
        made.cut_lan(6, way=way)
        made.wait_more(20, "lan", 60)
        made.finish()
        assert made.there.ways()["server"] > 20 and made.back.ways()["server"] > 20, made.report({})


def test_out_for_ten_seconds():
    with lab() as made:
        made.cut_lan(10, silent=False)
        made.wait_more(20, "lan", 60)
        made.finish()


def test_flapping():
    """On for a second, off for a second."""
    with lab() as made:
        end, silent = time.monotonic() + FLAPS, True
        while time.monotonic() < end:
            made.cut_lan(1, silent)
            silent = not silent
            time.sleep(1)
        made.wait_more(20, "lan", 60)
        made.finish()


@pytest.mark.parametrize("values", [{"loss": 5}, {"loss": 30}, {"delay": 20, "jitter": 300}],
                         ids=["5 percent lost", "30 percent lost", "300 ms jitter"])
def test_bad(values):
    with lab() as made:
        made.bad_lan(8, **values)
        made.wait_more(20, "lan", 60)
        made.finish()


def test_both_switch_at_once():
    """Both ends see the same: the LAN is slower than the server, then it is not."""
    with lab() as made:
        for _ in range(2):
            for cable in made.net.lan["a"]:
                cable.set("ab", delay=250)
            for daemon, other in made.ends.items():
                daemon.wait_chosen(other, "server", 40)
            made.wait_more(20, "server")
            for cable in made.net.lan["a"]:
                cable.set("ab", delay=0)
            for daemon, other in made.ends.items():
                daemon.wait_chosen(other, "lan", 60)
            made.wait_more(20, "lan")
        made.finish()


def test_renumbered():
    """One end gets another address, then the other one."""
    with lab() as made:
        for daemon, address in ((made.box, "10.1.0.77"), (made.remote, "10.1.0.78")):
            made.renumber(daemon, address)
            made.wait_more(100)
            made.wait_ways("lan", timeout=90)
            made.wait_more(20, "lan", 60)
        made.finish()
