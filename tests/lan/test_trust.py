# SPDX-License-Identifier: ISC
"""Two devices that know each other only as JIDs behind a server meet on a LAN for the first time."""

import pytest

import strangers
from strangers import wait_level


@pytest.fixture(params=["component", "account"])
def home(request):
    with strangers.strangers(request.param) as made:
        yield made


def test_first_meeting(home):
    home.meet()
    row = home.press("pause", True)
    assert row["link"] == "lan", row
    assert row["rtt_us"] < 50000, row
    rows = home.remote.cli("--json", "peers").rows
    assert [r["level"] for r in rows if r["address"] == "tv@box.local"] == ["proved"], rows
    assert len(rows) == 1, rows     # one device, one line

    # The server is cut off: nothing changes, also not for a stream that is opened anew.
    home.server.kill()
    assert home.press("play", False)["link"] == "lan"
    home.remote.stop()
    home.remote.start()
    wait_level(home.remote, "tv@box.local", "proved")
    row = home.press("pause", True)
    assert row["link"] == "lan", row
