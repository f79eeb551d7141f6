# SPDX-License-Identifier: ISC
"""test_faults_daemon.py: a daemon ends while numbered messages flow both ways: each arrives once, or its
sender gets one error which is true. Only what a daemon took with it is nowhere."""

import pytest

from lab import LAST_MOMENT, lab


@pytest.mark.parametrize("who", ["remote", "box"])
def test_killed(who):
    """kill -9, and started again."""
    with lab() as made:
        for _ in range(2):
            made.wait_caught_up()
            made.kill(getattr(made, who))
            made.wait_ways("lan", "server")
            made.wait_more(50, "lan", 60)
        made.finish(errors=True, grace=LAST_MOMENT)


@pytest.mark.parametrize("who", ["remote", "box"])
def test_stopped(who):
    """Cleanly, and started again."""
    with lab() as made:
        made.restart(getattr(made, who))
        made.wait_ways("lan", "server")
        made.wait_more(50, "lan", 60)
        made.finish(errors=True, grace=LAST_MOMENT)


def test_killed_without_the_lan():
    """Everything goes by the server; one end is killed, then the other."""
    with lab() as made:
        made.net.cut_lan(silent=False)
        made.note("LAN unplugged")
        made.wait_more(50, "server", 60)
        for daemon in (made.box, made.remote):
            made.wait_caught_up()
            made.kill(daemon)
            made.wait_ways("server")
            made.wait_more(50, "server", 60)
        made.net.restore_lan()
        made.note("LAN back")
        made.wait_more(50, "lan", 60)
        made.finish(errors=True, grace=LAST_MOMENT)
