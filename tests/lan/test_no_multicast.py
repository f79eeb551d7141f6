# SPDX-License-Identifier: ISC
"""Two trusted devices in networks with a router between find each other through their server."""

import pytest

from campus import campus
from ns import wait_until
from strangers import wait_level, wait_press


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


def test_found_by_the_server(kind):
    with campus(kind, remote="a", box="b") as home:
        remote, box = meet_directly(home)
        row = wait_press(remote, home.jid("box"), "lan")
        assert row["rtt_us"] < 20000, row
        home.server.kill()      # from now on they need nobody
        assert wait_press(box, home.jid("remote"), "lan")["rtt_us"] < 20000
