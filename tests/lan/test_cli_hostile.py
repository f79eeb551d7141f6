# SPDX-License-Identifier: ISC
"""The command line before what a hostile peer, a strange daemon and an odd caller do to it."""

import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

import box
from ns import wait_until

EARSHOT = os.path.join(box.BUILD, "earshot")
EARSHOTD = os.path.join(box.BUILD, "earshotd")
HEAD = (b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0' "
        b"xmlns:stream='http://etherx.jabber.org/streams' to='a@b.local/1'>")
VIA = "<via xmlns='urn:earshot:control:0' link='%s' rtt-us='500'/>"
PEER = "x@y.local"


def error(condition, link, name="iq", ident="", text=""):
    """A stanza error as the engine hands it on."""
    return ("<%s type='error' id='%s' from='%s'><error type='cancel'><%s "
            "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text "
            "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>%s</text></error>%s</%s>" %
            (name, ident, PEER, condition, text, VIA % link, name))


class Engine:
    """Stands for the daemon: answer(request) gives what is said to each stanza, None: nothing."""

    def __init__(self, path, answer):
        self.path, self.answer = str(path), answer
        self.seen = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        conn, _ = self.listener.accept()
        text = ""
        with conn:
            conn.sendall(HEAD)
            while True:
                try:
                    more = conn.recv(65536).decode()
                except OSError:
                    return
                text += more
                if not more:
                    return
                while True:
                    found = re.search(r"<(iq|message|presence)\b.*?(</\1>|/>(?=<|$))", text, re.S)
                    if found is None:
                        break
                    text = text[found.end():]
                    self.seen.append(found.group(0))
                    said = self.answer(found.group(0))
                    if said is None:
                        said = self.result(found.group(0))
                    conn.sendall(said.encode())

    @staticmethod
    def ident(stanza):
        return re.search('id="([^"]*)"', stanza).group(1)

    def result(self, stanza, payload=""):
        if not stanza.startswith("<iq"):
            return ""
        return "<iq type='result' id='%s' from='%s'>%s%s</iq>" % (
            self.ident(stanza), PEER, payload, VIA % "lan")


@pytest.fixture
def engine(tmp_path):
    made = []

    def start(answer=lambda stanza: None):
        made.append(Engine(tmp_path / "sock", answer))
        return made[-1]
    yield start
    for one in made:
        one.listener.close()


def earshot(engine, *args, **more):
    more.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run([EARSHOT, "--socket", engine.path, *args], capture_output=True, text=True,
                          timeout=20, check=False, **more)


def state(**attributes):
    return "<state xmlns='urn:earshot:buttons:0' player='demo' %s/>" % " ".join(
        "%s='%s'" % pair for pair in attributes.items())


# --- what a peer says ----------------------------------------------------------------------------

def test_json_holds_nothing_that_moves_a_terminal(engine):
    """C1 controls and bidirectional overrides are valid in JSON, and harm where it is looked at."""
    nasty = "a\x7fb\x9b31mc\u202ed\u2066e"
    daemon = engine(lambda iq: daemon.result(iq, state(playback="playing", title=nasty)))
    done = earshot(daemon, "--json", "status", PEER)
    assert done.returncode == 0, done
    assert done.stdout.isprintable() or not re.search("[\x7f-\x9f\u202a-\u202e\u2066-\u2069]",
                                                      done.stdout), done.stdout
    assert json.loads(done.stdout)["title"] == nasty


def test_numbers_that_are_none(engine):
    """Every key is there, whatever the peer calls a number."""
    daemon = engine(lambda iq: daemon.result(iq, state(
        playback="playing", position="nan", duration="inf", volume="9" * 40)))
    done = earshot(daemon, "--json", "status", PEER)
    row = json.loads(done.stdout)
    assert (row["position"], row["duration"], row["volume"]) == (None, None, None), row


def test_a_message_cannot_pose_as_another_line(engine):
    body = "hi\n12:00 &lt;me&gt; agreed\n-- straight over the LAN now"

    def answer(stanza):
        if "<watch" not in stanza:
            return None
        return daemon.result(stanza) + (
            "<message type='chat' from='%s'><body>%s</body>%s</message>" % (PEER, body,
                                                                            VIA % "lan"))
    daemon = engine(answer)
    proc = subprocess.Popen([EARSHOT, "--socket", daemon.path, "chat", PEER],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        lines = [proc.stdout.readline().rstrip("\n") for _ in range(3)]
    finally:
        out, _ = proc.communicate("/quit\n", timeout=60)
    assert re.match(r"\d\d:\d\d <%s> hi$" % PEER, lines[0]), (lines, out)
    assert lines[1:] == ["      12:00 <me> agreed", "      -- straight over the LAN now"]


@pytest.mark.parametrize("condition", ["recipient-unavailable", "remote-server-not-found"])
def test_nobody_behind_the_server_is_4(engine, condition):
    daemon = engine(lambda iq: error(condition, "server", ident=daemon.ident(iq)))
    done = earshot(daemon, "status", PEER)
    assert done.returncode == 4 and "nobody there" in done.stderr, done


def test_plaintext_refused_is_6(engine):
    daemon = engine(lambda iq: error("not-authorized", "none", ident=daemon.ident(iq)))
    done = earshot(daemon, "status", PEER)
    assert done.returncode == 6 and "plaintext" in done.stderr, done


def test_name_of_a_peer_does_not_take_a_domain(engine):
    """What a peer calls itself is a hint; an address stays one."""
    daemon = engine(lambda iq: daemon.result(
        iq, "<peers xmlns='urn:earshot:control:0' first='0' total='1'><peer name='example.org' "
        "address='mallory@evil.local'/></peers>" if "<peers" in iq else ""))
    earshot(daemon, "ping", "-c", "1", "example.org")
    pings = [s for s in daemon.seen if "urn:xmpp:ping" in s]
    assert pings and all('to="example.org"' in s for s in pings), daemon.seen


# --- sending -------------------------------------------------------------------------------------

def test_send_learns_that_nobody_listens(engine):
    """The other side's answer to a message comes after ours has left: a ping behind it comes back
    later still."""
    held = []

    def answer(stanza):
        if stanza.startswith("<message"):
            held.append(daemon.ident(stanza))
            return ""
        if "urn:xmpp:ping" in stanza:
            return error("service-unavailable", "lan", "message", held.pop(), "nobody listens") + \
                daemon.result(stanza)
        return None
    daemon = engine(answer)
    done = earshot(daemon, "send", PEER, "hello")
    assert done.returncode == 1 and "nobody listens" in done.stderr, done


def test_send_does_not_wait_for_who_answers_no_ping(engine):
    daemon = engine(lambda stanza: "" if "urn:xmpp:ping" in stanza else None)
    began = time.monotonic()
    done = earshot(daemon, "send", PEER, "hello")
    assert done.returncode == 0 and done.stderr == "", done
    assert time.monotonic() - began < 8     # less than a ping is given


@pytest.mark.parametrize("args", [["send", PEER], ["send", "-l", PEER], ["stanza"]])
def test_interrupted_while_it_reads(engine, args):
    daemon = engine()
    proc = subprocess.Popen([EARSHOT, "--socket", daemon.path, *args], stdin=subprocess.PIPE,
                            stderr=subprocess.PIPE)

    def is_reading():
        with open("/proc/%d/wchan" % proc.pid, encoding="ascii") as file:
            return "pipe" in file.read()
    try:
        wait_until(is_reading, 10, "it to read")
        proc.send_signal(signal.SIGINT)
        assert proc.wait(60) == 130
        assert proc.stderr.read() == b""
    finally:
        if proc.poll() is None:
            proc.kill()
        proc.communicate()


def test_interrupted_while_it_waits(engine):
    daemon = engine(lambda stanza: "")
    proc = subprocess.Popen([EARSHOT, "--socket", daemon.path, "status", PEER],
                            stderr=subprocess.PIPE)
    wait_until(lambda: daemon.seen, 10, "the question")
    proc.send_signal(signal.SIGINT)
    _, said = proc.communicate(timeout=60)
    assert proc.returncode == 130 and said == b""


def test_ping_says_when_the_daemon_died(engine):
    answered = []

    def answer(stanza):
        answered.append(stanza)
        return "</stream:stream>" if len(answered) > 1 else None
    done = earshot(engine(answer), "ping", "-i", "0.01", "-c", "9", PEER)
    assert done.returncode == 3 and "daemon" in done.stderr, done


# --- descriptors ---------------------------------------------------------------------------------

def test_output_that_cannot_be_written(engine):
    daemon = engine(lambda iq: daemon.result(iq, state(playback="playing")))
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([EARSHOT, "--socket", daemon.path, "status", PEER], stdout=full,
                              stderr=subprocess.PIPE, text=True, timeout=20, check=False)
    assert done.returncode == 3 and "standard output" in done.stderr, done


def test_reader_of_the_output_left(engine):
    daemon = engine(lambda iq: daemon.result(iq, state(playback="playing")))
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([EARSHOT, "--socket", daemon.path, "status", PEER], stdout=write,
                          stderr=subprocess.PIPE, text=True, timeout=20, check=False)
    os.close(write)
    assert done.returncode == 0 and done.stderr == "", done


@pytest.mark.parametrize("closed", ["<&- >&- 2>&-", ">&-", "2>&-", "<&-"])
def test_closed_descriptors_are_not_taken_for_others(engine, closed):
    """Otherwise what is printed goes into the stream to the daemon."""
    daemon = engine(lambda iq: error("item-not-found", "lan", ident=daemon.ident(iq)))
    done = subprocess.run(["sh", "-c", 'exec "$0" --socket "$1" status "$2" ' + closed, EARSHOT,
                           daemon.path, PEER], capture_output=True, timeout=20, check=False)
    assert done.returncode == 1, done
    assert all(s.startswith("<iq") for s in daemon.seen)


def test_daemon_with_closed_descriptors(tmp_path):
    """Its log goes to nobody, and above all not to whoever is connected to descriptor 2."""
    conf = tmp_path / "conf"
    conf.write_text("[lan]\nenabled = no\n[player]\nkind = none\n[local]\nsocket = %s\n" %
                    (tmp_path / "sock"))
    proc = subprocess.Popen(["sh", "-c", 'exec "$0" -v -c "$1" <&- >&- 2>&-', EARSHOTD, str(conf)])
    try:
        wait_until((tmp_path / "sock").exists, 10, "the socket")
        for fd in (0, 1, 2):
            assert os.readlink("/proc/%d/fd/%d" % (proc.pid, fd)) == "/dev/null"
    finally:
        proc.terminate()
        assert proc.wait(60) == 0


# --- what is followed ----------------------------------------------------------------------------

SELF = ("<self xmlns='urn:earshot:control:0' version='0.1'><address link='lan' address='a@b.local'/>"
        "<address link='server' address='a.example.org'/></self>")
PATHS = ("<paths xmlns='urn:earshot:control:0' first='0' total='1'><path to='%s' address='%s' link='lan' "
         "chosen='true'/></paths>" % (PEER, PEER))


def pushed(sender, **attributes):
    return ("<message type='headline' from='%s'><event xmlns='http://jabber.org/protocol/pubsub#event'>"
            "<items node='urn:earshot:buttons:0'><item id='current'>%s</item></items></event>%s"
            "</message>" % (sender, state(**attributes), VIA % "lan"))


def follows(engine, subscribed):
    """An engine on which the box says that to a subscription."""
    def answer(stanza):
        if "<self" in stanza:
            return daemon.result(stanza, SELF)
        if "<paths" in stanza:
            return daemon.result(stanza, PATHS)
        return subscribed(daemon, stanza)
    daemon = engine(answer)
    return daemon


def test_a_box_that_does_not_tell_is_asked(engine):
    looks = []

    def subscribed(daemon, stanza):
        if "<subscribe" in stanza:
            return error("feature-not-implemented", "lan", ident=daemon.ident(stanza))
        if "<state" in stanza:
            looks.append(stanza)
            return daemon.result(stanza, state(playback="playing", volume=len(looks) // 2))
        return None
    done = earshot(follows(engine, subscribed), "status", PEER, "-w", "-i", "0.02", "-c", "3")
    assert done.returncode == 0, done
    assert re.findall("volume ([0-9]+) %", done.stdout) == ["0", "1", "2"], done
    assert 4 <= len(looks) <= 5


def test_only_the_box_tells_its_state(engine):
    def subscribed(daemon, stanza):
        if "<subscribe" not in stanza:
            return None
        return (pushed("evil@z.local", playback="stopped") + daemon.result(stanza) +
                pushed("evil@z.local/" + PEER, playback="stopped") + pushed(PEER, playback="paused"))
    done = earshot(follows(engine, subscribed), "status", PEER, "-w", "-c", "1")
    assert done.returncode == 0 and done.stdout.startswith("paused"), done


def test_another_device_of_its_account_is_another_box(engine):
    one, two = "r@example.org/one", "r@example.org/two"

    def subscribed(daemon, stanza):
        if "<subscribe" not in stanza:
            return None
        return daemon.result(stanza) + pushed(two, playback="stopped") + pushed(one, playback="paused")
    done = earshot(follows(engine, subscribed), "status", one, "-w", "-c", "1")
    assert done.returncode == 0 and done.stdout.startswith("paused"), done


def test_by_which_name_it_may_be_subscribed(engine):
    """The path may have become another one meanwhile: the next of our names is tried."""
    names = []

    def subscribed(daemon, stanza):
        if "<subscribe" not in stanza:
            return None
        names.append(re.search('jid="([^"]*)"', stanza).group(1))
        if len(names) == 1:
            return error("bad-request", "server", ident=daemon.ident(stanza))
        return daemon.result(stanza) + pushed(PEER, playback="paused")
    done = earshot(follows(engine, subscribed), "status", PEER, "-w", "-c", "1")
    assert done.returncode == 0 and names == ["a@b.local", "a.example.org"], (done, names)


def test_who_may_not_follow_is_told(engine):
    def subscribed(daemon, stanza):
        if "<subscribe" not in stanza:
            return None
        return error("not-authorized", "lan", ident=daemon.ident(stanza), text="pair first")
    done = earshot(follows(engine, subscribed), "status", PEER, "-w")
    assert done.returncode == 1 and "pair first" in done.stderr, done
    assert done.stdout == ""


def test_a_state_that_is_none_is_passed_over(engine):
    def subscribed(daemon, stanza):
        if "<subscribe" not in stanza:
            return None
        return (daemon.result(stanza) + pushed(PEER) + pushed(PEER, playback="flying") +
                pushed(PEER, playback="paused"))
    done = earshot(follows(engine, subscribed), "status", PEER, "-w", "-c", "1")
    assert done.returncode == 0 and done.stdout.startswith("paused"), done
    assert done.stderr.count("protocol error") == 1, done


# --- what a service of nodes says (XEP-0060) ------------------------------------------------------

PUBSUB = "http://jabber.org/protocol/pubsub"
SUBSCRIBED = ("<pubsub xmlns='%s'><subscription node='n' jid='a@b.local' subscription='%%s'/>"
              "</pubsub>" % PUBSUB)


def told(items, node="n"):
    """A notification as the engine hands it on: of items, or whatever else is in <event/>."""
    if items.startswith(("<item ", "<item/")):
        items = "<items node='%s'>%s</items>" % (node, items)
    return ("<message type='headline' from='%s'><event xmlns='%s#event'>%s</event>%s</message>" % (
        PEER, PUBSUB, items, VIA % "lan"))


def watch(engine, *messages, args=(), count=1, state="subscribed"):
    """Watches a node whose service sends these when it has been subscribed to."""
    def answer(stanza):
        if "<self " in stanza:
            return daemon.result(stanza, SELF)
        if "<subscribe " in stanza:
            return daemon.result(stanza, SUBSCRIBED % state)
        # The engine knows then that it is ours to undo: all is done.
        return daemon.result(stanza) + "".join(messages) if "jid=" in stanza else None
    daemon = engine(answer)
    return earshot(daemon, "watch", PEER, "n", "-c", str(count), *args)


def test_items_cannot_harm_a_terminal(engine):
    done = watch(
        engine,
        told("<item id='a&#9;b\x9b31m'><text xmlns='urn:earshot:text:0'>x\x7f\u202ey\nz</text>"
             "</item>"),
        told("<item id='i'><entry xmlns='http://www.w3.org/2005/Atom'><title>\x9b2J</title>"
             "<link href='http://\u202e'/></entry></item>"),
        told("<item id='j'><x xmlns='urn:x'>\x9b\u2066</x></item>"), count=3)
    assert done.returncode == 0, done
    assert done.stdout.splitlines() == [
        "n a\\x09b\\u{9b}31m  x\\x7f\\u{202e}y\\x0az", "n i  \\u{9b}2J <http://\\u{202e}>",
        "n j  <x xmlns=\"urn:x\">\\u{9b}\\u{2066}</x>"], done


def test_large_and_deep_items(engine):
    deep = "<d xmlns='urn:x'>" * 55 + "</d>" * 55
    large = "<item id='l'><x xmlns='urn:x'>%s</x></item>" % ("\N{SNOWMAN}" * 50000)
    done = watch(engine, told("<item id='d'>%s</item>" % deep), told(large), count=2)
    assert done.returncode == 0, done
    lines = done.stdout.splitlines()
    assert len(lines) == 2 and lines[0].startswith("n d  <d ")
    assert lines[1].endswith("\N{SNOWMAN}...") and 1900 < len(lines[1].encode()) < 2100


def test_a_large_item_as_json_is_whole(engine):
    large = "<item id='l' publisher='\x9b@x'><x xmlns='urn:x'>%s</x></item>" % ("y" * 200000)
    done = watch(engine, told(large), args=["--json"])
    assert done.returncode == 0 and "\x9b" not in done.stdout, done.stderr
    row = json.loads(done.stdout)
    assert row["payload"].count("y") == 200000 and row["publisher"] == "\x9b@x"


def test_odd_notifications(engine):
    """What is not about the node, or says nothing, is passed over; what lacks something is told."""
    done = watch(engine, told("<item id='other'/>", "m"), told("<items node='n'/>"), told("<items/>"),
                 told("<nonsense node='n'/>"), told("<subscription node='n'/>"), told(" "),
                 told("<item/>"), told("<purge node='n'/>"),
                 told("<items node='n'><retract id='r'/><odd/><item id='e'/></items>"), count=4)
    assert done.returncode == 0, done
    assert [line.rstrip() for line in done.stdout.splitlines()] == [
        "n", "n  purged", "n r  retracted", "n e"], done


def test_another_than_is_watched_says_nothing(engine):
    forged = told("<item id='forged'/>").replace("from='%s'" % PEER, "from='evil@y.local'")
    done = watch(engine, forged, told("<item id='true'/>"))
    assert done.returncode == 0 and "forged" not in done.stdout and "n true" in done.stdout, done


def test_a_subscription_that_waits_is_said(engine):
    done = watch(engine, told("<item id='i'/>"), state="pending")
    assert done.returncode == 0 and "its owner has to approve" in done.stderr, done


def test_a_listing_without_end(engine):
    """Each page says that there are more, and is the same."""
    page = ("<pubsub xmlns='%s'><items node='n'><item id='i'/></items><set xmlns='http://jabber.org/"
            "protocol/rsm'><last>i</last><count>4000000000</count></set></pubsub>" % PUBSUB)
    daemon = engine(lambda stanza: daemon.result(stanza, page))
    done = earshot(daemon, "items", PEER, "n", "-q")
    assert done.returncode == 0 and 1000 < len(daemon.seen) <= 2100, (done, len(daemon.seen))


@pytest.mark.parametrize("payload", ["", "<pubsub xmlns='%s'/>" % PUBSUB, "<x xmlns='urn:x'/>"])
def test_answers_that_say_nothing(engine, payload):
    daemon = engine(lambda stanza: daemon.result(stanza, payload))
    done = earshot(daemon, "items", PEER, "n")
    assert done.returncode == 0 and done.stdout == "", done


def test_a_refusal_with_what_helps(engine):
    daemon = engine(lambda stanza: error("not-authorized", "lan", ident=daemon.ident(stanza),
                                         text="\x9bno").replace(
        "</error>", "<closed-node xmlns='%s#errors'/></error>" % PUBSUB))
    done = earshot(daemon, "items", PEER, "n")
    assert done.returncode == 1
    assert done.stderr == ("earshot: %s: n: refused (not-authorized, closed-node): \\u{9b}no; ask "
                           "its owner to make this address a member\n" % PEER), done
