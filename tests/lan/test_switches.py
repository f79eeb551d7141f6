# SPDX-License-Identifier: ISC
"""Another path is taken: everybody who looks on is told so when it happens, and why."""

import json
import re

import pytest

import test_two_homes
from ns import wait_until
from terminal import Terminal

home = test_two_homes.home      # a fixture

BOX = "box.example.test"
TV = "tv@box.local"


def rows(proc):
    return [json.loads(line) for line in re.findall(r"^\{.*\n", proc.output(), re.MULTILINE)]


def saw(proc, pattern):
    wait_until(lambda: re.search(pattern, proc.output(), re.MULTILINE), 20,
               lambda: "%s in:\n%s" % (pattern, proc.output()), step=0.1)


def test_commands_that_look_on(home):
    remote = home.remote
    follow = {"text": remote.follow("paths", BOX, "-w"),
              "json": remote.follow("paths", "-w", "--json"),
              "peers": remote.follow("peers", "-w", "--json"),
              "ping": remote.follow("ping", BOX, "-i", "0.2", "--timeout", "3")}
    saw(follow["text"], r"^\* +tv@box.local +lan +up ")
    saw(follow["ping"], r"path=lan ")
    wait_until(lambda: rows(follow["json"]) and rows(follow["peers"]), 20, "the first rows")
    assert "now by" not in follow["ping"].output()

    home.net.cut_lan(silent=True)
    saw(follow["text"], r"^\d\d:\d\d:\d\d tv@box\.local: now by server( \([0-9.]+ ms\))?: lan "
                        r"failed: .+$")
    saw(follow["ping"], r"^-- now by server.*: lan failed: .+\nfrom .* path=server ")
    wait_until(lambda: rows(follow["peers"])[-1]["link"] == "server", 20, "the row of the peer")
    change = [row for row in rows(follow["json"]) if row.get("event") == "path"][-1]
    assert list(change) == ["event", "to", "jid", "link", "rtt_us", "why", "failed", "failure"]
    assert (change["to"], change["jid"], change["link"]) == (TV, BOX, "server"), change
    assert change["failed"] == "lan" and change["failure"], change

    home.net.restore_lan()
    saw(follow["text"], r"^\d\d:\d\d:\d\d tv@box\.local: now by lan \([0-9.]+ ms\): shorter")
    saw(follow["ping"], r"^-- now by lan \([0-9.]+ ms\): shorter.*\nfrom .* path=lan ")
    wait_until(lambda: rows(follow["peers"])[-1]["link"] == "lan", 20, "the row of the peer")
    change = [row for row in rows(follow["json"]) if row.get("event") == "path"][-1]
    assert change["link"] == "lan" and change["rtt_us"] > 0 and change["failed"] is None, change


@pytest.mark.timeout(180)
def test_chat_in_a_terminal(home):
    with Terminal(home.remote.host, home.remote.argv("chat", BOX)) as screen:
        screen.wait(r"^box\.example\.test> ?$")
        screen.keys("-l", "hello")
        screen.keys("Enter")
        screen.wait(r"<me> hello")
        screen.keys("-l", "half a li")
        home.net.cut_lan(silent=True)
        screen.wait(r"-- now by server( \(.* ms\))?: lan failed: ")
        # Above the line, and what was typed is still there.
        assert screen.lines()[-1].rstrip() == "box.example.test> half a li", screen.lines()
        home.net.restore_lan()
        screen.wait(r"-- now by lan \(.* ms\): shorter")
        screen.keys("-l", "ne")
        screen.wait(r"^box\.example\.test> half a line$")
        order = [re.sub(r".*now by (\w+).*", r"\1", line) for line in screen.lines()
                 if "now by" in line]
        assert order[-2:] == ["server", "lan"], order
