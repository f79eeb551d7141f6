# SPDX-License-Identifier: ISC
"""test_traffic.py: the judge of numbered messages finds what is wrong, and nothing else; and a real
program hears a real daemon."""

import pytest

from daemon import Daemon
from ns import wait_until
from traffic import History, Program, Reader, judge

GOOD = [("sent", 1), ("sent", 2), ("got", 1, "lan"), ("sent", 3), ("got", 2, "server"),
        ("got", 3, "lan")]
NO = "recipient-unavailable: no path to it"
MAYBE = "remote-server-timeout: it may have arrived"


def kinds(events, **more):
    return [(d.what, d.number) for d in judge(History("made up", events), **more)]


def test_all_arrived():
    assert kinds(GOOD) == []
    assert History("made up", GOOD).ways() == {"lan": 2, "server": 1}


@pytest.mark.parametrize("more, found", [
    ([("sent", 4)], [("lost", 4)]),
    ([("got", 2, "lan")], [("twice", 2)]),
    ([("got", 3, "lan")], [("twice", 3)]),
    ([("sent", 4), ("sent", 5), ("got", 5, "lan"), ("got", 4, "server")], [("order", 4)]),
    ([("got", 4, "lan")], [("alien", 4)]),
    ([("alien", None, "from nobody: 4")], [("alien", None)]),
    ([("error", 4, NO)], [("alien", 4)]),
    ([("sent", 4), ("error", 4, NO)], [("error", 4)]),
    ([("sent", 4), ("sent", 5), ("got", 5, "lan")], [("lost", 4)]),
    ([("sent", 4), ("broken", None)], [("lost", 4)]),
], ids=["lost", "twice", "twice at once", "order", "never sent", "stranger", "error for nothing",
        "error", "gap", "lost with the daemon"])
def test_defects(more, found):
    assert kinds(GOOD + more) == found


@pytest.mark.parametrize("more, found", [
    ([("sent", 4), ("error", 4, NO)], []),
    ([("sent", 4), ("error", 4, MAYBE)], []),
    ([("sent", 4), ("got", 4, "lan"), ("error", 4, MAYBE)], []),
    ([("sent", 4), ("error", 4, MAYBE), ("got", 4, "lan")], []),
    ([("sent", 4), ("got", 4, "lan"), ("error", 4, NO)], [("false", 4)]),
    ([("sent", 4), ("error", 4, NO), ("got", 4, "lan")], [("false", 4)]),
    ([("sent", 4), ("error", 4, MAYBE), ("error", 4, MAYBE)], [("errors", 4)]),
    ([("sent", 4)], [("lost", 4)]),
], ids=["not arrived", "unknown", "unknown, arrived", "unknown, arrives after", "false",
        "false, arrives after", "two errors", "silence"])
def test_where_errors_are_allowed(more, found):
    assert kinds(GOOD + more, errors=True) == found


def test_what_was_handed_on_at_the_end():
    """Twice is wrong, but for what the receiver's daemon had in its hands when it was killed."""
    twice = [("sent", 1, "", 10.0), ("got", 1, "lan", 10.1), ("got", 1, "server", 12.0)]
    for end, found in ((10.15, []), (10.5, [("twice", 1)]), (10.05, [("twice", 1)])):
        back = History("back", [("broken", None, "", end)])
        assert kinds(twice, back=back) == found, end


def test_what_died_with_its_daemon():
    """Only what it was given in its last moment; what came before must have a fate."""
    events = [("sent", 1, "", 10.0), ("sent", 2, "", 11.5), ("broken", None, "", 12.0),
              ("sent", 3, "", 12.5)]
    assert kinds(events) == [("lost", 1), ("lost", 2), ("lost", 3)]
    assert kinds(events, grace=1) == [("lost", 1), ("lost", 3)]


def test_events_around_a_defect():
    events = [(what, n, "", n + 0.5) for n in range(200) for what in ("sent", "got")]
    lines = History("made up", events).around(100)
    assert len(lines) == 50 and any(line.split()[1:] == ["got", "100"] for line in lines)
    events.insert(5, ("fault", None, "something", 3))
    lines = History("made up", events).around(None)
    assert len(lines) == 50 and lines[-1].split()[1:] == ["got", "199"]


def test_slowest():
    assert History("made up", [("sent", 1, "", 1.0), ("sent", 2, "", 2.0), ("got", 2, "lan", 2.5),
                               ("got", 1, "lan", 4.0)]).slowest() == (3.0, 1)


def test_reader():
    """Whole stanzas, however the bytes are cut; text and attributes of children included."""
    text = ("<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
            "xmlns:stream='http://etherx.jabber.org/streams'><message id='a'><body>1 &lt; 2</body>"
            "<via xmlns='urn:earshot:control:0' link='lan'/></message> <presence/>").encode()
    for size in (1, 7, len(text)):
        found = []
        reader = Reader(found.append)
        for at in range(0, len(text), size):
            reader.feed(text[at:at + size])
        assert [s.tag for s in found] == ["{jabber:client}message", "{jabber:client}presence"]
        assert found[0].findtext("{jabber:client}body") == "1 < 2"
        assert found[0].find("{urn:earshot:control:0}via").get("link") == "lan"


def test_program(lan):
    """Messages come, errors too, and a daemon that is killed and started again is found again."""
    conf = "[engine]\nname = %s\n[lan]\nuser = %s\n[player]\nkind = none\n"
    pronto = Daemon(lan["pronto"], conf % ("pronto", "tv"))
    forza = Daemon(lan["forza"], conf % ("forza", "sofa"))
    pronto.wait_peer("sofa@forza.local")
    forza.wait_peer("tv@pronto.local")
    there, back = History("there"), History("back")
    ends = [Program(pronto, "sofa@forza.local", there, back),
            Program(forza, "tv@pronto.local", back, there)]
    nobody = Program(pronto, "nobody@nowhere.local", History("nowhere"), History("none"))
    try:
        for program in ends + [nobody]:
            program.start()
            program.wait_listening()
        for program in ends + [nobody]:
            program.send(200, limit=100)
        for history in (there, back):
            wait_until(lambda h=history: h.count["got"] == 100, 20, history.name)
            assert judge(history) == [] and history.ways() == {"lan": 100}
        wait_until(lambda: nobody.out.count["error"] == 100, 20, "errors")
        assert kinds([e[1:] for e in nobody.out.events], errors=True) == []
        assert len(judge(nobody.out)) == 100
        pronto.proc.kill()
        pronto.proc.wait()
        wait_until(lambda: there.count["broken"] == 1, 20, "the end of the daemon")
        pronto.start()
        pronto.wait_peer("sofa@forza.local")
        ends[0].send(100, limit=150)
        wait_until(lambda: there.count["got"] == 150, 20, lambda: "messages after the restart: %s" %
                   "\n".join(there.around(None)))
    finally:
        for program in ends + [nobody]:
            program.stop()
    assert all(p.failure is None for p in ends + [nobody])
    pronto.stop()
    forza.stop()
