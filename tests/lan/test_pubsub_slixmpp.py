# SPDX-License-Identifier: ISC
"""Stock slixmpp users at our publish-subscribe service, through a real ejabberd and a real Prosody."""

import re

import pytest

from pubsub_users import BOOK, EVENT, PS, SERVICE, book, fields, service
from servers import Ejabberd, Prosody

NODE = "princely_musings"
RSM = "{http://jabber.org/protocol/rsm}"
ENTRY = ("<entry xmlns='http://www.w3.org/2005/Atom'><title>Soliloquy</title>"
         "<id>tag:denmark.lit,2003:entry-32397</id><updated>2003-12-13T18:30:02Z</updated></entry>")


def ids(items):
    return [item.get("id") for item in items]


@pytest.fixture(params=[Ejabberd, Prosody])
def world(request):
    with service(request.param) as users:
        yield users


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
    told = re.findall(r'^told .*<item\b[^>]* id="([^"]*)"', francisco.proc.output(), re.MULTILINE)
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
    # A feed takes entries.
    feed = {"type": "http://www.w3.org/2005/Atom"}
    assert hamlet.refused("publish", SERVICE, "feed", payload=book(1), options=feed) == [
        "bad-request", "invalid-payload"]
    hamlet.ask("publish", SERVICE, "feed", id="1", options=feed, payload=ENTRY)
    assert ids(francisco.items("feed")) == ["1"]
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
