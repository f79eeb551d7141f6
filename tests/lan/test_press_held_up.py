# SPDX-License-Identifier: ISC
"""test_press_held_up.py: presses that an outage holds up: stale ones never act and each is told,
fresh ones that come together act once."""

import time
from xml.sax.saxutils import quoteattr

import pytest

from lab import BOX, REMOTE
from ns import wait_until
from strangers import street
from traffic import CLIENT, History, Program, error_text

BUTTONS = "urn:earshot:buttons:0"
DELIVERY = "urn:earshot:delivery:0"
COUNT = 50
LIFE = 5        # s
OUTAGE = 30     # s
NOBODY = "recipient-unavailable: no path to it: not in earshot, and not reachable through a server"
START = 70      # per cent, the demo's volume


class Thumb(Program):
    """A program that presses one button, each with an id and a life."""

    def __init__(self, daemon, button, life):
        super().__init__(daemon, BOX, History("presses"), History("none"))
        self.button, self.life, self.answers = button, life, {}
        self.made, self.slowest = {}, 0.0

    def send_one(self):
        self.number += 1
        self.made[self.number] = time.monotonic()
        self.waiting += (
            "<iq type='set' to=%s id='%s-%d'><press xmlns='%s' %s id='%s-%d'>"
            "<expires xmlns='%s' ms='%d'/></press></iq>" % (
                quoteattr(self.to), self.tag, self.number, BUTTONS, self.button, self.tag,
                self.number, DELIVERY, self.life * 1000)).encode()

    def on_stanza(self, stanza):
        super().on_stanza(stanza)
        ident = stanza.get("id", "")
        if stanza.tag == "{%s}iq" % CLIENT and ident.startswith(self.tag + "-"):
            number = int(ident.split("-")[1])
            assert number not in self.answers, "a second answer to press %d" % number
            self.answers[number] = stanza
            self.slowest = max(self.slowest, time.monotonic() - self.made[number])

    def press_all(self, rate):
        self.start()
        self.wait_listening()
        self.send(rate, COUNT)
        wait_until(self.is_done, 30, "all presses to be made")

    def finish(self):
        """What came of each: "done", or the text of its error."""
        wait_until(lambda: len(self.answers) == COUNT, 60,
                   lambda: "answers to %d presses; there are %d" % (COUNT, len(self.answers)))
        self.stop()
        if self.failure is not None:
            raise self.failure
        return [self.fate(self.answers[n + 1]) for n in range(COUNT)]

    @staticmethod
    def fate(answer):
        if answer.get("type") == "result":
            return "done"
        expired = answer.find(".//{%s}expired" % DELIVERY) is not None
        return "expired" if expired else error_text(answer)


def two(home):
    """A remote and a box; the remote."""
    remote = home.device("remote", "sofa", "component", REMOTE, {BOX: "yes"}, player="kind = none")
    home.device("box", "tv", "component", BOX, {REMOTE: "yes"})
    return remote


def volume(remote):
    answer = remote.cli("--json", "status", BOX)
    return answer.rows[-1]["volume"] if answer.code == 0 else None


@pytest.mark.parametrize("silent", [True, False], ids=["silent", "told"])
def test_stale_ones_never_act(silent):
    """Neither way works for half a minute, and nothing says so, or both ends see it."""
    with street(["remote", "box"], components=[REMOTE, BOX]) as home:
        remote = two(home)
        for link in ("server", "lan"):
            wait_until(lambda k=link: remote.paths(BOX).get(k, {}).get("state") == "up", 60, link)
        # An answer on the direct stream makes the box known as one that remembers what it got.
        wait_until(lambda: volume(remote) == START and
                   remote.paths(BOX)["lan"]["rtt_us"] is not None, 60,
                   lambda: "a measured stream: %s" % remote.paths(BOX), step=0.2)
        home.net.cut_lan(silent=silent)
        if silent:
            home.net.cut_wan()
        else:
            home.server.stop()
            wait_until(lambda: not any(p["state"] == "up" for p in remote.paths(BOX).values()), 20,
                       lambda: "no way: %s" % remote.paths(BOX))
        begun = time.monotonic()
        thumb = Thumb(remote, "button='volume' value='+1'", LIFE)
        thumb.press_all(20)
        wait_until(lambda: time.monotonic() - begun > OUTAGE, 60, "the end of the outage", step=0.2)
        if silent:
            home.net.restore_wan()
        else:
            home.server.start()
        home.net.restore_lan()
        fates = thumb.finish()
        # Who asks when no way is left is told at once. What was under way when the ways died
        # silently waits for another one as long as it lives; whether it arrived cannot be known.
        silently = {"expired", "remote-server-timeout: no answer in time"} if silent else set()
        assert set(fates) <= {NOBODY} | silently, set(fates)
        assert thumb.slowest < LIFE + 4, thumb.slowest
        wait_until(lambda: volume(remote) is not None, 60, "the box to be reached again", step=0.2)
        assert volume(remote) == START


def test_fresh_ones_act_once():
    with street(["remote", "box"], components=[REMOTE, BOX]) as home:
        remote = two(home)
        home.net.cut_lan(silent=False)
        wait_until(lambda: volume(remote) == START, 60, "the box to be reached")
        # When they have told each other their addresses, the box is told the remote's time.
        wait_until(lambda: remote.paths(BOX)["server"]["rtt_us"] is not None, 60,
                   lambda: "a measured way by the server: %s" % remote.paths(BOX))
        home.server.freeze()
        thumb = Thumb(remote, "button='volume' value='+1'", 20)
        thumb.press_all(40)
        time.sleep(1)       # the last one was held up, too
        home.server.thaw()
        assert thumb.finish() == ["done"] * COUNT
        assert volume(remote) == START + 1
        # A thumb that presses while nothing is held up is obeyed each time.
        thumb = Thumb(remote, "button='volume' value='+1'", 5)
        thumb.start()
        thumb.wait_listening()
        thumb.send(10, 5)
        wait_until(lambda: len(thumb.answers) == 5, 20, "five answers")
        thumb.stop()
        assert volume(remote) == START + 6
