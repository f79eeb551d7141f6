# SPDX-License-Identifier: ISC
"""test_three_remotes.py: one player, three remote controls: a stock XMPP client behind ejabberd,
`earshot remote` across the room, playerctl at the box. Each drives it, and all see the same at once."""

import os
import subprocess

import pytest

from box import ROOT
from daemon import Mpv
from desktop import Desktop
from lab import BOX, REMOTE
from ns import wait_until
from strangers import DOMAIN, street
from terminal import Terminal

ROMEO = "romeo@" + DOMAIN
PLUGIN = "/usr/lib/mpv-mpris/mpris.so"


class Session(Mpv):
    """The desktop of the box: a bus, and an mpv that is on it."""

    def __init__(self, host):
        self.desk = Desktop(host)
        super().__init__(host, more=["--script=" + PLUGIN],
                         env=Desktop.env)
        self.set("volume", 50)
        self.set("force-media-title", "Sintel")
        wait_until(lambda: self.playerctl("status") == "Playing", 20, "mpv on the bus")

    def playerctl(self, *args):
        return self.desk.playerctl("mpv", *args)


class Evening:
    """Romeo is out with his phone, the remote on the sofa, somebody at the box."""

    def __init__(self, home):
        host = home.net["box"]
        self.session = Session(host)
        box = home.device("box", "tv", "component", BOX, {ROMEO: "yes", REMOTE: "yes"},
                          player="kind = auto\nsocket = /run/mpv.sock", start=False)
        box.wrap = ["env", *("%s=%s" % item for item in Desktop.env.items())]
        box.start()
        self.remote = home.device("remote", "sofa", "component", REMOTE, {BOX: "yes"},
                                  player="kind = none")
        wait_until(lambda: self.remote.chosen(BOX) == "lan", 60, lambda: "the LAN: %s" %
                   self.remote.paths(BOX))
        server = home.server
        self.phone = home.net.server.popen(
            ["/usr/bin/python3", os.path.join(ROOT, "tests/lan/stock.py"), ROMEO, "secret",
             server.address, str(server.c2s_port), server.ca_file, BOX], name="phone",
            stdin=subprocess.PIPE)
        self.phone.wait_for("^ready$", 40)
        self.screen = Terminal(home.net["remote"], self.remote.argv("remote", BOX), 80, 24)

    def all_see(self, playback, volume):
        """Everybody, by his own means, within two seconds of each other."""
        word = {"playing": "Playing", "paused": "Paused"}[playback]
        wait_until(lambda: self.session.playerctl("status") == word, 20, "playerctl: " + word)
        wait_until(lambda: (self.phone.output().splitlines() or [""])[-1] and
                   self.last("state") == "%s %d" % (playback, volume), 2,
                   lambda: "the phone sees %s %d:\n%s" % (playback, volume, self.phone.output()))
        self.screen.wait(r"%s .*(.*\n)*.*volume +%d %%" % (playback, volume), 2)

    def last(self, what):
        lines = [line for line in self.phone.lines() if line.startswith(what + " ")]
        return lines[-1].split(" ", 1)[1] if lines else None


@pytest.fixture
def evening():
    with street(["remote", "box"], components=[REMOTE, BOX], accounts=["romeo"]) as home:
        made = Evening(home)
        with made.screen:
            yield made
        made.phone.stop()


def test_each_drives_and_all_see(evening):
    phone, screen, session = evening.phone, evening.screen, evening.session
    evening.all_see("playing", 50)
    screen.wait("Sintel")
    phone.wait_for("^friends$", 20)
    phone.wait_for("^tune Sintel$", 20)

    phone.send_line("playpause")
    phone.wait_for("^done playpause completed$")
    evening.all_see("paused", 50)

    screen.keys("Space")
    evening.all_see("playing", 50)

    session.playerctl("pause")
    evening.all_see("paused", 50)

    phone.send_line("say vol 40")
    phone.wait_for("^said .*40")
    evening.all_see("paused", 40)

    screen.keys("+")
    evening.all_see("paused", 45)

    session.playerctl("volume", "0.3")
    session.playerctl("play")
    evening.all_see("playing", 30)

    session.set("force-media-title", "Big Buck Bunny")
    session.ask(["loadfile", os.path.join(session.host.dir, "clip.wav")])
    phone.wait_for("^tune Big Buck Bunny$", 5)
    screen.wait("Big Buck Bunny", 5)
