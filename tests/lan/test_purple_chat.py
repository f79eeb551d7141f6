# SPDX-License-Identifier: ISC
"""libpurple and Earshot chat both ways; nothing is lost when both open at once."""

import re

import pytest

from daemon import Daemon
from ns import wait_until
from purple import Purple

CONF = """
[engine]
name = pronto
[lan]
user = tv
mdns = %s
[player]
kind = none
"""


class Pair:
    def __init__(self, lan, kind):
        lan["forza"].start_avahi()
        if kind == "daemon":
            lan["pronto"].start_avahi()
        self.box = Daemon(lan["pronto"], CONF % kind)
        self.alice = Purple(lan["forza"], "alice")
        self.alice.until_it_sees("tv@pronto")
        self.box.wait_peer("alice@forza.local", 30)
        self.ear = self.box.follow("stanza", "--listen", name="listen")
        # Only once the listener is known to the daemon may messages be sent to it.
        wait_until(self.is_listening, 10, "the listener")

    def is_listening(self):
        return self.box.cli("send", "tv@pronto.local", "are you there?").code == 0 and \
            "are you there?" in self.ear.output()

    def heard(self):
        return re.findall(r"<body>(number \d+)</body>", self.ear.output())

    def say(self, text):
        answer = self.box.cli("send", "alice@forza.local", text)
        assert answer.code == 0, answer


@pytest.fixture(params=["daemon", "embedded"])
def pair(request, lan):
    made = Pair(lan, request.param)
    yield made
    made.ear.stop()
    made.box.stop()


def test_both_ways(pair):
    pair.say("Hello Alice, größer")
    pair.alice.wait_for("^message tv@pronto Hello Alice, größer$")
    for n in range(20):
        pair.alice.send("tv@pronto", "number %d" % n)
    wait_until(lambda: len(pair.heard()) == 20, 10, "20 messages")
    assert pair.heard() == ["number %d" % n for n in range(20)]


def test_both_open_at_once(pair):
    rounds = 20
    for n in range(rounds):
        pair.alice.send("tv@pronto", "number %d" % n)
        pair.say("round %d" % n)
        wait_until(lambda: len(pair.heard()) > n, 15, "message %d of alice" % n)
        pair.alice.wait_for("^message tv@pronto round %d$" % n, 15)
        pair.alice.close_chat("tv@pronto")
        pair.alice.wait_for("^closed tv@pronto$", 10, count=n + 1)
    assert pair.heard() == ["number %d" % n for n in range(rounds)]
    said = pair.alice.messages("tv@pronto")
    assert said == ["round %d" % n for n in range(rounds)], said
