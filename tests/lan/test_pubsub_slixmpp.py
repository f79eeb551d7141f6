# SPDX-License-Identifier: ISC
"""Stock slixmpp users at our publish-subscribe service, through a real ejabberd and a real Prosody."""

import json
import os
import re
import subprocess
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape

import pytest

from box import Lan
from daemon import Daemon
from servers import Ejabberd, Prosody

SERVICE = "pubsub.example.test"
NODE = "princely_musings"
PS = "{http://jabber.org/protocol/pubsub}"
EVENT = "{http://jabber.org/protocol/pubsub#event}"
DATA = "{jabber:x:data}"
RSM = "{http://jabber.org/protocol/rsm}"
BOOK = "{urn:example:book}book"

CONF = """
[engine]
name = box
[lan]
enabled = no
[server]
kind = component
jid = pubsub.example.test
host = %(host)s
port = %(port)d
secret-file = /run/earshotd/secret
[player]
kind = none
"""


class Slix:
    """A slixmpp user at slix_pubsub.py."""

    def __init__(self, host, server, user):
        here = os.path.dirname(os.path.abspath(__file__))
        self.proc = host.popen(
            ["/usr/bin/python3", here + "/slix_pubsub.py", "%s@%s" % (user, server.domain),
             server.accounts[user], server.address, str(server.c2s_port), server.ca_file],
            name="slix-" + user, stdin=subprocess.PIPE)
        self.proc.wait_for("^ready$", 30)
        self.asked = self.heard = 0

    def ask(self, method, *arguments, **named):
        """What the method of the plugin answers: an element, or a list."""
        self.asked += 1
        self.proc.send_line(json.dumps([method, arguments, named]))
        answer = json.loads(self.proc.wait_for("^answer (.*)$", 20, count=self.asked).group(1))
        assert "error" not in answer, answer
        return answer if isinstance(answer, list) else ET.fromstring(answer)

    def refused(self, method, *arguments, **named):
        """The names of the conditions in the error."""
        self.asked += 1
        self.proc.send_line(json.dumps([method, arguments, named]))
        answer = json.loads(self.proc.wait_for("^answer (.*)$", 20, count=self.asked).group(1))
        assert "error" in answer, answer
        error = next(e for e in ET.fromstring(answer["xml"]).iter() if e.tag.endswith("}error"))
        return [e.tag.split("}")[1] for e in error if not e.tag.endswith("}text")]

    def told(self):
        """The next <items/> that it is told of."""
        self.heard += 1
        message = self.proc.wait_for("^told (.*)$", 20, count=self.heard).group(1)
        return ET.fromstring(message).find("./%sevent/%sitems" % (EVENT, EVENT))

    def heard_of(self):
        """The name and the node of what the next <event/> holds, and its form."""
        self.heard += 1
        message = self.proc.wait_for("^told (.*)$", 20, count=self.heard).group(1)
        what = ET.fromstring(message).find("./%sevent" % EVENT)[0]
        return what.tag.split("}")[1], what.get("node"), fields(what)

    def items(self, *arguments, **named):
        return self.ask("get_items", SERVICE, *arguments, **named).findall(".//%sitem" % PS)

    def fill(self, node, count):
        for i in range(count):
            self.ask("publish", SERVICE, node, id=str(i), payload=book(i))


def book(text):
    return "<book xmlns='urn:example:book'>%s</book>" % escape(str(text))


def fields(element):
    """The values of the form in it."""
    return {field.get("var"): [value.text for value in field.findall(DATA + "value")]
            for field in element.iter(DATA + "field")}


def ids(items):
    return [item.get("id") for item in items]


@pytest.fixture(params=[Ejabberd, Prosody])
def world(request):
    """Two users of a server whose component is our service."""
    with Lan("box") as lan:
        host = lan["box"]
        server = request.param(
            domain="example.test", address=host.address, prefix=host.ns.enter([]),
            accounts={"hamlet": "secret1", "francisco": "secret2"},
            components={SERVICE: "secret"})
        try:
            box = Daemon(host, CONF % {"host": server.address, "port": server.component_port},
                         start=False)
            box.write("secret", "secret\n")
            box.start()
            box.proc.wait_for("connected as " + SERVICE, 20)
            yield Slix(host, server, "hamlet"), Slix(host, server, "francisco"), box
            box.stop()
        finally:
            server.close()


def test_publish_retract_items(world):
    hamlet, francisco, box = world
    # The node is created by the first publication; with and without an id.
    answer = hamlet.ask("publish", SERVICE, NODE, id="first", payload=book(1))
    assert answer.find(".//%sitem" % PS) is None
    francisco.ask("subscribe", SERVICE, NODE)
    assert ids(francisco.told()) == ["first"]     # the last one, at once
    answer = hamlet.ask("publish", SERVICE, NODE, payload=book("2 & < ü"))
    second = answer.find(".//%sitem" % PS).get("id")
    told = francisco.told()
    assert told.get("node") == NODE and ids(told) == [second]
    assert told[0].get("publisher") == "hamlet@example.test"
    assert told[0].find(BOOK).text == "2 & < ü"
    # All of them, the newest, one by its id.
    assert ids(francisco.items(NODE)) == ["first", second]
    assert ids(francisco.items(NODE, max_items=1)) == [second]
    assert ids(francisco.items(NODE, item_ids=["first", "none"])) == ["first"]
    item = francisco.ask("get_item", SERVICE, NODE, "first").find(".//%sitem" % PS)
    assert item.find(BOOK).text == "1" and item.get("publisher") == "hamlet@example.test"
    # Whose it is not does not delete it.
    assert francisco.refused("retract", SERVICE, NODE, "first") == ["forbidden"]
    hamlet.ask("retract", SERVICE, NODE, "first", notify=True)
    assert [(e.tag, e.get("id")) for e in francisco.told()] == [(EVENT + "retract", "first")]
    assert ids(francisco.items(NODE)) == [second]
    assert hamlet.refused("retract", SERVICE, NODE, "first") == ["item-not-found"]
    # What it holds is there after a restart.
    box.stop()
    box.start()
    box.proc.wait_for("connected as " + SERVICE, 20)
    assert ids(francisco.items(NODE)) == [second]


def test_pages(world):
    hamlet, francisco, _box = world
    hamlet.ask("publish", SERVICE, NODE, id="0", payload=book(0), options={"max_items": "max"})
    hamlet.fill(NODE, 25)
    pages = francisco.ask("pages", SERVICE, NODE, 10)
    assert [len(page) for page in pages] == [10, 10, 5]
    assert sum(pages, []) == [str(i) for i in range(25)]
    # More than one answer carries: the newest of them, and how many there are.
    large = "x" * 60000
    for i in range(5):
        hamlet.ask("publish", SERVICE, "large", id=str(i), payload=book(large))
    answer = francisco.ask("get_items", SERVICE, "large")
    assert ids(answer.findall(".//%sitem" % PS)) == ["2", "3", "4"]
    assert answer.find(".//%scount" % RSM).text == "5"
    assert answer.find(".//%sfirst" % RSM).get("index") == "2"
    pages = francisco.ask("pages", SERVICE, "large", 10)
    assert pages == [["0", "1", "2"], ["3", "4"]]


def test_burst(world):
    """Publications that do not wait for each other are told in their order, each once."""
    hamlet, francisco, _box = world
    hamlet.ask("publish", SERVICE, NODE, id="first", payload=book(1))
    francisco.ask("subscribe", SERVICE, NODE)
    assert ids(francisco.told()) == ["first"]
    assert hamlet.ask("burst", SERVICE, NODE, 1000) == ["result"] * 1000
    francisco.proc.wait_for('^told .* id="999"', 60)
    told = re.findall('^told .*<item id="([^"]*)"', francisco.proc.output(), re.MULTILINE)
    assert told == ["first"] + [str(i) for i in range(1000)]
    assert ids(hamlet.items(NODE)) == [str(i) for i in range(990, 1000)]


def test_refused(world):
    hamlet, francisco, _box = world
    hamlet.ask("publish", SERVICE, NODE, id="a", payload=book(1),
               options={"access_model": "whitelist"})
    hamlet.ask("publish", SERVICE, NODE, id="b", payload=book(2),
               options={"access_model": "whitelist"})
    assert hamlet.refused("publish", SERVICE, NODE, id="c", payload=book(3),
                          options={"access_model": "open"}) == ["conflict", "precondition-not-met"]
    assert francisco.refused("get_items", SERVICE, NODE) == ["not-allowed", "closed-node"]
    assert francisco.refused("publish", SERVICE, NODE, id="c", payload=book(3)) == ["forbidden"]
    assert hamlet.refused("publish", SERVICE, NODE, id="c") == ["bad-request", "payload-required"]
    assert hamlet.refused("publish", SERVICE, NODE) == ["bad-request", "item-required"]
    assert hamlet.refused("publish", SERVICE, NODE, id="c", payload=book("x" * 66000)) == [
        "not-acceptable", "payload-too-big"]
    assert hamlet.refused("get_items", SERVICE, "none") == ["item-not-found"]
    assert ids(hamlet.items(NODE)) == ["a", "b"]
    assert "\ntold " not in francisco.proc.output()


def test_nodes(world):
    hamlet, francisco, _box = world
    hamlet.ask("create_node", SERVICE, NODE, ntype="leaf",
               config={"access_model": "open", "title": "Musings & more", "max_items": "max"})
    assert francisco.refused("create_node", SERVICE, NODE) == ["conflict"]
    form = fields(hamlet.ask("get_node_config", SERVICE, NODE))
    assert form["pubsub#title"] == ["Musings & more"] and form["pubsub#max_items"] == ["max"]
    assert form["pubsub#access_model"] == ["open"] and form["pubsub#notify_sub"] == ["0"]
    assert fields(hamlet.ask("get_node_config", SERVICE))["pubsub#max_items"] == ["10"]
    # A name of the service's own, and a collection, which there is none of.
    answer = hamlet.ask("create_node", SERVICE, None)
    instant = answer.find(".//%screate" % PS).get("node")
    assert instant and fields(hamlet.ask("get_node_config", SERVICE, instant))
    assert hamlet.refused("create_node", SERVICE, "blogs", ntype="collection", config={}) == [
        "feature-not-implemented", "unsupported"]
    # Who has subscribed hears what its owner does to it.
    francisco.ask("subscribe", SERVICE, NODE)
    hamlet.ask("set_node_config", SERVICE, NODE, config={"title": "Princely", "max_items": "2"})
    name, node, form = francisco.heard_of()
    assert (name, node, form["pubsub#title"]) == ("configuration", NODE, ["Princely"])
    assert form["pubsub#access_model"] == ["open"]
    hamlet.fill(NODE, 3)
    for i in range(3):
        assert ids(francisco.told()) == [str(i)]
    assert ids(francisco.items(NODE)) == ["1", "2"]
    for method in ("get_node_config", "purge", "delete_node"):
        assert francisco.refused(method, SERVICE, NODE) == ["forbidden"]
    hamlet.ask("purge", SERVICE, NODE)
    assert francisco.heard_of()[:2] == ("purge", NODE)
    assert francisco.items(NODE) == []
    hamlet.ask("delete_node", SERVICE, NODE)
    assert francisco.heard_of()[:2] == ("delete", NODE)
    assert hamlet.refused("get_node_config", SERVICE, NODE) == ["item-not-found"]
