# SPDX-License-Identifier: ISC
"""Two devices that know each other only as JIDs behind a server meet on a LAN for the first time."""

import pytest

import strangers
from ns import wait_until
from strangers import wait_level


@pytest.fixture(params=["component", "account"])
def home(request):
    with strangers.strangers(request.param) as made:
        yield made


def test_first_meeting(home):
    home.meet()
    # It takes less than one way by the server; one of several, since a busy machine may be late.
    wait_until(lambda: home.press_by_lan("pause", True)["rtt_us"] < 160000, 20, "a press so fast")
    rows = home.remote.cli("--json", "peers").rows
    assert [r["level"] for r in rows if r["address"] == "tv@box.local"] == ["proved"], rows
    assert len(rows) == 1, rows     # one device, one line

    # The server is cut off: nothing changes, also not for a stream that is opened anew.
    home.server.kill()
    home.press_by_lan("play", False)
    home.remote.stop()
    home.remote.start()
    wait_level(home.remote, "tv@box.local", "proved")
    home.press_by_lan("pause", True)
