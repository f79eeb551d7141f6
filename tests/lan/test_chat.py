# SPDX-License-Identifier: ISC
"""earshot chat in a terminal: the line that is typed, what arrives meanwhile, and what is kept."""

import os
import re
import stat

import pytest

import box
from daemon import Daemon
from ns import wait_until
from terminal import Terminal

TV = "tv@pronto.local"
SOFA = "sofa@forza.local"

CONF = """
[engine]
name = %s
[lan]
user = %s
mdns = embedded
[player]
kind = demo
chat = no
[policy]
buttons = anyone
state = anyone
"""


class Pair:
    def __init__(self, lan):
        self.lan = lan
        self.tv = Daemon(lan["pronto"], CONF % ("pronto", "tv"))
        self.sofa = Daemon(lan["forza"], CONF % ("forza", "sofa"))
        self.sofa.wait_peer(TV)
        self.tv.wait_peer(SOFA)

    def chat(self, columns=80, rows=24, **env):
        return Terminal(self.lan["forza"], self.sofa.argv("chat", TV), columns, rows, env=env)


@pytest.fixture(scope="module")
def pair():
    with box.Lan("pronto", "forza") as lan:
        yield Pair(lan)


@pytest.fixture
def other(pair):
    """A program at the other end, that says what it gets."""
    proc = pair.tv.follow("stanza", "--listen", "--timeout", "100")
    pair.tv.cli("stanza", "--listen", "--timeout", "0.2")   # it is told who is there, too
    yield proc
    proc.stop()


def bodies(proc):
    return [text.replace("\\x0a", "\n") for text in re.findall(r"<body>(.*?)</body>", proc.output())]


def wait_body(proc, text):
    wait_until(lambda: text in bodies(proc), 20, lambda: "%r in %s" % (text, proc.output()))


PROMPT = r"^tv@pronto\.local> ?"


def test_message_above_a_line_of_several_rows(pair, other):
    """What is typed takes three rows, and is there once, below what came."""
    text = "".join("%03d " % i for i in range(25))
    with pair.chat(40, 12) as screen:
        screen.wait(PROMPT)
        screen.type(text)
        screen.wait("024")
        assert pair.tv.cli("send", SOFA, "knock knock").code == 0
        screen.wait(r"<tv@pronto\.local> knock knock")
        screen.wait("024")
        screen.wait(PROMPT + "000 001")
        assert "".join(screen.screen()).count("000 001") == 1, screen.screen()
        screen.keys("Home")
        screen.type("X")
        assert pair.tv.cli("send", SOFA, "once more").code == 0
        screen.wait("once more")
        screen.wait(PROMPT + "X000 001")
        assert "".join(screen.screen()).count("000 001") == 1, screen.screen()
        screen.keys("Enter")
        wait_body(other, "X" + text)


def test_wide_characters(pair, other):
    with pair.chat() as screen:
        screen.wait(PROMPT)
        screen.type("\u65e5\u672c\u8a9e gr\u00fc\u00dfe")
        screen.wait("\u8a9e gr\u00fc\u00dfe")
        screen.keys("Home", "Right", "Right", "BSpace", "End", "BSpace")
        screen.type("en")
        screen.wait("\u65e5\u8a9e gr\u00fc\u00dfen")
        screen.keys("Enter")
        wait_body(other, "\u65e5\u8a9e gr\u00fc\u00dfen")


def test_pasted_lines_wait_for_enter(pair, other):
    with pair.chat() as screen:
        screen.wait(PROMPT)
        screen.type("say: ")
        screen.paste("one\n/quit\nthree\n")
        screen.wait(PROMPT + "say: one\u21b5/quit\u21b5three")
        assert bodies(other) == []
        screen.keys("Enter")
        wait_body(other, "say: one\n/quit\nthree")
        assert len(bodies(other)) == 1


def test_escape_waits_for_nothing(pair, other):
    """Half a key: libedit would wait for the rest of it, and nothing else happen meanwhile."""
    with pair.chat() as screen:
        screen.wait(PROMPT)
        screen.type("half")
        screen.keys("Escape")
        assert pair.tv.cli("send", SOFA, "after escape").code == 0
        screen.wait("after escape")
        # Longer than the rest of a key may take: what comes now is another one.
        assert pair.sofa.cli("ping", TV, "-c", "3", "-i", "0.1").code == 0
        screen.type(" whole")
        screen.keys("Enter")
        wait_body(other, "half whole")


def test_history_is_kept(pair, other):
    home = pair.lan["forza"].dir
    with pair.chat() as screen:
        screen.wait(PROMPT)
        screen.type("remember me")
        screen.keys("Enter")
        wait_body(other, "remember me")
        screen.type("/quit")
        screen.keys("Enter")
        screen.wait("^ended with 0")
    path = os.path.join(home, ".local/state/earshot/chat-history")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    with pair.chat() as screen:
        screen.wait(PROMPT)
        screen.keys("Up", "Up")
        screen.wait(PROMPT + "remember me")
        screen.keys("Enter")
        wait_until(lambda: bodies(other).count("remember me") == 2, 20, other.output)
        for i in range(600):
            screen.type("/nothing %d\r" % i)
        screen.type("\r/quit\r")
        screen.wait("^ended with 0", timeout=60)
    with open(path, encoding="utf-8") as f:
        assert len(f.readlines()) <= 501
    assert os.listdir(os.path.dirname(path)) .count("chat-history") == 1
    # Somebody else's, or a strange thing: not read, and no reason to fail.
    os.unlink(path)
    os.symlink("/dev/zero", path)
    with pair.chat() as screen:
        screen.wait(PROMPT)
        screen.keys("C-d")
        screen.wait("^ended with 0")


def test_completion(pair):
    with pair.chat() as screen:
        screen.wait(PROMPT)
        screen.type("/pre\t")
        screen.wait(PROMPT + "/press *$")
        screen.type("pla\t")
        screen.wait(PROMPT + "/press play")
        screen.type("\t")
        screen.wait("^play +playpause")
        screen.type("p\t\r")
        screen.wait(r"-- (paused|playing) .*volume")
        screen.type("/press key numeric_\t\t")
        screen.wait("numeric_0 +numeric_1")
        screen.keys("C-u")
        screen.type("hello tv@\t")
        screen.wait(PROMPT + r"hello tv@pronto\.local *$")


def test_commands(pair):
    with pair.chat(120, 40) as screen:
        screen.wait(PROMPT)
        for line, answer in (("/help", r"-- /press BUTTON \[VALUE\]: press"),
                             ("/ping", r"-- answered by lan in [0-9.]+ ms"),
                             ("/who", r"-- tv@pronto\.local.*: lan .* ms, keyed"),
                             ("/paths", r"-- \* lan: up, "),
                             ("/press volume 33", r"-- .*volume 33 %"),
                             ("/press volume 333", r"! volume: \"333\" is out of range"),
                             ("/press", r"-- /press BUTTON \[VALUE\]; Tab"),
                             ("/press key epg", r"! tv@pronto\.local: refused \(feature"),
                             ("/status", r"-- .*volume 33 %"),
                             ("/quit now", r"-- /quit takes nothing behind it"),
                             ("/nothing", r"-- unknown command")):
            screen.type(line + "\r")
            screen.wait(answer)
        screen.type("/quit\r")
        screen.wait("^ended with 0")


def test_stopped_continued_and_resized(pair, other):
    with Terminal(pair.lan["forza"], ["bash", "--norc", "-i"], 80, 24) as screen:
        screen.type(" ".join(pair.sofa.argv("chat", TV)) + "\r")
        screen.wait(PROMPT)
        screen.type("half a li")
        screen.wait("half a li")
        screen.keys("C-z")
        screen.wait("Stopped")
        screen.type("echo $((6 * 7))\r")
        screen.wait("^42$")
        screen.type("fg\r")
        screen.wait(PROMPT + "half a li")
        screen.resize(60, 20)
        screen.type("ne")
        screen.wait(PROMPT + "half a line$")
        screen.keys("Enter")
        wait_body(other, "half a line")


def test_a_pipe_is_no_terminal(pair, other):
    done = pair.lan["forza"].run(pair.sofa.argv("chat", TV), stdin="one\ntwo\r\nthree")
    assert done.returncode == 0 and "\033" not in done.stdout, done
    wait_body(other, "three")
    assert bodies(other) == ["one", "two", "three"]
