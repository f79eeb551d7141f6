# SPDX-License-Identifier: ISC
"""test_reload.py: another configuration for a daemon that runs, and the streams that it keeps."""

import signal

import pytest

from box import Lan
from daemon import Daemon
from ns import wait_until
from servers import Ejabberd

TV = """
[engine]
name = pronto
[lan]
user = tv
publish = nick,msg
[player]
kind = demo
"""
SOFA = """
[engine]
name = forza
[lan]
user = sofa
[player]
kind = none
"""
ADDRESS = "tv@pronto.local"


def reload(daemon, conf, count=1, wait="configuration read again"):
    daemon.write("conf", conf + "\n[local]\nsocket = %s\n" % daemon.socket)
    before = len(daemon.proc.output().split(wait)) - 1
    daemon.proc.send_signal(signal.SIGHUP)
    daemon.proc.wait_for(wait, count=before + count)


@pytest.fixture
def pair():
    with Lan("pronto", "forza") as lan:
        tv, sofa = Daemon(lan["pronto"], TV), Daemon(lan["forza"], SOFA)
        sofa.wait_peer(ADDRESS)
        yield tv, sofa
        tv.stop()
        sofa.stop()


def ends(daemon):
    """How many streams with peers have ended, as the log tells (-v)."""
    return daemon.proc.output().count(": lan closing -> down") + \
        daemon.proc.output().count(": lan up -> down")


def test_policy_of_an_open_stream(pair):
    """The next stanza of the same stream is judged anew, and again."""
    tv, sofa = pair
    assert sofa.cli("press", ADDRESS, "play").code != 0
    begun = ends(tv)
    for n in range(3):
        reload(tv, TV + "[policy]\nbuttons = anyone\n")
        assert "policy.buttons: anyone" in tv.proc.output()
        assert sofa.cli("press", ADDRESS, "playpause").code == 0
        reload(tv, TV)
        assert sofa.cli("press", ADDRESS, "playpause").code != 0
    assert ends(tv) == begun and ends(sofa) == 0, "a stream was ended"


def test_broken_file(pair):
    tv, sofa = pair
    reload(tv, TV + "[policy]\nbuttons = anyone\n")
    for broken, said in (("[lan]\nport = many\n", "port = \"many\" is not"), ("[player]\nknd = demo\n", "knd"),
                         ("[server]\nkind = component\n", "server.jid: missing")):
        reload(tv, broken, wait="error: the configuration stays as it was")
        assert said in tv.proc.output()
        assert sofa.cli("press", ADDRESS, "playpause").code == 0
    assert ends(tv) == 0


def test_published(pair):
    tv, sofa = pair
    reload(tv, TV.replace("publish", "nick = Salon\nstatus = away\nmessage = in use\npublish"))

    def row():
        return next(r for r in sofa.cli("--json", "peers").rows if r["address"] == ADDRESS)
    wait_until(lambda: row()["name"] == "Salon" and row()["status"] == "away" and
               row()["message"] == "in use", 10, lambda: "the new record; it is %r" % row(), 0.1)
    assert ends(tv) == 0


def test_peers_come_and_go(pair):
    """A name for somebody, taken away again, while a program stays connected and listens."""
    tv, sofa = pair
    listening = sofa.follow("stanza", "--listen")
    assert sofa.cli("ping", ADDRESS, "-c", "1").code == 0
    assert sofa.cli("ping", "salon", "-c", "1").code != 0
    section = "[peer \"salon\"]\naddress = tv@pronto.local\n[peer \"bureau\"]\n" \
              "address = pc@bureau.local\nhost = 192.0.2.9\n"
    reload(sofa, SOFA + section)
    assert "peer \"salon\": added" in sofa.proc.output()
    assert sofa.cli("ping", "salon", "-c", "1").code == 0
    assert {r["name"] for r in sofa.cli("--json", "peers").rows} >= {"salon", "bureau"}
    # Another place for it: the stream that works stays.
    reload(sofa, SOFA + section.replace("tv@pronto.local", "tv@pronto.local\nport = 5299"))
    assert "peer \"salon\": changed" in sofa.proc.output()
    assert sofa.cli("ping", "salon", "-c", "1").code == 0
    reload(sofa, SOFA)
    assert "peer \"bureau\": removed" in sofa.proc.output()
    assert sofa.cli("ping", "salon", "-c", "1").code != 0
    assert sofa.cli("ping", ADDRESS, "-c", "1").code == 0
    assert len(sofa.cli("--json", "peers").rows) == 1
    assert ends(sofa) == 0
    assert listening.poll() is None, listening.output()
    listening.stop()


def test_player(pair):
    tv, sofa = pair
    open_to_all = "[policy]\nbuttons = anyone\nstate = anyone\n"
    reload(tv, TV + open_to_all)
    assert sofa.cli("status", ADDRESS).code == 0
    reload(tv, TV.replace("demo", "none") + open_to_all)
    refused = sofa.cli("press", ADDRESS, "play")
    assert refused.code == 1, refused
    reload(tv, TV + open_to_all)
    assert sofa.cli("press", ADDRESS, "play").code == 0
    assert ends(tv) == 0


def test_log_level(tmp_path, lan):
    """-v, which a Daemon has, is the user's word; without it the file is."""
    conf = tmp_path / "conf"
    text = "[lan]\nenabled = no\n[engine]\nstate = /run/s\nlog = %s\n[local]\nsocket = /run/s.sock\n"
    conf.write_text(text % "info")
    proc = lan["pronto"].popen([Daemon(lan["pronto"], start=False).argv()[0] + "d", "-c", conf])
    proc.wait_for("configuration: " + str(conf))
    conf.write_text(text % "debug")
    proc.send_signal(signal.SIGHUP)
    proc.wait_for("engine.log: debug")
    conf.write_text(text % "error")
    proc.send_signal(signal.SIGHUP)
    proc.wait_for("engine.log: error")
    proc.send_signal(signal.SIGHUP)
    assert proc.stop() == 0
    assert "stopping" not in proc.output() and proc.output().count("read again") == 2


def test_another_name_needs_another_engine(pair):
    """Its streams end, and nobody has to be told that: the log says so, others find it again."""
    tv, sofa = pair
    reload(tv, TV.replace("user = tv", "user = telly"), wait="starts anew")
    sofa.wait_peer("telly@pronto.local")
    assert sofa.cli("ping", "telly@pronto.local", "-c", "1").code == 0


SERVER = """
[server]
kind = component
jid = tv.example.test
host = 127.0.0.1
port = %d
secret-file = %s
"""


@pytest.mark.timeout(180)
def test_server(pair):
    """It comes, gets another secret, another domain, goes; the LAN does not notice."""
    tv, sofa = pair
    host = tv.host
    with Ejabberd(domain="example.test", address="127.0.0.1", prefix=host.ns.enter([]),
                  components={"tv.example.test": "first", "radio.example.test": "first"}) as server:
        secret = tv.write("secret", "wrong\n")
        with_server = TV + SERVER % (server.component_port, secret)
        reload(tv, with_server)
        tv.proc.wait_for("tv.example.test: server link down")
        # Only the secret is another one.
        tv.write("secret", "first\n")
        reload(tv, with_server)
        tv.proc.wait_for("server.secret-file: another secret")
        tv.proc.wait_for("connected as tv.example.test")
        # Nothing is another one: nothing happens.
        reload(tv, with_server)
        tv.proc.wait_for("configuration: nothing changed")
        assert tv.proc.output().count("connected as") == 1
        reload(tv, with_server.replace("tv.example", "radio.example"))
        tv.proc.wait_for("connected as radio.example.test")
        addresses = [r["address"] for r in tv.cli("--json", "paths", "x@example.test").rows]
        assert addresses, "no server path"
        reload(tv, TV)
        wait_until(lambda: "server_up 0" in tv.cli("metrics").out, 10, "the server gone")
        assert tv.proc.output().count("connected as") == 2
    assert sofa.cli("ping", ADDRESS, "-c", "1").code == 0
    assert ends(tv) == 0


def test_many_reloads(pair):
    """Nothing is kept of the old ones."""
    tv, sofa = pair
    sections = "".join("[peer \"p%d\"]\naddress = a%d@b.local\njid = a%d@example.org\n" % (i, i, i)
                       for i in range(200))

    def resident():
        rows = tv.cli("--json", "metrics").rows
        return next(r["value"] for r in rows if r["name"] == "process_resident_memory_bytes")
    reload(tv, TV + sections)
    reload(tv, TV)
    before = resident()
    for n in range(20):
        reload(tv, TV + sections.replace("example.org", "example.%d.org" % n))
        reload(tv, TV + "[engine]\nmetrics = 127.0.0.1:%d\n" % (9300 + n % 2))
    reload(tv, TV)
    # The destinations of those who are no longer configured are trimmed at 4096; they are small. A
    # sanitizer keeps what was freed, and looks for leaks itself.
    with open(tv.argv()[0] + "d", "rb") as f:
        sanitized = b"__asan_init" in f.read()
    assert sanitized or resident() - before < 12 << 20
    assert sofa.cli("ping", ADDRESS, "-c", "1").code == 0
    assert ends(tv) == 0
