#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""evil_mpris.py: an MPRIS player that lies.

    evil_mpris.py NAME WAY      WAY is a key of WAYS, flood or names

It owns org.mpris.MediaPlayer2.NAME, prints "ready", and each press that comes.
"""

import sys

import dbus
import dbus.lowlevel
import dbus.mainloop.glib
from gi.repository import GLib

PLAYER = "org.mpris.MediaPlayer2.Player"
PROPERTIES = "org.freedesktop.DBus.Properties"
PATH = "/org/mpris/MediaPlayer2"
GOOD = {
    "PlaybackStatus": "Playing", "LoopStatus": "None", "Shuffle": False, "Rate": 1.0,
    "MinimumRate": 1.0, "MaximumRate": 1.0, "Volume": 0.5, "Position": dbus.Int64(5000000),
    "CanControl": True, "CanPlay": True, "CanPause": True, "CanSeek": True, "CanGoNext": True,
    "CanGoPrevious": True,
    "Metadata": dbus.Dictionary({
        "mpris:trackid": dbus.ObjectPath("/1"), "xesam:title": "Good",
        "mpris:length": dbus.Int64(60000000)}, signature="sv"),
}


def nested(depth):
    value = dbus.String("deep", variant_level=1)
    for _ in range(depth):
        value = dbus.Array([value], signature="v", variant_level=1)
    return value


def metadata(**more):
    return dbus.Dictionary({k.replace("_", ":"): v for k, v in more.items()}, signature="sv")


# What GetAll answers.
WAYS = {
    "empty": {},
    "numbers": {key: dbus.Int32(7) for key in GOOD},
    "texts": {key: "nonsense" for key in GOOD},
    "deep": {key: nested(25) for key in GOOD},
    "structs": {key: dbus.Struct((1, "two", 3.0)) for key in GOOD},
    "ends": {**GOOD, "Volume": float("nan"), "Rate": float("inf"), "MinimumRate": -1.0,
             "MaximumRate": float("-inf"), "Position": dbus.Int64(-2 ** 63),
             "LoopStatus": "Sometimes", "PlaybackStatus": "Dancing",
             "Metadata": metadata(mpris_length=dbus.UInt64(2 ** 64 - 1),
                                  mpris_trackid="no path", xesam_title="\x1b[31mred\n",
                                  xesam_artist=["a"] * 9000, xesam_album=dbus.Int32(1))},
    "loud": {**GOOD, "Volume": 1e300, "Position": dbus.Int64(2 ** 63 - 1)},
    "many": {**GOOD, "Metadata": dbus.Dictionary(
        {"x:%d" % i: "y" for i in range(10000)}, signature="sv")},
    "long": {**GOOD, "Metadata": metadata(xesam_title="T" * 1000000,
                                          mpris_trackid=dbus.ObjectPath("/" + "t" * 100000),
                                          xesam_url="file:///" + "%41" * 300000)},
    "huge": {**GOOD, "Huge": dbus.Array([dbus.Array([], signature="s")] * 100000,
                                        signature="as")},
    "stuck": {**GOOD, "CanControl": False},
    "good": GOOD,
    "refuses": GOOD,
    "silent": GOOD,
    "gap": dict(GOOD),
    "mute": None,
    "nonsense": None,
    "error": None,
}


class Evil:
    def __init__(self, name, way):
        self.way = way
        self.bus = dbus.SessionBus()
        self.bus.add_message_filter(self.on_message)
        self.bus.request_name("org.mpris.MediaPlayer2." + name)

    def on_message(self, bus, message):
        if message.get_type() != 1 or message.get_path() != PATH:
            return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED
        self.answer(message.get_member(), message)
        return dbus.lowlevel.HANDLER_RESULT_HANDLED

    def answer(self, member, message):
        if member == "Get":
            self.reply(message, "v", "Evil\x1b[2J\u2028" + "!" * 500)
        elif member != "GetAll":
            print("pressed", member, flush=True)
            if self.way == "refuses":
                self.bus.send_message(dbus.lowlevel.ErrorMessage(
                    message, "org.example.No", "\x1b]0;no\x07"))
            elif self.way != "silent":
                self.reply(message)
            if self.way == "gap" and member == "Next":
                self.become(PlaybackStatus="Stopped")
                GLib.timeout_add(400, lambda: self.become(
                    PlaybackStatus="Playing", Metadata=metadata(xesam_title="Next one")))
        elif self.way == "nonsense":
            self.reply(message, "s", "what do you mean?")
        elif self.way == "error":
            self.bus.send_message(dbus.lowlevel.ErrorMessage(message, "org.example.No", "no"))
        elif self.way != "mute":
            self.reply(message, "a{sv}", WAYS[self.way])

    def reply(self, message, signature=None, *values):
        answer = dbus.lowlevel.MethodReturnMessage(message)
        if signature:
            answer.append(*values, signature=signature)
        self.bus.send_message(answer)

    def signal(self, signature, *values, interface=PROPERTIES, member="PropertiesChanged"):
        signal = dbus.lowlevel.SignalMessage(PATH, interface, member)
        signal.append(*values, signature=signature)
        self.bus.send_message(signal)

    def become(self, **properties):
        WAYS[self.way].update(properties)
        self.signal("sa{sv}as", PLAYER, properties, [])

    def flood(self):
        """Signals, right and wrong, for as long as it runs."""
        for way in ("good", "numbers", "ends", "structs"):
            for _ in range(20):
                self.signal("sa{sv}as", PLAYER, WAYS[way], ["Metadata"])
        self.signal("s", PLAYER)
        self.signal("ss", PLAYER, "what")
        self.signal("si", PLAYER, 3)
        self.signal("s", "far", interface=PLAYER, member="Seeked")
        return True


def main(name, way):
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    evil = Evil(name, "good" if way in ("flood", "names") else way)
    if way == "flood":
        GLib.timeout_add(5, evil.flood)
    if way == "names":
        for i in range(40):
            evil.bus.request_name("org.mpris.MediaPlayer2.%s.instance%d" % (name, i))
        crowd = [dbus.bus.BusConnection(dbus.bus.BusConnection.TYPE_SESSION) for _ in range(60)]
        for i, bus in enumerate(crowd):
            bus.request_name("org.mpris.MediaPlayer2.crowd%d" % i)
    print("ready", flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(*sys.argv[1:])
