# SPDX-License-Identifier: ISC
"""A chat client off the shelf, profanity in a terminal, drives a real mpv by what it has for anybody:
a message, and ad-hoc commands."""

import os

import pytest

from box import Lan
from daemon import Daemon, Mpv
from ns import wait_until
from servers import Ejabberd
from terminal import Terminal
from test_slixmpp import CONF

BOX = "tv.example.test"
NODE = "urn:earshot:buttons:0#"


class Profanity(Terminal):
    def __init__(self, host, server, user):
        home = os.path.join(host.dir, "profanity")
        os.makedirs(home)
        super().__init__(host, ["profanity"], env={
            "HOME": home, "XDG_CONFIG_HOME": home, "XDG_DATA_HOME": home, "LC_ALL": "C.UTF-8"})
        self.wait("/help")
        # Its own trust in certificates is not what is tried here.
        self.say("/connect %s@%s server %s port %d tls trust" % (
            user, server.domain, server.address, server.c2s_port))
        self.wait("password:")
        self.say(server.accounts[user])
        self.wait("logged in successfully")

    def say(self, text):
        self.type(text)
        self.keys("Enter")


@pytest.fixture
def world():
    with Lan("box") as lan:
        host = lan["box"]
        with Ejabberd(domain="example.test", address=host.address, prefix=host.ns.enter([]),
                      accounts={"romeo": "secret1"}, components={BOX: "secret"}) as server:
            mpv = Mpv(host)
            box = Daemon(host, CONF % {"host": server.address, "port": server.component_port},
                         start=False)
            box.write("secret", "secret\n")
            box.start()
            box.proc.wait_for("connected as " + BOX, 20)
            with Profanity(host, server, "romeo") as romeo:
                yield romeo, mpv
            box.stop()


def test_profanity(world):
    romeo, mpv = world
    romeo.say("/msg %s pause" % BOX)
    romeo.wait(BOX + ": paused 0:")
    assert mpv.get("pause") is True
    romeo.say("what's on")
    romeo.wait("paused 0:.*\n(.*\n)*.*paused 0:.*clip.wav")
    romeo.say("/cmd list")
    romeo.wait(NODE + "menu")
    romeo.say("/cmd exec %splaypause" % NODE)
    romeo.wait(NODE + "playpause completed")
    assert mpv.get("pause") is False
    # The menu: a form, which stays open for the next press.
    romeo.say("/cmd exec %smenu" % NODE)
    romeo.wait("Form title: Remote control")
    romeo.wait(r"\[quieter\] Quieter")
    before = mpv.get("volume")
    for n in (1, 2):
        romeo.say("/field1 quieter")
        romeo.say("/form submit")
        wait_until(lambda n=n: mpv.get("volume") == before - 5 * n, 10,
                   lambda: "the volume: %s" % "\n".join(romeo.lines()))
        romeo.wait("volume %d %%" % (before - 5 * n))
