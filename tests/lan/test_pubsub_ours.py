# SPDX-License-Identifier: ISC
"""test_pubsub_ours.py: earshot publish, items, watch and subscribe with the service of our own engines:
at the own daemon, over the LAN, through a server, and while the path changes."""

import pytest

from box import Lan
from daemon import Daemon
from ns import wait_until
from strangers import street, wait_level

TV, SOFA = "tv@pronto.local", "sofa@forza.local"
BOX, REMOTE = "box.example.test", "remote.example.test"

CONF = """
[engine]
name = %s
[lan]
user = %s
mdns = embedded
[player]
kind = none
[policy]
publish = anyone
subscribe = anyone
"""


def good(answer):
    assert answer.code == 0, answer
    return answer


class Room:
    def __init__(self, lan):
        self.tv = Daemon(lan["pronto"], CONF % ("pronto", "tv"))
        self.sofa = Daemon(lan["forza"], CONF % ("forza", "sofa"))
        self.sofa.wait_peer(TV)
        self.tv.wait_peer(SOFA)

    def watch(self, daemon, node, *args, **more):
        proc = daemon.follow("watch", TV, node, "-v", *args, **more)
        proc.wait_for(": subscribed$", 20)
        return proc

    def publish(self, node, text, *args):
        return good(self.tv.cli("publish", node, "-l", *args, stdin=text))


@pytest.fixture(scope="module")
def room():
    with Lan("pronto", "forza") as lan:
        made = Room(lan)
        good(made.tv.cli("node", "create", "there"))
        good(made.tv.cli("node", "create", "closed", "access_model=whitelist"))
        yield made


def lines(proc, node):
    return [line.split("  ", 1)[1] for line in proc.lines() if line.startswith(node + " ")]


def test_published_here_and_seen_across_the_room(room):
    good(room.tv.cli("node", "create", "news", "max_items=3"))
    ours, theirs = room.watch(room.tv, "news", name="ours"), room.watch(room.sofa, "news")
    second = room.watch(room.sofa, "news", "--json", name="second")
    room.publish("news", "one\ntwo\nthree\nfour\n")
    for proc in (ours, theirs):
        proc.wait_for("  four$")
        assert lines(proc, "news") == ["one", "two", "three", "four"]
    second.wait_for('"text":"four","stamp":null,"link":"lan"')
    for daemon in (room.tv, room.sofa):
        found = good(daemon.cli("items", TV, "news")).out.splitlines()
        assert [line.split("  ")[1] for line in found] == ["two", "three", "four"]
        assert "news" in good(daemon.cli("items", TV)).out.splitlines()
    found = good(room.sofa.cli("items", TV, "news", "-c", "2", "--json")).rows
    assert [row["text"] for row in found] == ["three", "four"]
    assert theirs.stop() == 0
    room.publish("news", "five")
    second.wait_for('"text":"five"')
    for proc in (ours, second):
        assert proc.stop() == 0
    assert "four" in theirs.output() and "five" not in theirs.output()
    # Who has left is told nothing more.
    assert good(room.tv.cli("node", "subscriptions", "news")).out == ""


def test_published_there_from_here(room):
    good(room.tv.cli("node", "create", "open", "publish_model=open"))
    proc = room.watch(room.tv, "open")
    answer = good(room.sofa.cli("publish", "open", "--to", TV, "--atom", "--title", "From the sofa",
                                "--json"))
    assert answer.rows[0]["link"] == "lan" and answer.rows[0]["to"] == TV
    proc.wait_for("  From the sofa$")
    found = good(room.tv.cli("items", TV, "open", "--json")).rows
    assert found[0]["publisher"] == SOFA
    assert proc.stop() == 0
    answer = room.sofa.cli("node", "delete", "open", "--to", TV)
    assert answer.code == 1 and "forbidden" in answer.err, answer


def test_what_happens_to_a_node(room):
    good(room.tv.cli("node", "create", "short"))
    proc = room.watch(room.sofa, "short")
    item = room.publish("short", "x").out.strip()
    proc.wait_for("^short %s  x$" % item)
    good(room.tv.cli("node", "retract", "short", item))
    proc.wait_for("^short %s  retracted$" % item)
    good(room.tv.cli("node", "purge", "short"))
    proc.wait_for("^short  purged$")
    good(room.tv.cli("node", "delete", "short"))
    proc.wait_for("^short  deleted$")
    proc.stop()


def test_subscriptions_that_stay(room):
    good(room.tv.cli("node", "create", "kept"))
    assert good(room.sofa.cli("subscribe", TV, "kept")).out == "subscribed\n"
    proc = room.watch(room.sofa, "kept")
    room.publish("kept", "hear me")
    proc.wait_for("  hear me$")
    assert proc.stop() == 0
    assert SOFA + "=subscribed" in good(room.tv.cli("node", "subscriptions", "kept")).out
    assert good(room.sofa.cli("unsubscribe", TV, "kept")).out == "none\n"
    assert good(room.tv.cli("node", "subscriptions", "kept")).out == ""


def test_a_program_that_is_killed(room):
    """Here each program is an address of its own, which nobody has once it is gone."""
    good(room.tv.cli("node", "create", "killed"))
    proc = room.watch(room.tv, "killed")
    proc.kill()
    proc.wait()
    assert good(room.tv.cli("node", "subscriptions", "killed")).out.startswith(TV + "/")
    room.publish("killed", "to nobody")
    wait_until(lambda: good(room.tv.cli("node", "subscriptions", "killed")).out == "", 10,
               "the end of its subscription")


def test_here_and_what_is_too_large(room):
    answer = room.tv.cli("subscribe", TV, "there")
    assert answer.code == 2 and "earshot watch" in answer.err, answer
    answer = room.tv.cli("publish", "there", stdin="<a xmlns='urn:x'>%s</a>" % ("x" * 150000))
    assert answer.code == 1 and "payload-too-big" in answer.err, answer


def test_an_owner_approves(room):
    good(room.tv.cli("node", "create", "asked", "access_model=authorize"))
    proc = room.sofa.follow("watch", TV, "asked", "-v")
    proc.wait_for("its owner has to approve")
    room.publish("asked", "not yet")
    good(room.tv.cli("node", "subscriptions", "asked", SOFA + "=subscribed"))
    room.publish("asked", "let in")
    proc.wait_for("  let in$")
    assert "not yet  " not in proc.output()
    assert proc.stop() == 0


def test_without_a_daemon():
    """The engine inside does it all; it leaves no subscription behind."""
    with Lan("pronto", "forza") as lan:
        tv = Daemon(lan["pronto"], CONF % ("pronto", "tv"))
        sofa = Daemon(lan["forza"], CONF % ("forza", "sofa"), start=False)
        good(tv.cli("node", "create", "alone", "publish_model=open"))
        good(sofa.cli("publish", "alone", "-l", "--to", TV, stdin="first"))
        assert good(sofa.cli("items", TV, "alone")).out.endswith("  first\n")
        proc = sofa.follow("watch", TV, "alone", "-v", "-c", "2")
        proc.wait_for(": subscribed$", 20)
        good(tv.cli("publish", "alone", "-l", stdin="second"))
        assert proc.wait(60) == 0
        assert lines(proc, "alone") == ["first", "second"]
        assert good(tv.cli("node", "subscriptions", "alone")).out == ""


def test_many_items_come_page_by_page(room):
    good(room.tv.cli("node", "create", "many", "max_items=500"))
    texts = ["line %d" % i for i in range(230)]
    room.publish("many", "\n".join(texts), "-q")
    found = good(room.sofa.cli("items", TV, "many", "--json")).rows
    assert [row["text"] for row in found] == texts
    for count in (1, 150):
        found = good(room.sofa.cli("items", TV, "many", "-c", str(count), "--json")).rows
        assert [row["text"] for row in found] == texts[-count:]


@pytest.mark.parametrize("args, why", [
    (["items", TV, "nothing"], "item-not-found"), (["watch", TV, "nothing"], "item-not-found"),
    (["subscribe", TV, "nothing"], "item-not-found"),
    (["unsubscribe", TV, "there"], "not-subscribed"),
    (["items", TV, "closed"], "closed-node"), (["subscribe", TV, "closed"], "closed-node"),
    (["publish", "there", "--to", TV, "--atom", "--title", "x"], "forbidden")])
def test_errors(room, args, why):
    answer = room.sofa.cli(*args)
    assert answer.code == 1 and answer.out == "" and why in answer.err, answer
    assert len(answer.err.splitlines()) == 1 and answer.err.startswith("earshot: " + TV), answer


def test_the_other_daemon_is_restarted(room):
    good(room.tv.cli("node", "create", "again"))
    proc = room.watch(room.sofa, "again")
    for kill in (False, True):
        if kill:
            room.tv.proc.kill()
            room.tv.proc.wait()
        else:
            room.tv.stop()
        room.tv.start()
        # Nothing waits there for those who are not back yet.
        wait_until(lambda n=kill: room.publish("again", "after %s" % n) and
                   "after %s" % n in proc.output(), 60, proc.output, step=0.5)
        room.publish("again", "once %s" % kill)
        proc.wait_for("  once %s$" % kill)
    assert proc.stop() == 0
    assert [line for line in lines(proc, "again") if "once" in line] == ["once False", "once True"]


@pytest.mark.timeout(240)
def test_the_path_changes():
    """One subscription by whatever path: what is published comes once, in order."""
    with street(["remote", "box"], components=[BOX, REMOTE]) as made:
        remote = made.device("remote", "sofa", "component", REMOTE, {BOX: "yes"},
                             player="kind = none")
        box = made.device("box", "tv", "component", BOX, {REMOTE: "yes"}, player="kind = none")
        wait_level(remote, "tv@box.local", "trusted")
        wait_level(box, "sofa@remote.local", "trusted")
        remote.wait_chosen(BOX, "lan")
        good(box.cli("node", "create", "path", "max_items=100"))
        proc = remote.follow("watch", BOX, "path", "-v", name="watch")
        proc.wait_for(": subscribed$", 20)

        def publish(first, last):
            text = "".join("%d\n" % i for i in range(first, last))
            good(box.cli("publish", "path", "-l", "-q", stdin=text))
            wait_until(lambda: lines(proc, "path") == [str(i) for i in range(last)], 60,
                       lambda: proc.output() + good(box.cli("node", "subscriptions", "path")).out)

        publish(0, 5)
        made.net.cut_lan()
        remote.wait_chosen(BOX, "server")
        publish(5, 10)
        made.net.restore_lan()
        remote.wait_chosen(BOX, "lan", 60)
        publish(10, 15)
        assert "now by server" in proc.output()
        assert proc.stop() == 0
        assert good(box.cli("node", "subscriptions", "path")).out == ""
