# SPDX-License-Identifier: ISC
"""The command line: what it prints, its exit codes, its messages; against real daemons on a LAN."""

import os
import pty
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

import box
from daemon import Daemon
from ns import wait_until

TV = "tv@pronto.local"
SOFA = "sofa@forza.local"

PRONTO = """
[engine]
name = pronto
[lan]
user = tv
mdns = embedded
nick = T\N{LATIN SMALL LETTER U WITH DIAERESIS}V
publish = nick
[player]
kind = demo
[policy]
buttons = anyone
state = anyone
"""

FORZA = """
[engine]
name = forza
[lan]
user = sofa
mdns = embedded
[player]
kind = demo
[peer "livingroom"]
address = tv@pronto.local
"""


class Pair:
    """A box with an open policy and a remote control with the default one."""

    def __init__(self, lan):
        self.lan = lan
        self.tv = Daemon(lan["pronto"], PRONTO)
        self.sofa = Daemon(lan["forza"], FORZA)
        self.sofa.wait_peer(TV)
        self.tv.wait_peer(SOFA)

    def earshot(self, *args, **more):
        return self.sofa.cli(*args, **more)


@pytest.fixture(scope="module")
def pair():
    with box.Lan("pronto", "forza") as lan:
        yield Pair(lan)


@pytest.fixture
def fake(tmp_path):
    """A daemon that says what no real one does: fake(answer) starts it, and returns its socket."""
    listeners = []

    def serve(listener, answer):
        conn, _ = listener.accept()
        with conn:
            seen = ""
            conn.sendall(b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0'"
                         b" xmlns:stream='http://etherx.jabber.org/streams' to='a@b.local/1'>")
            while "</iq>" not in seen and "/></iq" not in seen:
                data = conn.recv(4096)
                if not data:
                    return
                seen += data.decode()
            start.seen = seen
            iq = seen[seen.index("<iq"):]
            ident = iq.split('id="')[1].split('"')[0]
            conn.sendall(answer.replace("ID", ident).encode())
            conn.recv(4096)

    def start(answer):
        path = str(tmp_path / "fake")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen()
        listeners.append(listener)
        threading.Thread(target=serve, args=(listener, answer), daemon=True).start()
        return path
    yield start
    for listener in listeners:
        listener.close()


def program(name):
    return os.path.join(box.BUILD, name)


def run(*argv, **more):
    return subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=30,
                          check=False, **more)


# --- what it prints -------------------------------------------------------------------------------

def test_peers(pair):
    def peer():
        return {row["address"]: row for row in pair.earshot("peers", "--json").rows}[TV]

    # Strangers are met as soon as they are seen, but not in no time.
    wait_until(lambda: peer()["level"] == "keyed", 20, peer, step=0.1)
    row = peer()
    assert list(row) == ["address", "jid", "name", "status", "message", "in_earshot", "level",
                         "link", "rtt_us", "refused", "found"]
    assert row["in_earshot"] is True and row["level"] == "keyed" and row["link"] == "lan"
    assert row["refused"] is None and row["found"] == "mdns"
    assert row["name"] == "livingroom" and row["jid"] is None
    table = pair.earshot("peers").out.splitlines()
    assert table[0].split() == ["ADDRESS", "JID", "NAME", "STATUS", "IDENTITY", "PATH", "RTT"]
    assert table[1].split()[0] == TV
    assert "\033" not in "".join(table)


def test_nick_of_a_peer_is_its_name(pair):
    """sofa publishes no nick, tv does: the privacy switch is per key."""
    assert [r["name"] for r in pair.tv.cli("peers", "--json").rows] == [None]


def test_ping(pair):
    answer = pair.earshot("ping", TV, "-c", "3", "-i", "0.05")
    assert answer.code == 0, answer
    lines = answer.out.splitlines()
    assert sum("path=lan time=" in line for line in lines) == 3
    assert "3 sent, 3 answered, 0% lost" in answer.out
    assert "rtt min/avg/max/mdev = " in lines[-1]
    rows = pair.earshot("ping", TV, "-c", "2", "-i", "0.05", "--json").rows
    assert [row["seq"] for row in rows] == [1, 2]
    assert all(row["link"] == "lan" and row["rtt_us"] > 0 and row["error"] is None for row in rows)


def test_ping_prints_statistics_when_interrupted(pair):
    proc = pair.sofa.follow("ping", TV, "-i", "0.05")
    proc.wait_for("seq=3")
    proc.send_signal(signal.SIGINT)
    assert proc.wait(60) == 0
    assert "rtt min/avg/max/mdev" in proc.output()


def test_press_and_status(pair):
    keys = ["address", "player", "name", "playback", "title", "artist", "album", "position",
            "duration", "volume", "muted", "seekable", "rate", "shuffle", "repeat", "audio",
            "audios", "subtitle", "subtitles", "can", "link", "rtt_us"]
    for button, value, want in [("pause", None, ("playback", "paused")),
                                ("volume", "40", ("volume", 40)),
                                ("volume", "-15", ("volume", 25)),
                                ("mute", "on", ("muted", True)),
                                ("mute", "off", ("muted", False)),
                                ("play", None, ("playback", "playing"))]:
        answer = pair.earshot("press", TV, button, *([value] if value else []), "--json")
        assert answer.code == 0, answer
        row = answer.rows[0]
        assert list(row) == keys and {"play", "pause", "seek"} <= set(row["can"])
        assert row[want[0]] == want[1]
        assert pair.earshot("status", TV, "--json").rows[0][want[0]] == want[1]
    before = pair.earshot("press", TV, "seek", "100", "--json").rows[0]["position"]
    after = pair.earshot("press", TV, "seek", "-10", "--json").rows[0]["position"]
    assert 99 <= before <= 105 and before - 10.5 < after < before - 5


def test_verbose_tells_the_path(pair):
    answer = pair.earshot("status", TV, "-v")
    assert "answered over lan in " in answer.err
    assert pair.earshot("status", TV, "-q").out == ""


def test_status_follows(pair):
    proc = pair.sofa.follow("status", TV, "-w", "-i", "0.1")
    proc.wait_for("playing|paused|stopped")
    assert pair.earshot("press", TV, "volume", "61").code == 0
    proc.wait_for("volume 61 %")
    assert proc.stop() == 0


def test_peer_by_name(pair):
    assert pair.earshot("ping", "livingroom", "-c", "1").code == 0
    answer = pair.earshot("ping", "kitchen", "-c", "1")
    assert answer.code == 4 and "no peer is called so" in answer.err


def test_paths(pair):
    rows = pair.earshot("paths", TV, "--json").rows
    assert [row["link"] for row in rows] == ["lan"]
    assert list(rows[0]) == ["to", "address", "link", "state", "level", "rtt_us", "rttvar_us",
                             "samples", "alive_us", "failure", "chosen", "why", "found"]
    assert rows[0]["chosen"] is True and rows[0]["state"] == "up" and rows[0]["samples"] > 0
    assert rows[0]["found"] == "mdns"
    assert pair.earshot("paths", TV).out.splitlines()[1].startswith("*  " + TV)


def test_xeps(pair):
    rows = {row["number"]: row for row in pair.earshot("xeps", "--json").rows}
    assert rows["0199"] == {"number": "0199", "name": "ping", "features": ["urn:xmpp:ping"]}
    assert "0030" in rows and "0115" in rows


# --- messages -------------------------------------------------------------------------------------

def listen(daemon, count, *more):
    """A program that gets messages. Waits until it does: it is told who is there, too."""
    proc = daemon.follow("stanza", "--listen", "-c", str(count), "--timeout", "20", *more)
    probe = daemon.follow("stanza", "--listen", "--timeout", "0.2")
    probe.wait(60)
    return proc


def test_send(pair):
    proc = listen(pair.tv, 3, "--json")
    assert pair.earshot("send", TV, "two", "words").code == 0
    assert pair.earshot("send", TV, stdin="from\nstandard input\n").code == 0
    assert pair.earshot("send", TV, "\N{SNOWMAN} <&>\x9b31m").code == 0
    assert proc.wait(60) == 0, proc.output()
    assert "<body>two words</body>" in proc.output()
    assert r"<body>from\\x0astandard input</body>" in proc.output()
    assert "\N{SNOWMAN} &lt;&amp;&gt;" in proc.output()
    assert "\x9b" not in proc.output() and "{9b}31m" in proc.output()
    assert '"link":"lan"' in proc.output() and '"level":"keyed"' in proc.output()


def test_send_lines_in_order(pair):
    proc = listen(pair.tv, 20)
    text = "".join("line %d\n" % i for i in range(20))
    assert pair.earshot("send", "-l", TV, stdin=text).code == 0
    assert proc.wait(60) == 0, proc.output()
    bodies = [line.split("<body>")[1].split("<")[0] for line in proc.lines()]
    assert bodies == text.splitlines()


def test_send_checks_its_text(pair):
    assert pair.earshot("send", TV, stdin="").code == 2
    assert pair.earshot("send", "-l", TV, "text").code == 2
    answer = pair.earshot("send", TV, stdin="x" * (128 * 1024 + 1))
    assert answer.code == 2 and "longer than" in answer.err


def test_chat_by_pipes(pair):
    here = pair.sofa.follow("chat", TV, stdin=subprocess.PIPE)
    there = pair.tv.follow("chat", SOFA, stdin=subprocess.PIPE)
    here.send_line("/help")
    there.send_line("/help")
    here.wait_for("-- /quit: ")
    there.wait_for("-- /quit: ")
    here.send_line("hello over there")
    there.wait_for("<%s> hello over there" % SOFA)
    there.send_line("//slash")
    here.wait_for("<%s> /slash" % TV)
    here.send_line("/paths")
    here.wait_for(r"-- \* lan: up")
    here.send_line("/status")
    here.wait_for("volume")
    here.send_line("/nothing")
    here.wait_for("unknown command")
    here.send_line("/quit")
    assert here.wait(60) == 0, here.output()
    there.stdin.close()
    assert there.wait(60) == 0, there.output()


def test_chat_on_a_terminal(pair):
    """Completion, and a message that arrives while a line is being typed leaves it whole."""
    master, slave = pty.openpty()
    here = pair.lan["forza"].popen(pair.sofa.argv("chat", TV), env={"TERM": "xterm"}, stdin=slave,
                                   stdout=slave, stderr=slave)
    os.close(slave)
    seen = bytearray()

    def read(want):
        def got():
            if want in seen:
                return True
            os.set_blocking(master, False)
            try:
                seen.extend(os.read(master, 65536))
            except BlockingIOError:
                pass
            return want in seen
        wait_until(got, 10, lambda: "%r in %r" % (want, bytes(seen)))
    try:
        read(TV.encode() + b"> ")
        os.write(master, b"/pa\t\r")
        read(b"lan: up")
        os.write(master, b"half a li")
        read(b"half a li")
        del seen[:]
        assert pair.tv.cli("send", SOFA, "knock \x9bknock").code == 0
        read(b"knock \\u{9b}knock")
        read(b"half a li")
        listener = listen(pair.tv, 1)
        os.write(master, b"ne\r")
        listener.wait_for("<body>half a line</body>")
        os.write(master, b"/quit\r")
        assert here.wait(60) == 0
    finally:
        os.close(master)


def test_stanza(pair):
    answer = pair.earshot("stanza", stdin="""
        <iq type='get' to='%s' id='a'><ping xmlns='urn:xmpp:ping'/></iq>
        <iq type='get' to='%s' id='b'><query xmlns='jabber:iq:version'/></iq>""" % (TV, TV))
    assert answer.code == 0, answer
    first, second = answer.out.splitlines()
    assert 'id="a"' in first and 'type="result"' in first and TV in first
    assert 'id="b"' in second and "<name>Earshot</name>" in second
    assert "urn:earshot:control" not in answer.out
    for text in ["<iq", "text", "", "<!DOCTYPE a><iq/>", "<iq></message>"]:
        answer = pair.earshot("stanza", stdin=text)
        assert answer.code == 2 and answer.err.startswith("earshot: standard input: "), answer
    assert pair.earshot("stanza", "/nonexistent").code == 2


# --- exit codes -----------------------------------------------------------------------------------

def test_refused_is_1(pair):
    """The default policy lets nobody on the LAN press buttons."""
    answer = pair.tv.cli("press", SOFA, "pause")
    assert answer.code == 1 and "earshot: %s: refused (not-authorized)" % SOFA in answer.err, answer
    answer = pair.earshot("stanza", stdin="<iq type='set' to='%s'><press button='volume' value='400' "
                          "xmlns='urn:earshot:buttons:0'/></iq>" % TV)
    assert answer.code == 1 and "not-acceptable" in answer.err
    answer = pair.earshot("stanza", stdin="<iq type='get' to='%s'><a xmlns='b'/></iq>" % TV)
    assert answer.code == 1 and "service-unavailable" in answer.err
    answer = pair.earshot("send", SOFA.replace("sofa", "tv").replace("forza", "pronto"), "x")
    assert answer.code in (0, 1)


@pytest.mark.parametrize("args, says", [
    (["nothing"], "unknown command"), (["peers", "x"], "wants no argument"),
    (["ping"], "wants ADDR"), (["press", TV, "self-destruct"], "no button"),
    (["press", TV, "key"], "which?"), (["press", TV, "key", "f13"], 'no key "f13"'),
    (["press", TV, "key", "up", "sideways"], "no motion"), (["press", TV, "seek"], "needs a value"),
    (["press", TV, "volume", "400"], "out of range"), (["press", TV, "rate", "9"], "out of range"),
    (["press", TV, "mute", "maybe"], 'does not take "maybe"'),
    (["press", TV, "open", "no url"], "does not take"),
    (["press", TV, "seek", "1", "2"], "one value at most"),
    (["ping", TV, "--wait"], "unknown option --wait"), (["ping", "a@@b"], "is no address"),
    (["send", "@b.local", "x"], "is no address"), (["peers", "--path", "wan"], "is auto, lan or")])
def test_usage_is_2(pair, args, says):
    answer = pair.earshot(*args)
    assert answer.code == 2 and says in answer.err and answer.out == "", answer


def test_configuration_trouble_is_3(pair, tmp_path):
    bad = tmp_path / "bad.conf"
    bad.write_text("[lan]\nport = 1\nprot = 2\n")
    for argv in ([program("earshot"), "--config", bad, "peers"],
                 [program("earshotd"), "-c", bad], [program("earshotd"), "-c", bad, "--check-config"]):
        done = run(*argv)
        assert done.returncode == 3
        assert '%s:3: unknown key "prot" in [lan]' % bad in done.stderr
    done = run(program("earshotd"), "-c", tmp_path / "none.conf")
    assert done.returncode == 3 and "No such file" in done.stderr
    done = run(program("earshot"), "--socket", tmp_path / "none", "peers")
    assert done.returncode == 3 and "no daemon there" in done.stderr


def test_nobody_is_4_at_once(pair):
    for args in (["ping", "-c", "1"], ["status"], ["send"]):
        begin = time.monotonic()
        answer = pair.earshot(args[0], "nobody@nowhere.local", *args[1:], stdin="x")
        assert answer.code == 4 and "nobody there" in answer.err, answer
        assert time.monotonic() - begin < 8     # less than what a question is given
    assert pair.earshot("paths", "nobody@nowhere.local").code in (0, 4)


def test_timeout_is_5(pair):
    assert pair.earshot("ping", TV, "-c", "1").code == 0
    pair.tv.proc.send_signal(signal.SIGSTOP)
    try:
        answer = pair.earshot("ping", TV, "-c", "1", "--timeout", "0.7")
    finally:
        pair.tv.proc.send_signal(signal.SIGCONT)
    assert answer.code == 5 and "--timeout" in answer.err, answer
    assert "1 sent, 0 answered, 100% lost" in answer.out
    wait_until(lambda: pair.earshot("ping", TV, "-c", "1", "--timeout", "1").code == 0, 30,
               "the path to come back")


def test_trust_is_6_and_nonsense_is_7(fake):
    error = ("<iq type='error' id='ID' from='x@y.local'><error type='auth'><not-authorized "
             "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
             "<via xmlns='urn:earshot:control:0' link='none'/></iq>")
    done = run(program("earshot"), "--socket", fake(error), "status", "x@y.local")
    assert done.returncode == 6, done
    assert "not-authorized" in done.stderr


def test_a_press_that_expires(pair):
    """The box is frozen for longer than the press is worth: it fails, and is not done later."""
    def playback():
        return pair.earshot("status", TV, "--json").rows[0]["playback"]

    # This one also tells the box how its clock and ours differ.
    assert pair.earshot("press", TV, "play", "--expires", "5").code == 0
    pair.tv.proc.send_signal(signal.SIGSTOP)
    try:
        answer = pair.earshot("press", TV, "pause", "--expires", "0.5", "--timeout", "2")
    finally:
        pair.tv.proc.send_signal(signal.SIGCONT)
    assert answer.code == 5 and TV in answer.err, answer
    wait_until(lambda: pair.earshot("ping", TV, "-c", "1", "--timeout", "1").code == 0, 30,
               "the path to come back")
    assert playback() == "playing"


def test_what_comes_too_late(fake):
    """The time of a press goes with it; whoever drops it says so, and that is a time-out."""
    socket_of = fake("<iq type='error' id='ID' from='x@y.local'><press "
                     "xmlns='urn:earshot:buttons:0' button='pause'/><error type='wait'>"
                     "<remote-server-timeout xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
                     "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>too late</text>"
                     "<expired xmlns='urn:earshot:delivery:0'/></error>"
                     "<via xmlns='urn:earshot:control:0' link='lan'/></iq>")
    done = run(program("earshot"), "--socket", socket_of, "press", "x@y.local", "pause",
               "--expires", "1.5")
    assert done.returncode == 5 and "too late" in done.stderr, done
    assert '<expires ms="1500" xmlns="urn:earshot:delivery:0"/>' in fake.seen, fake.seen


def test_nonsense_is_7(fake):
    nonsense = ("<iq type='result' id='ID' from='x@y.local'><state xmlns='urn:earshot:buttons:0' "
                "playback='dancing'/><via xmlns='urn:earshot:control:0' link='lan'/></iq>")
    done = run(program("earshot"), "--socket", fake(nonsense), "status", "x@y.local")
    assert done.returncode == 7 and "protocol error" in done.stderr


def test_a_daemon_that_makes_no_sense_is_3(fake):
    done = run(program("earshot"), "--socket", fake("<iq></message>"), "xeps")
    assert done.returncode == 3 and "no XMPP stream" in done.stderr


# --- without a daemon -----------------------------------------------------------------------------

def test_no_daemon(pair):
    answer = pair.earshot("--no-daemon", "ping", TV, "-c", "2", "-i", "0.05", "--json")
    assert answer.code == 0, answer
    assert [row["link"] for row in answer.rows] == ["lan", "lan"]
    proc = listen(pair.tv, 1)
    assert pair.earshot("--no-daemon", "send", TV, "and away").code == 0
    assert proc.wait(60) == 0 and "<body>and away</body>" in proc.output()
    assert TV in pair.earshot("--no-daemon", "peers").out
    answer = pair.earshot("--no-daemon", "ping", "nobody@nowhere.local", "-c", "1", "--timeout",
                          "4")
    assert answer.code == 4, answer


# --- the daemon -----------------------------------------------------------------------------------

def test_dump_config_is_a_configuration(tmp_path):
    dump = run(program("earshotd"), "-c", "/dev/null", "--dump-config")
    assert dump.returncode == 0
    (tmp_path / "conf").write_text(dump.stdout)
    done = run(program("earshotd"), "-c", tmp_path / "conf", "--check-config")
    assert done.returncode == 0 and "fine" in done.stdout
    assert run(program("earshotd"), "-c", tmp_path / "conf", "--dump-config").stdout == dump.stdout


def test_samples_are_configurations(tmp_path):
    folder = os.path.join(box.ROOT, "tools/dist")
    samples = [name for name in os.listdir(folder) if name.endswith(".conf")]
    assert len(samples) >= 2
    secret = tmp_path / "secret"
    secret.write_text("s\n")
    secret.chmod(0o600)
    for name in samples:
        with open(os.path.join(folder, name), encoding="utf-8") as f:
            text = re.sub(r"/etc/earshot/\S*secret", str(secret), f.read())
        (tmp_path / name).write_text(text.replace("group = audio", "group = root"))
        done = run(program("earshotd"), "-c", tmp_path / name, "--check-config")
        assert done.returncode == 0, done.stderr


def test_help_and_version():
    done = run(program("earshot"), "-h")
    assert done.returncode == 0 and "press ADDR BUTTON [VALUE...]" in done.stdout
    done = run(program("earshot"), "press", "-h")
    assert done.returncode == 0 and "playpause" in done.stdout
    done = run(program("earshot"))
    assert done.returncode == 2 and done.stdout == ""
    assert run(program("earshot"), "--version").stdout == "earshot 0.1\n"
    assert run(program("earshotd"), "--version").stdout == "earshotd 0.1\n"
    assert run(program("earshotd"), "--nonsense").returncode == 2


def test_completion_runs_nothing_that_a_peer_announces(tmp_path):
    """bash expands what compgen is given: $(...) in an announced name would run."""
    stub = tmp_path / "earshot"
    stub.write_text("#!/bin/sh\ncat <<'END'\n"
                    '{"address":"$(touch ran)@h.local"}\n{"address":"`touch ran`@h.local"}\n'
                    '{"address":"tv@pronto.local","jid":null}\nEND\n')
    stub.chmod(0o755)
    script = run(program("earshot"), "--completion", "bash").stdout
    script += ("\nCOMP_LINE='earshot ping ' COMP_POINT=13; _earshot\n"
               "printf '%s\\n' \"${COMPREPLY[@]}\"\n")
    done = run("bash", "-c", script, cwd=tmp_path, env=dict(os.environ,
               PATH="%s:%s" % (tmp_path, os.environ["PATH"])))
    assert "tv@pronto.local" in done.stdout.splitlines(), done.stderr
    assert not (tmp_path / "ran").exists() and "touch" not in done.stdout


# Last: the box goes and comes back.
def test_peers_watch(pair):
    proc = pair.sofa.follow("peers", "-w", "--json")
    proc.wait_for(TV)
    pair.tv.stop()
    proc.wait_for('"in_earshot":false', timeout=10)
    pair.tv.start()
    proc.wait_for('"address":"%s".*"in_earshot":true' % TV, timeout=20, count=2)
    assert proc.stop() == 0
