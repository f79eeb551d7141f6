#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""zeroconf_peer.py: python3-zeroconf as a foreign peer of _presence._tcp, and a raw announcer.

    zeroconf_peer.py ADDRESS INSTANCE PORT [KEY=VALUE]...

Publishes the instance and browses; prints "added|updated|removed INSTANCE JSON". "txt KEY=VALUE
..." on standard input changes the record, not sooner than a second after it was last announced:
what is younger than that, a cache keeps beside the new one (RFC 6762 §10.2). The end of the input
says goodbye.

    zeroconf_peer.py --raw INTERFACE

Reads lines of JSON and multicasts what they say, over IPv4 and IPv6, without probing and without
regard to any rule: {"name": hex of the instance's label, "port": N, "txt": hex of the record,
"a": "192.0.2.1", "ttl": seconds of SRV, TXT and addresses, "bye": true}.
"""

import contextlib
import json
import socket
import struct
import sys
import time

TYPE = "_presence._tcp.local."


def publish(address, instance, port, *pairs):
    from zeroconf import IPVersion, ServiceBrowser, ServiceInfo, ServiceListener, Zeroconf

    def info_of(strings):
        return ServiceInfo(TYPE, "%s.%s" % (instance, TYPE), int(port),
                           properties=dict(p.split("=", 1) for p in strings),
                           server="%s-zc.local." % instance.rsplit("@", 1)[1],
                           addresses=[socket.inet_aton(address)])

    class Listener(ServiceListener):
        """Prints what the browser reports."""

        def show(self, what, zc, kind, name):
            info = zc.get_service_info(kind, name, 3000)
            print(what, name[:-len(TYPE) - 1], json.dumps({
                "port": info.port, "host": info.server, "txt": info.text.hex(),
                "addresses": info.parsed_addresses()} if info else None), flush=True)

        def add_service(self, zc, type_, name):
            self.show("added", zc, type_, name)

        def update_service(self, zc, type_, name):
            self.show("updated", zc, type_, name)

        def remove_service(self, zc, type_, name):
            print("removed", name[:-len(TYPE) - 1], flush=True)

    zc = Zeroconf(interfaces=[address], ip_version=IPVersion.V4Only)
    zc.register_service(info_of(pairs))
    announced = time.monotonic()
    print("registered", flush=True)
    ServiceBrowser(zc, TYPE, Listener())
    for line in sys.stdin:
        time.sleep(max(0, announced + 1.5 - time.monotonic()))
        zc.update_service(info_of(line.split()[1:]))
    zc.unregister_all_services()
    zc.close()


def name_of(*labels):
    return b"".join(bytes([len(x)]) + x for x in labels) + b"\0"


def record(name, kind, unique, ttl, data):
    return name + struct.pack("!HHIH", kind, 0x8001 if unique else 1, ttl, len(data)) + data


def message(what):
    kind = (b"_presence", b"_tcp", b"local")
    instance = name_of(bytes.fromhex(what["name"]), *kind)
    host = name_of(what.get("host", "raw").encode(), b"local")
    ttl = what.get("ttl", 120)
    bye = what.get("bye", False)
    records = [record(name_of(*kind), 12, False, 0 if bye else 4500, instance)]
    if not bye:
        srv = struct.pack("!HHH", 0, 0, what.get("port", 5298)) + host
        records += [record(instance, 33, True, ttl, srv),
                    record(instance, 16, True, ttl, bytes.fromhex(what.get("txt", "00")))]
        if what.get("a"):
            records.append(record(host, 1, True, ttl, socket.inet_aton(what["a"])))
        if what.get("aaaa"):
            records.append(record(host, 28, True, ttl,
                                  socket.inet_pton(socket.AF_INET6, what["aaaa"])))
    return struct.pack("!HHHHHH", 0, 0x8400, 0, len(records), 0, 0) + b"".join(records)


def raw(interface):
    index = socket.if_nametoindex(interface)
    v4 = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    v6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    v6.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    v4.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                  struct.pack("4s4si", bytes(4), bytes(4), index))
    v4.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
    v6.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
    v6.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
    for sock in (v4, v6):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("", 5353))
    print("ready", flush=True)
    for line in sys.stdin:
        packet = message(json.loads(line))
        v4.sendto(packet, ("224.0.0.251", 5353))
        with contextlib.suppress(OSError):      # a network may do without IPv6
            v6.sendto(packet, ("ff02::fb", 5353))


if __name__ == "__main__":
    if sys.argv[1] == "--raw":
        raw(sys.argv[2])
    else:
        publish(*sys.argv[1:])
