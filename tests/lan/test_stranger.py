# SPDX-License-Identifier: ISC
"""test_stranger.py: xep/buttons.md is enough to write a remote control: one made of it alone drives a
real mpv, across the room without a key and through a real server."""

import contextlib
import os
import re
import subprocess
from xml.etree import ElementTree

import pytest

from box import ROOT
from daemon import Daemon, Mpv
from ns import wait_until
from servers import Ejabberd

BUTTONS = "urn:earshot:buttons:0"
BOX = "tv.example.test"
HERE = os.path.join(ROOT, "tests/lan")
CONF = """
[engine]
name = pronto
[lan]
user = tv
mdns = embedded
[player]
kind = mpv
socket = /run/mpv.sock
"""
LAN = CONF + "[policy]\nbuttons = anyone\nstate = anyone\n"
SERVER = CONF + """
[server]
kind = component
jid = tv.example.test
host = %s
port = %d
secret-file = /run/earshotd/secret
[peer "romeo"]
jid = romeo@example.test
trusted = yes
"""


class Stranger:
    def __init__(self, host, *words):
        self.proc = host.popen(["/usr/bin/python3", HERE + "/stranger.py", *map(str, words)],
                               name="stranger", stdin=subprocess.PIPE)
        self.proc.wait_for("^ready$", 30)
        self.asked = 0

    def ask(self, *words):
        """The answer, as XML."""
        self.asked += 1
        self.proc.send_line(" ".join(words))
        text = self.proc.wait_for("^answer (.*)$", 20, count=self.asked).group(1)
        return ElementTree.fromstring(text)

    def state(self, *words):
        answer = self.ask(*words)
        assert answer.get("type") == "result", ElementTree.tostring(answer)
        return answer.find("{%s}state" % BUTTONS)

    def error(self, *words):
        answer = self.ask(*words)
        assert answer.get("type") == "error", ElementTree.tostring(answer)
        return answer.find(".//{urn:ietf:params:xml:ns:xmpp-stanzas}*").tag.split("}")[1]

    def wait_told(self, pattern):
        wait_until(lambda: any(re.search(pattern, line) for line in self.proc.lines()
                               if line.startswith("told")), 20, self.proc.output)


@contextlib.contextmanager
def across_the_room(lan):
    tv = Daemon(lan["pronto"], LAN)
    port = tv.proc.wait_for(r"on the LAN as tv@pronto.local, port (\d+)", 20).group(1)
    announced = lan["forza"].popen(["/usr/bin/python3", HERE + "/zeroconf_peer.py",
                                    lan["forza"].address, "juliet@forza", "5298", "txtvers=1"],
                                   stdin=subprocess.PIPE)
    announced.wait_for("^registered", 20)
    yield Stranger(lan["forza"], "lan", lan["pronto"].address, port, "juliet@forza", "tv@pronto")
    tv.stop()


@contextlib.contextmanager
def by_server(lan):
    host = lan["pronto"]
    with Ejabberd(domain="example.test", address=host.address, prefix=host.ns.enter([]),
                  accounts={"romeo": "secret1"}, components={BOX: "secret"}, tls="none") as server:
        tv = Daemon(host, SERVER % (server.address, server.component_port), start=False)
        tv.write("secret", "secret\n")
        tv.start()
        tv.proc.wait_for("connected as " + BOX, 20)
        yield Stranger(lan["forza"], "server", server.address, server.c2s_port,
                       "romeo@example.test", "secret1", BOX)
        tv.stop()


@pytest.mark.parametrize("way", [across_the_room, by_server], ids=lambda way: way.__name__)
def test_the_page_is_enough(lan, way):
    mpv = Mpv(lan["pronto"])
    with way(lan) as stranger:
        answer = stranger.ask("subscribe")
        assert answer.get("type") == "result", ElementTree.tostring(answer)
        stranger.wait_told("playback=.playing")
        state = stranger.state("press", "pause")
        assert state.get("playback") == "paused" and mpv.get("pause") is True
        stranger.wait_told("playback=.paused")
        assert float(stranger.state("press", "seek", "100").get("position")) == pytest.approx(100, 0.01)
        assert float(stranger.state("press", "seek", "+50").get("position")) == pytest.approx(150, 0.01)
        assert mpv.get("time-pos") == pytest.approx(150, 0.01)
        assert stranger.state("press", "volume", "40").get("volume") == "40"
        assert mpv.get("volume") == 40
        assert stranger.state("press", "mute", "on").get("muted") == "true" and mpv.get("mute") is True
        assert stranger.state("press", "rate", "1.5").get("rate") == "1.5" and mpv.get("speed") == 1.5
        assert "key" in state.get("can").split()
        for motion in ("down", "held", "up"):
            stranger.state("key", "volumeup", motion)
        assert mpv.get("volume") > 40
        mpv.set("pause", False)
        stranger.wait_told("playback=.playing.* rate=.1.5|rate=.1.5.* playback=.playing")
        assert stranger.error("press", "nonsense") == "item-not-found"
        assert stranger.error("press", "seek") == "bad-request"
        assert stranger.error("press", "volume", "400") == "not-acceptable"
        assert stranger.state("state").get("player") == "mpv"
