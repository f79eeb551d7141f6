# SPDX-License-Identifier: ISC
"""The main job: a remote control and a media box, on one LAN and behind one server."""

import time

import pytest

from box import TwoHomes
from daemon import Daemon, Mpv
from ns import wait_until
from servers import Ejabberd

DOMAINS = {"remote": "remote.example.test", "box": "box.example.test"}

REMOTE = """
[engine]
name = remote
[lan]
user = sofa
interfaces = eth0
[server]
kind = component
jid = remote.example.test
host = 203.0.113.10
port = %(port)d
secret-file = /run/earshotd/secret
[player]
kind = none
[peer "box"]
address = tv@box.local
jid = box.example.test
"""

BOX = """
[engine]
name = box
[lan]
user = tv
interfaces = eth0
[server]
kind = component
jid = box.example.test
host = 203.0.113.10
port = %(port)d
secret-file = /run/earshotd/secret
[player]
kind = mpv
socket = /run/mpv.sock
[policy]
buttons = anyone
state = anyone
[peer "remote"]
address = sofa@remote.local
jid = remote.example.test
"""


class Homes:
    """remote and box on one LAN, ejabberd 80 ms away each way."""

    def __init__(self, net):
        self.net = net
        self.server = Ejabberd(domain="example.test", address="203.0.113.10",
                               components={d: "secret" for d in DOMAINS.values()},
                               prefix=net.server.ns.enter([]))
        self.mpv = Mpv(net["box"])
        conf = {"port": self.server.component_port}
        self.remote = Daemon(net["remote"], REMOTE % conf, start=False)
        self.box = Daemon(net["box"], BOX % conf, start=False)
        for daemon in (self.remote, self.box):
            daemon.write("secret", "secret\n")
            daemon.start()

    def wait_both_paths(self):
        def both():
            paths = self.remote.paths("box.example.test")
            return (set(paths) == {"lan", "server"} and
                    all(p["state"] == "up" for p in paths.values()) and paths["lan"]["samples"])
        wait_until(both, 30, "both paths", step=0.1)
        self.remote.wait_chosen("box.example.test", "lan")

    def press(self, button, to="box.example.test", *args):
        """Presses; the answer, and how long the whole command took."""
        start = time.monotonic()
        answer = self.remote.cli("--json", *args, "press", to, button)
        answer.seconds = time.monotonic() - start
        return answer

    def check(self, button, link, paused):
        """A press takes that path, and the real player obeys."""
        answer = self.press(button)
        assert answer.code == 0, answer
        assert answer.rows[-1]["link"] == link, answer
        assert self.mpv.get("pause") is paused
        return answer


@pytest.fixture
def home():
    with TwoHomes(a=["remote", "box"], delay=80) as net:
        made = None
        try:
            made = Homes(net)
            made.wait_both_paths()
            yield made
            for daemon in (made.remote, made.box):
                daemon.stop()
        finally:
            if made is not None:
                made.server.close()


def test_short_path_fall_back_and_return(home):
    times = [home.check(button, "lan", button == "pause").rows[-1]["rtt_us"]
             for button in ("pause", "play", "pause", "play", "pause")]
    assert min(times) < 160000, times       # less than one way by the server
    assert home.remote.chosen("box.example.test") == "lan"

    # The LAN is cut: through the server, which is 160 ms away and back.
    home.net.cut_lan(silent=True)
    answer = home.check("play", "server", False)
    assert answer.rows[-1]["rtt_us"] >= 160000, answer
    assert home.remote.chosen("box.example.test") == "server"
    assert home.remote.paths("box.example.test")["lan"]["state"] == "failed"
    # Nothing waits for the dead LAN; one press of several, since a busy machine may be late.
    times = [home.check(button, "server", button == "pause").rows[-1]["rtt_us"]
             for button in ("pause", "play", "pause", "play", "pause")]
    assert min(times) < 1000000, times

    # The LAN is back: so is the short path.
    home.net.restore_lan()
    home.remote.wait_chosen("box.example.test", "lan")
    home.check("play", "lan", False)

    # The server is gone: the LAN does not notice.
    home.server.kill()
    home.check("pause", "lan", True)
    home.check("play", "lan", False)

    # Both are gone: exit code 4, at once.
    home.net.cut_lan(silent=True)
    home.remote.wait_chosen("box.example.test", None, timeout=15)
    answer = home.press("pause")
    assert answer.code == 4, answer
    assert answer.seconds < 8, answer.seconds       # less than what a question is given
    assert "box.example.test" in answer.err
    assert home.mpv.get("pause") is False


def test_short_is_measured(home):
    home.check("pause", "lan", True)
    home.net.slow_lan(250)      # 500 ms there and back: the server has 320
    home.remote.wait_chosen("box.example.test", "server")
    home.check("play", "server", False)
    home.net.slow_lan(0)
    home.remote.wait_chosen("box.example.test", "lan", timeout=40)
    home.check("pause", "lan", True)
