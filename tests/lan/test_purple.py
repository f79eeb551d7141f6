# SPDX-License-Identifier: ISC
"""test_purple.py: two libpurple clients talk in the box: a proof of the harness, without us."""

import re
import subprocess

import pytest

from purple import Purple


@pytest.fixture
def pair(lan):
    """alice@pronto and bob@forza, who see each other."""
    for host in lan.hosts.values():
        host.start_avahi()
    alice = Purple(lan["pronto"], "alice")
    bob = Purple(lan["forza"], "bob")
    return alice.until_it_sees("bob@forza"), bob.until_it_sees("alice@pronto")


def test_chat_both_ways(pair):
    alice, bob = pair
    alice.send("bob@forza", "Hello <Bob> & co, größer")
    bob.wait_for(r"^message alice@pronto Hello <Bob> & co, größer$")
    bob.send("alice@pronto", "Hello Alice")
    alice.wait_for("^message bob@forza Hello Alice$")
    for n in range(20):
        alice.send("bob@forza", "number %d" % n)
    bob.wait_for("^message alice@pronto number 19$")
    assert re.findall(r"^message \S+ number (\d+)$", bob.output(), re.MULTILINE) == [
        str(n) for n in range(20)]


def test_closing_ends_the_stream_and_a_new_one_opens(pair):
    alice, bob = pair
    alice.send("bob@forza", "first")
    bob.wait_for("^message alice@pronto first$")
    alice.close_chat("bob@forza")
    alice.wait_for("^closed bob@forza$")
    alice.send("bob@forza", "second")
    bob.wait_for("^message alice@pronto second$")


def test_status_and_goodbye(pair):
    alice, bob = pair
    alice.send_line("status away gone fishing")
    bob.wait_for("^status alice@pronto away")
    alice.send_line("quit")
    assert alice.wait(60) == 0
    bob.wait_for("^offline alice@pronto$", 15)


def test_wrong_commands_are_told(lan):
    lan["pronto"].start_avahi()
    alice = Purple(lan["pronto"], "alice")
    alice.send_line("dance")
    alice.wait_for("^error what is: dance$")
    alice.close_chat("nobody@nowhere")
    alice.wait_for("^error no conversation with nobody@nowhere$")
    assert alice.poll() is None
    alice.stdin.close()
    assert alice.wait(60) == 0


def test_without_avahi_it_says_so(lan):
    proc = Purple.start(lan["pronto"], "alice")
    proc.wait_for("^error ", 20)
    assert isinstance(proc, subprocess.Popen)
