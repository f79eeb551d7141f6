# SPDX-License-Identifier: ISC
"""Two devices that know each other only as JIDs behind a server meet on a LAN for the first time."""

import pytest

from box import TwoHomes
from daemon import Daemon, Mpv
from ns import wait_until
from servers import Ejabberd

DOMAIN = "example.test"

CONF = """
[engine]
name = %(name)s
[lan]
user = %(user)s
interfaces = eth0
[server]
kind = %(kind)s
jid = %(jid)s
host = 203.0.113.10
port = %(port)d
secret-file = /run/earshotd/secret
%(ca)s
[player]
%(player)s
[peer "other"]
jid = %(other)s
trusted = %(trusted)s
"""

JIDS = {"component": ("remote." + DOMAIN, "box." + DOMAIN),
        "account": ("remote@" + DOMAIN, "box@" + DOMAIN)}


class Strangers:
    """remote and box on one LAN, and ejabberd 80 ms away each way, which is all that they share."""

    def __init__(self, net, kind):
        self.net, self.kind = net, kind
        self.remote_jid, self.box_jid = JIDS[kind]
        self.server = Ejabberd(domain=DOMAIN, address="203.0.113.10", pep=True,
                               components={JIDS["component"][i]: "secret" for i in (0, 1)},
                               accounts={"remote": "secret", "box": "secret"},
                               prefix=net.server.ns.enter([]))
        self.mpv = Mpv(net["box"])
        self.remote = self.daemon("remote", "sofa", self.remote_jid, self.box_jid, "no",
                                  "kind = none")
        self.box = self.daemon("box", "tv", self.box_jid, self.remote_jid, "yes",
                               "kind = mpv\nsocket = /run/mpv.sock")

    def daemon(self, name, user, jid, other, trusted, player):
        account = self.kind == "account"
        conf = CONF % {"name": name, "user": user, "kind": self.kind, "jid": jid, "other": other,
                       "trusted": trusted, "player": player,
                       "port": self.server.c2s_port if account else self.server.component_port,
                       "ca": "ca-file = " + self.server.ca_file if account else ""}
        daemon = Daemon(self.net[name], conf, start=False)
        daemon.write("secret", "secret\n")
        daemon.start()
        return daemon

    def level(self, daemon, address):
        """Of the stream that is open now; None: none is."""
        path = daemon.paths(address).get("lan", {})
        return path["level"] if path.get("state") == "up" else None

    def wait_level(self, daemon, address, level, timeout=30):
        wait_until(lambda: self.level(daemon, address) == level, timeout,
                   "%s %s; it is %s" % (address, level, daemon.cli("peers").out), step=0.1)

    def press(self, button, paused):
        answer = self.remote.cli("--json", "press", self.box_jid, button)
        assert answer.code == 0, answer
        assert self.mpv.get("pause") is paused
        return answer.rows[-1]


@pytest.fixture(params=["component", "account"])
def strangers(request):
    with TwoHomes(a=["remote", "box"], delay=80) as net:
        made = None
        try:
            made = Strangers(net, request.param)
            yield made
            for daemon in (made.remote, made.box):
                daemon.stop()
        finally:
            if made is not None:
                made.server.close()


def test_first_meeting(strangers):
    home = strangers
    home.wait_level(home.remote, "tv@box.local", "proved")
    home.wait_level(home.box, "sofa@remote.local", "trusted")
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
    home.wait_level(home.remote, "tv@box.local", "proved")
    row = home.press("pause", True)
    assert row["link"] == "lan", row
