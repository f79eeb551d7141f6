# SPDX-License-Identifier: ISC
"""test_press_held_up.py: presses that an outage holds up: stale ones never act and each is told,
fresh ones that come together act once."""

import signal
import time
from xml.sax.saxutils import quoteattr

import pytest

from box import Lan
from daemon import Daemon
from lab import BOX, REMOTE
from ns import wait_until
from strangers import street
from traffic import CLIENT, History, Program, error_text

BUTTONS = "urn:earshot:buttons:0"
DELIVERY = "urn:earshot:delivery:0"
COUNT = 50
LIFE = 5        # s
OUTAGE = 30     # s
BUSY = 12       # s that a busy machine may take to say so; it is far from the end of the outage
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
        assert thumb.slowest < LIFE + BUSY, thumb.slowest
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


ROOM = "[engine]\nname = %s\n[lan]\nuser = %s\n[player]\nkind = %s\n" \
       "[policy]\nbuttons = anyone\nstate = anyone\n"
DROP = "table inet f { chain in { type filter hook input priority 0; tcp dport 5298 drop; }; }"
SHORT = 1       # s


def send_late(remote):
    """A message and a press of a short life; the sender of the message while both wait for a stream,
    None: nobody was dialled, since that has failed a moment ago."""
    sent = remote.follow("send", "tv@pronto.local", "late", "--expires", str(SHORT), "--timeout", "20",
                         name="send")
    press = remote.cli("press", "tv@pronto.local", "volume", "+7", "--expires", str(SHORT))
    if press.code == 5:
        return sent
    assert press.code == 4, press
    sent.stop()
    return None


def end_without_late(box, remote, ear):
    """What was sent in time has come, and nothing of what was late."""
    ear.wait_for("soon")
    assert "late" not in ear.output()
    assert remote.cli("--json", "status", "tv@pronto.local").rows[-1]["volume"] == START
    ear.stop()
    for daemon in (box, remote):
        daemon.stop()


def test_while_its_stream_is_opened():
    """A box that hangs takes connections all the same: what waits for its stream until it goes on is
    too late then, and is not even sent."""
    with Lan("pronto", "forza") as lan:
        for host in lan.hosts.values():
            host.run(["nft", "-f", "-"], stdin=DROP)    # no stream comes into being before that
        box = Daemon(lan["pronto"], ROOM % ("pronto", "tv", "demo"))
        remote = Daemon(lan["forza"], ROOM % ("forza", "sofa", "none"))
        remote.wait_peer("tv@pronto.local")
        ear = box.follow("stanza", "--listen", name="listen")
        box.proc.send_signal(signal.SIGSTOP)
        for host in lan.hosts.values():
            host.run(["nft", "flush", "ruleset"])
        sent = wait_until(lambda: send_late(remote), 30, "a dial", step=0.5)
        box.proc.send_signal(signal.SIGCONT)
        assert sent.wait(20) == 5, sent.output()
        assert "it expired on its way: it was not delivered" in sent.output()
        # What is sent now goes by the same stream, behind all that was sent before.
        assert remote.cli("send", "tv@pronto.local", "soon").code == 0
        end_without_late(box, remote, ear)


def test_while_its_box_hangs():
    """The first thing that ever comes by a stream which was there before the box hung."""
    with Lan("pronto", "forza") as lan:
        box = Daemon(lan["pronto"], ROOM % ("pronto", "tv", "demo"))
        remote = Daemon(lan["forza"], ROOM % ("forza", "sofa", "none"))
        remote.wait_peer("tv@pronto.local")
        box.cli("stanza", stdin="<message to='sofa@forza.local'><body>opens it</body></message>")
        ear = box.follow("stanza", "--listen", name="listen")
        for daemon, other in ((remote, "tv@pronto.local"), (box, "sofa@forza.local")):
            wait_until(lambda d=daemon, o=other: d.paths(o)["lan"]["state"] == "up", 30, "a stream")
        box.proc.send_signal(signal.SIGSTOP)
        message = remote.follow("send", "tv@pronto.local", "late", "--expires", str(SHORT), name="m")
        press = remote.cli("press", "tv@pronto.local", "volume", "+7", "--expires", str(SHORT))
        assert press.code == 5, press
        message.stop()
        box.proc.send_signal(signal.SIGCONT)
        box.proc.wait_for("a message came too late: dropped")
        box.proc.wait_for("iq came too late: dropped")
        wait_until(lambda: remote.cli("send", "tv@pronto.local", "soon").code == 0, 20, "a way")
        end_without_late(box, remote, ear)
