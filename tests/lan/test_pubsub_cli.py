# SPDX-License-Identifier: ISC
"""test_pubsub_cli.py: earshot publish, items, watch, subscribe, unsubscribe and node with the services
that others have: a server's own (XEP-0060), an account's (XEP-0163), of ejabberd and of Prosody. A
stock slixmpp publishes what is watched here, and sees what is published here."""

import itertools
import os
import re
import subprocess
import xml.etree.ElementTree as ET

import pytest

from box import Lan
from daemon import Daemon
from ns import wait_until
from servers import Ejabberd, Prosody

TV = "tv.example.test"
REMOTE = "remote@example.test"
PUBSUB = "pubsub.example.test"
ATOM = "http://www.w3.org/2005/Atom"
NUMBERS = itertools.count(1)

CONF = """
[engine]
name = %(name)s
[lan]
enabled = no
[player]
kind = none
[server]
kind = %(kind)s
jid = %(jid)s
host = %(host)s
port = %(port)d
secret-file = /run/%(name)s/secret
ca-file = %(ca)s
"""


def good(answer):
    assert answer.code == 0, answer
    return answer


class User:
    """A stock client."""

    def __init__(self, host, server, name):
        here = os.path.dirname(os.path.abspath(__file__))
        self.proc = host.popen(
            ["/usr/bin/python3", here + "/pep_user.py", "%s@%s" % (name, server.domain), "secret",
             server.address, str(server.c2s_port), server.ca_file], name="slix-" + name,
            stdin=subprocess.PIPE)
        self.proc.wait_for("^ready$", 30)
        self.answers = 0

    def do(self, *words):
        self.answers += 1
        self.proc.send_line(" ".join(words))
        assert self.proc.wait_for("^answer (.*)$", 20, count=self.answers).group(1) == "result"


class World:
    """A server, earshotd as its component and another one as an account."""

    def __init__(self, lan, kind):
        self.host = lan["box"]
        self.server = kind(
            domain="example.test", address=self.host.address, prefix=self.host.ns.enter([]),
            accounts={"romeo": "secret", "remote": "secret", "juliet": "secret"},
            components={TV: "secret"}, pep=True)
        try:
            self.tv = self.daemon("tv", "component", TV, self.server.component_port)
            self.remote = self.daemon("remote", "account", REMOTE, self.server.c2s_port)
            self.romeo = User(self.host, self.server, "romeo")
        except BaseException:
            self.server.close()
            raise

    def daemon(self, name, kind, jid, port):
        made = Daemon(self.host, CONF % {"name": name, "kind": kind, "jid": jid, "port": port,
                                         "host": self.server.address, "ca": self.server.ca_file},
                      name=name, start=False)
        made.write("secret", "secret\n")
        made.start()
        made.proc.wait_for("connected as " + jid, 20)
        return made

    def node(self, *fields):
        """A new node of the component's; everybody may read it."""
        name = "node%d" % next(NUMBERS)
        good(self.tv.cli("node", "create", name, "--to", PUBSUB, "access_model=open", *fields))
        return name

    def is_subscribed(self, daemon, node):
        """Whether the service has one of a daemon's address. (Of one node: Prosody answers nobody
        who asks for all, and was subscribed to one that is deleted.)"""
        answer = good(daemon.cli("stanza", stdin="<iq type='get' to='%s'><pubsub xmlns='http:"
                                 "//jabber.org/protocol/pubsub'><subscriptions node='%s'/></pubsub>"
                                 "</iq>" % (PUBSUB, node)))
        return "<subscription " in answer.out

    def publish(self, node, *args, stdin=None):
        return good(self.tv.cli("publish", node, "--to", PUBSUB, *args, stdin=stdin))

    def watch(self, *args, daemon=None, **more):
        """A watch that stands."""
        proc = (daemon or self.tv).follow("watch", PUBSUB, *args, "-v", **more)
        proc.wait_for(": subscribed$")
        return proc


@pytest.fixture(scope="module", params=[Ejabberd, Prosody])
def world(request):
    with Lan("box") as lan:
        made = World(lan, request.param)
        try:
            yield made
        finally:
            made.server.close()


# --- publish and items ----------------------------------------------------------------------------

def test_xml_from_a_file_and_from_standard_input(world, tmp_path):
    node = world.node()
    path = tmp_path / "item.xml"
    path.write_text("\ufeff<?xml version='1.0' encoding='UTF-8'?>\n<a xmlns='urn:x' b='1'>"
                    "<c>\N{SNOWMAN} &lt;</c></a>\n")
    first = world.publish(node, str(path), "--id", "one").out.strip()
    second = world.publish(node, "-", stdin="<z:a xmlns:z='urn:z'/>").out.strip()
    assert first == "one" and len(second) == 16
    answer = good(world.tv.cli("items", PUBSUB, node, "--json"))
    assert [row["item"] for row in answer.rows] == ["one", second]
    assert "<c>\N{SNOWMAN} &lt;</c>" in answer.rows[0]["payload"]
    assert "urn:z" in answer.rows[1]["payload"]
    assert good(world.tv.cli("items", PUBSUB, node, "--id", "one")).out.startswith("one  <a ")


def test_published_again_is_replaced(world):
    node = world.node()
    for text in ("1", "2"):
        world.publish(node, "--atom", "--title", text, "--id", "x")
    answer = good(world.tv.cli("items", PUBSUB, node, "--json"))
    assert [row["text"] for row in answer.rows] == ["2"]


def test_lines(world):
    node = world.node()
    answer = world.publish(node, "-l", "--json", stdin="one\n\ntwo & <three>\r\n")
    assert [row["node"] for row in answer.rows] == [node, node]
    assert all(row["to"] == PUBSUB and row["link"] == "server" and row["rtt_us"] > 0
               for row in answer.rows)
    found = good(world.remote.cli("items", PUBSUB, node))
    assert [line.split("  ", 1)[1] for line in found.out.splitlines()] == ["one", "two & <three>"]
    assert [row["item"] for row in answer.rows] == [
        line.split("  ", 1)[0] for line in found.out.splitlines()]
    assert "<text xmlns='urn:earshot:text:0'>" in good(
        world.tv.cli("items", PUBSUB, node, "--json")).rows[0]["payload"].replace('"', "'")


def test_entries(world):
    node = world.node()
    world.publish(node, "--atom", "--link", "http://example.org/1", "--summary", "About being",
                  stdin="Soliloquy\n\nTo be,\nor not\n")
    world.publish(node, "--atom", "--title", "A title alone", "--id", "mine")
    world.publish(node, "--atom", "-l", stdin="a line\n")
    found = good(world.tv.cli("items", PUBSUB, node, "--json")).rows
    assert [row["text"] for row in found] == ["Soliloquy <http://example.org/1>", "A title alone",
                                              "a line"]
    entry = ET.fromstring(found[0]["payload"])
    text = {child.tag.split("}")[1]: child.text for child in entry}
    assert entry.tag == "{%s}entry" % ATOM and text["content"] == "To be,\nor not\n"
    assert text["summary"] == "About being" and text["id"].startswith("urn:uuid:")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text["updated"])
    assert text["published"] == text["updated"]
    assert [c.text for c in entry.find("{%s}author" % ATOM)] == [TV, "xmpp:" + TV]
    # The same item is the same entry.
    world.publish(node, "--atom", "--title", "another title", "--id", "mine")
    again = good(world.tv.cli("items", PUBSUB, node, "--id", "mine", "--json")).rows[0]
    ids = [re.search("<id>(.*?)</id>", row["payload"]).group(1) for row in (found[1], again)]
    assert ids[0] == ids[1] and ids[0] != text["id"]


def test_many_items_come_page_by_page(world):
    node = world.node("max_items=200")
    texts = ["line %d" % i for i in range(120)]
    world.publish(node, "-l", "-q", stdin="\n".join(texts))
    found = good(world.tv.cli("items", PUBSUB, node, "--json")).rows
    assert [row["text"] for row in found] == texts
    for count in (1, 7, 110):
        found = good(world.tv.cli("items", PUBSUB, node, "-c", str(count), "--json")).rows
        assert [row["text"] for row in found] == texts[-count:]


def test_nodes_are_listed(world):
    node = world.node("title=Hello")
    answer = good(world.remote.cli("items", PUBSUB, "--json"))
    assert node in [row["node"] for row in answer.rows]


# --- watch ----------------------------------------------------------------------------------------

def test_a_stock_client_publishes(world):
    node = world.node("publish_model=open")
    plain, json = world.watch(node, name="plain"), world.watch(node, "--json", name="json")
    other = world.watch(node, daemon=world.remote, name="other")
    world.romeo.do("publish", PUBSUB, node, "id1", "hello")
    for proc in (plain, other):
        proc.wait_for("^%s id1  <note xmlns=.urn:example:note.>hello</note>$" % node)
    row = json.wait_for("^{.*}$").group(0)
    assert '"event":"item"' in row and '"item":"id1"' in row and '"link":"server"' in row
    assert '"address":"%s"' % PUBSUB in row and ">hello</note>" in row
    for proc in (plain, json, other):
        assert proc.stop() == 0
        assert len([x for x in proc.lines() if "hello" in x]) == 1, proc.output()
    assert not world.is_subscribed(world.tv, node)
    assert not world.is_subscribed(world.remote, node)


def test_a_stock_client_is_told(world):
    node = world.node()
    world.romeo.do("subscribe", PUBSUB, node)
    world.publish(node, "--id", "told", stdin="<a xmlns='urn:x'>seen</a>")
    found = world.romeo.proc.wait_for("^event %s %s (.*told.*)$" % (PUBSUB, node))
    assert "seen" in found.group(1)


def test_what_else_happens_to_a_node(world):
    node = world.node("notify_retract=1", "notify_delete=1", "notify_config=1")
    proc = world.watch(node)
    world.publish(node, "-l", stdin="x")
    item = proc.wait_for("^%s (\\S+)  x$" % node).group(1)
    good(world.tv.cli("node", "retract", node, item, "--to", PUBSUB))
    proc.wait_for("^%s %s  retracted$" % (node, re.escape(item)))
    good(world.tv.cli("node", "configure", node, "title=Other", "--to", PUBSUB))
    if isinstance(world.server, Ejabberd):      # Prosody does not tell that
        proc.wait_for("^%s  configured$" % node)
    good(world.tv.cli("node", "delete", node, "--to", PUBSUB))
    proc.wait_for("^%s  deleted$" % node)
    proc.stop()


def test_so_many_and_no_more(world):
    node = world.node()
    proc = world.watch(node, "-c", "2")
    world.publish(node, "-l", stdin="a\nb\nc\nd\n")
    assert proc.wait(60) == 0
    assert len([line for line in proc.lines() if line.startswith(node)]) == 2
    assert not world.is_subscribed(world.tv, node)


def test_all_nodes_of_a_service(world):
    nodes = [world.node(), world.node()]
    proc = world.tv.follow("watch", PUBSUB, "-v")
    for node in nodes:
        proc.wait_for("%s: subscribed$" % node, 20)
        world.publish(node, "-l", stdin="in " + node)
        proc.wait_for("^%s \\S+  in %s$" % (node, node))
    assert proc.stop() == 0
    assert not any(world.is_subscribed(world.tv, node) for node in nodes)


def test_the_first_to_leave_takes_nothing_away(world):
    """To the service both are one address with one subscription; whoever made it."""
    node = world.node()
    one = world.watch(node, name="one")
    two = world.watch(node, name="two")
    assert one.stop() == 0
    assert world.is_subscribed(world.tv, node)
    world.publish(node, "-l", stdin="still there")
    two.wait_for("still there")
    three = world.watch(node, name="three")
    three.kill()            # says nothing
    three.wait()
    world.tv.proc.wait_for("local up -> down")
    assert two.stop() == 0
    assert not world.is_subscribed(world.tv, node)


def test_a_subscription_that_was_there_stays(world):
    node = world.node()
    assert good(world.tv.cli("subscribe", PUBSUB, node)).out == "subscribed\n"
    proc = world.watch(node)
    world.publish(node, "-l", stdin="hear me")
    proc.wait_for("hear me")
    assert proc.stop() == 0
    assert world.is_subscribed(world.tv, node)
    answer = good(world.tv.cli("unsubscribe", PUBSUB, node, "--json"))
    assert answer.rows[0]["subscription"] == "none" and answer.rows[0]["jid"] == TV
    assert not world.is_subscribed(world.tv, node)
    answer = world.tv.cli("unsubscribe", PUBSUB, node)
    assert answer.code == 1 and "not-subscribed" in answer.err, answer


def test_one_that_is_meant_to_stay_outlives_a_watch(world):
    node = world.node()
    proc = world.watch(node)
    good(world.tv.cli("subscribe", PUBSUB, node))
    assert proc.stop() == 0
    assert world.is_subscribed(world.tv, node)
    good(world.tv.cli("unsubscribe", PUBSUB, node))


def test_the_daemon_is_restarted(world):
    node = world.node()
    proc = world.watch(node, daemon=world.remote)
    world.publish(node, "-l", stdin="before")
    proc.wait_for("before")
    for _ in range(2):
        world.remote.proc.kill()
        world.remote.proc.wait()
        world.remote.start()
        world.remote.proc.wait_for("connected as " + REMOTE, 20)
    proc.wait_for("waiting for it")
    wait_until(lambda: world.publish(node, "-l", stdin="after") and "after" in proc.output(), 20,
               "what is published after it", step=0.3)
    assert proc.stop() == 0
    assert not world.is_subscribed(world.remote, node)


def test_the_server_is_restarted(world):
    node = world.node()
    proc = world.watch(node)
    world.server.restart()
    wait_until(lambda: world.tv.cli("publish", node, "-l", "--to", PUBSUB, "--timeout", "2",
                                    stdin="after").code == 0 and "after" in proc.output(), 60,
               lambda: "what is published after it\n" + proc.output(), step=0.5)
    assert proc.stop() == 0
    # The other daemon tries again in its own time.
    world.remote.proc.wait_for("connected as " + REMOTE, 60, 2)
    world.romeo = User(world.host, world.server, "romeo")


# --- an account's own -----------------------------------------------------------------------------

def test_what_an_account_publishes(world):
    """PEP: a node of the account itself, open to everybody, is read and watched elsewhere."""
    node = "pep%d" % next(NUMBERS)
    good(world.remote.cli("publish", node, "--to", REMOTE, "--atom", "--title", "mine",
                          "--options", "access_model=open"))
    assert node in [row["node"] for row in
                    good(world.remote.cli("items", REMOTE, "--json")).rows]
    found = good(world.tv.cli("items", REMOTE, node, "--json")).rows
    assert [row["text"] for row in found] == ["mine"]
    if isinstance(world.server, Ejabberd):      # else it tells users only, and those that are there
        good(world.remote.cli("node", "configure", node, "presence_based_delivery=0", "--to",
                              REMOTE))
    proc = world.tv.follow("watch", REMOTE, node, "-v")
    proc.wait_for(": subscribed$")
    good(world.remote.cli("publish", node, "--to", REMOTE, "--atom", "--title", "more"))
    proc.wait_for("^%s \\S+  more$" % node)
    assert proc.stop() == 0
    answer = world.remote.cli("publish", node, "--to", REMOTE, "--atom", "--title", "closed",
                              "--options", "access_model=whitelist")
    assert answer.code == 1 and "precondition-not-met" in answer.err, answer
    assert "earshot node configure" in answer.err


# --- our own, behind the server -------------------------------------------------------------------

def test_what_our_component_publishes(world):
    """The component is a service of the server's users: an account of ours, a stock client."""
    good(world.tv.cli("node", "create", "ours", "publish_model=open"))
    assert "ours" in good(world.remote.cli("items", TV)).out.splitlines()
    proc = world.remote.follow("watch", TV, "ours", "-v", name="ours")
    proc.wait_for(": subscribed$")
    world.romeo.do("subscribe", TV, "ours")
    item = good(world.tv.cli("publish", "ours", "-l", stdin="from the box")).out.strip()
    proc.wait_for("^ours %s  from the box$" % re.escape(item))
    world.romeo.proc.wait_for("^event %s ours .*from the box" % TV)
    world.romeo.do("publish", TV, "ours", "r1", "stock")
    proc.wait_for("^ours r1  <note .*>stock</note>$")
    found = good(world.remote.cli("items", TV, "ours", "--json")).rows
    assert [row["publisher"].split("/")[0] for row in found][1:] == ["romeo@example.test"]
    good(world.remote.cli("publish", "ours", "-l", "--to", TV, stdin="from the sofa"))
    proc.wait_for("  from the sofa$")
    assert proc.stop() == 0
    assert len([line for line in proc.lines() if line.startswith("ours ")]) == 3, proc.output()
    assert REMOTE not in good(world.tv.cli("node", "subscriptions", "ours")).out
    good(world.tv.cli("node", "delete", "ours"))


# --- nodes ----------------------------------------------------------------------------------------

def test_a_node_of_ours_with_a_backlog(world):
    node = "ours%d" % next(NUMBERS)
    good(world.remote.cli("node", "create", node, "--to", TV, "backlog=3", "title=Mine"))
    assert {"backlog=3", "title=Mine"} <= set(good(
        world.remote.cli("node", "configure", node, "--to", TV)).out.splitlines())
    good(world.remote.cli("node", "configure", node, "backlog=0", "--to", TV))
    fields = good(world.remote.cli("node", "configure", node, "--to", TV, "--json")).rows[0]
    assert fields["backlog"] == ["0"] and fields["title"] == ["Mine"]
    answer = world.remote.cli("node", "configure", node, "backlog=1001", "--to", TV)
    assert answer.code == 1 and "backlog" in answer.err, answer
    # Who owns the machine owns what is on it, too.
    good(world.tv.cli("node", "delete", node, "--to", TV))


def test_a_node_and_its_people(world):
    node = world.node("max_items=5")
    shown = good(world.tv.cli("node", "configure", node, "--to", PUBSUB))
    assert "max_items=5" in shown.out.splitlines() and "access_model=open" in shown.out
    good(world.tv.cli("node", "configure", node, "access_model=whitelist", "--to", PUBSUB))
    fields = good(world.tv.cli("node", "configure", node, "--to", PUBSUB, "--json")).rows[0]
    assert fields["access_model"] == ["whitelist"] and fields["max_items"] == ["5"]
    answer = world.remote.cli("items", PUBSUB, node)
    assert answer.code == 1 and answer.err.startswith("earshot: %s: %s: refused (" % (PUBSUB, node))
    good(world.tv.cli("node", "affiliations", node, REMOTE + "=publisher", "--to", PUBSUB))
    assert REMOTE + "=publisher" in good(
        world.tv.cli("node", "affiliations", node, "--to", PUBSUB)).out.splitlines()
    good(world.remote.cli("publish", node, "-l", "--to", PUBSUB, stdin="let in"))
    good(world.tv.cli("node", "purge", node, "--to", PUBSUB))
    assert good(world.tv.cli("items", PUBSUB, node)).out == ""
    good(world.tv.cli("subscribe", PUBSUB, node))
    assert TV in good(world.tv.cli("node", "subscriptions", node, "--to", PUBSUB)).out
    good(world.tv.cli("node", "delete", node, "--to", PUBSUB))
    answer = world.tv.cli("node", "delete", node, "--to", PUBSUB)
    assert answer.code == 1 and "item-not-found" in answer.err, answer


# --- errors ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("args", [["items"], ["watch"], ["subscribe"]])
def test_a_node_that_does_not_exist(world, args):
    answer = world.tv.cli(*args, PUBSUB, "nothing")
    assert answer.code == 1 and answer.out == "", answer
    assert "%s: nothing: refused (item-not-found)" % PUBSUB in answer.err
    assert "earshot items %s lists the nodes" % PUBSUB in answer.err


def test_who_may_not(world):
    node = world.node("publish_model=publishers")
    answer = world.remote.cli("publish", node, "-l", "--to", PUBSUB, stdin="x\ny\n")
    assert answer.code == 1 and answer.out == "", answer
    assert "refused (forbidden)" in answer.err and len(answer.err.splitlines()) == 1
    for action in ("delete", "purge"):
        answer = world.remote.cli("node", action, node, "--to", PUBSUB)
        assert answer.code == 1 and "forbidden" in answer.err, answer


def test_nobody_there(world):
    """Prosody itself says that it speaks with no other server."""
    code = 4 if isinstance(world.server, Ejabberd) else 1
    for args in (["items"], ["watch"], ["subscribe"]):
        answer = world.tv.cli(*args, "nobody.example.test", *(["x"] if args != ["items"] else []))
        assert answer.code == code and "nobody.example.test" in answer.err, answer
    answer = world.tv.cli("publish", "x", "-l", "--to", "nobody.example.test", stdin="x")
    assert answer.code == code, answer


def test_nothing_that_has_nodes(world):
    answer = world.remote.cli("items", TV, "x")
    assert answer.code == 1 and "item-not-found" in answer.err, answer
    answer = world.tv.cli("publish", "x", "-l", "--to", "romeo@example.test", stdin="x")
    assert answer.code == 1 and answer.out == "", answer


def test_one_that_does_not_answer(world):
    world.server.freeze()
    try:
        for args in (["items", PUBSUB, "x"], ["watch", PUBSUB, "x"], ["subscribe", PUBSUB, "x"]):
            answer = world.tv.cli(*args, "--timeout", "0.5")
            assert answer.code == 5 and "no answer" in answer.err, answer
    finally:
        world.server.thaw()
    wait_until(lambda: world.tv.cli("items", PUBSUB, "--timeout", "2").code == 0, 40, "it again",
               step=0.3)


@pytest.mark.parametrize("text, why", [
    ("", "there is no XML element"), ("words", "not well-formed"),
    ("<a xmlns='urn:x'>", "well-formed"),
    ("<a/>", "namespace of its own"), ("<a xmlns='urn:x'/><b xmlns='urn:x'/>", "more than one"),
    ("<!DOCTYPE a [<!ENTITY b 'c'>]><a xmlns='urn:x'>&b;</a>", "well-formed"),
    ("<a xmlns='urn:x'><!-- no --></a>", "not for XMPP"), ("</stream:stream>", "well-formed"),
    ("<a xmlns='urn:x'>%s</a>" % ("x" * 200000), "larger than 192 KiB"),
    ("<a xmlns='urn:x'>" * 70 + "</a>" * 70, "too deeply nested")],
    ids=["empty", "words", "cut", "bare", "two", "entity", "comment", "end", "large", "deep"])
def test_xml_that_is_none(world, text, why):
    answer = world.tv.cli("publish", "x", "--to", PUBSUB, stdin=text)
    assert answer.code == 2 and answer.out == "" and why in answer.err, answer
    assert answer.err.startswith("earshot: standard input: "), answer


@pytest.mark.parametrize("args, why", [
    (["publish", "x", "/nowhere"], "/nowhere: No such file"),
    (["publish", "x", "/"], "/: Is a directory"),
    (["publish", "x", "--title", "t"], "for --atom"),
    (["publish", "x", "-l", "--id", "i"], "no --id"),
    (["publish", "x", "--atom"], "needs a title"),
    (["publish", "", "-l"], "no node"),
    (["publish", "x", "--atom", "--title", "t", "--options", "open"], "FIELD=VALUE"),
    (["items", PUBSUB, "--id", "x"], "items of a node"),
    (["node", "paint", "x"], "none of create"),
    (["node", "retract", "x"], "wants NODE ITEM"),
    (["node", "affiliations", "x", "romeo"], "ADDR=AFFILIATION"),
    (["subscribe", PUBSUB], "wants ADDR NODE")])
def test_wrong_usage(world, args, why):
    answer = world.tv.cli(*args)
    assert answer.code == 2 and why in answer.err, answer


def test_text_that_is_none(world):
    """Nothing is sent that XML cannot carry."""
    path = world.tv.write("bytes", "")
    with open(world.host.path(path), "wb") as f:
        f.write(b"good\nbad \xff\n")
    node = world.node()
    answer = world.tv.cli("publish", node, path, "-l", "--to", PUBSUB)
    assert answer.code == 2 and "not UTF-8" in answer.err, answer
    assert good(world.tv.cli("items", PUBSUB, node)).out.endswith("good\n")
