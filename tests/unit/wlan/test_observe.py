"""How far the path goes, from what ip(8) says; recorded answers, no network."""

import json
import socket

import pytest
from soclab_collectors.wlan import observe
from soclab_collectors.wlan.commands import Result
from soclab_collectors.wlan.config import WlanConfig
from soclab_collectors.wlan.links import Links
from soclab_collectors.wlan.observe import Observer, Path

UP = [{
    "ifname": "wlan0",
    "flags": ["BROADCAST", "MULTICAST", "UP", "LOWER_UP"],
    "addr_info": [{"family": "inet", "local": "192.168.1.40"},
                  {"family": "inet6", "local": "fe80::1"}],
}]  # fmt: skip
DOWN = [{**UP[0], "flags": ["NO-CARRIER", "BROADCAST", "MULTICAST", "UP"]}]
ALONE = [{**UP[0], "addr_info": [{"local": "169.254.3.4"}, {"local": "fe80::1"}]}]
GATEWAY = [{"dst": "default", "gateway": "192.168.1.1", "dev": "wlan0"}]


class Ip:
    """Answers as ip(8) would; what is not listed does not exist."""

    def __init__(self, **answers):
        self.answers = {
            "address": UP, "-4": GATEWAY, "-6": [], "route": [{"dev": "eth0"}],
            "192.168.1.1": [{"state": ["REACHABLE"]}], **answers,
        }  # fmt: skip

    def run(self, command):
        assert command[:2] == ["ip", "-json"]
        key = command[5] if command[2] == "neighbour" else command[2]
        answer = self.answers.get(key)
        return Result(1, "", "no") if answer is None else Result(0, json.dumps(answer))


@pytest.fixture(autouse=True)
def no_server(monkeypatch):
    def refuse(*_, **__):
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(
        observe.socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", ("192.168.1.9", 1))]
    )
    monkeypatch.setattr(Links, "_provoke", lambda *_: None)


def look(ip, **settings):
    config = WlanConfig(
        site="lab", server_url="https://server.lab:8086", neighbour_timeout_s=0.5, **settings
    )
    return Observer(config, ip.run).look()


def test_a_gateway_that_is_there_clears_the_network():
    seen = look(Ip())
    assert seen.path is Path.NETWORK
    assert seen.reason == "server.lab:8086: Connection refused"


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({"address": None}, "there is no wlan0"),
        ({"address": DOWN}, "the link of wlan0 is down"),
        ({"address": ALONE}, "wlan0 has no address"),
        ({"192.168.1.1": [{"state": ["FAILED"]}]}, "192.168.1.1 not there on wlan0"),
        ({"192.168.1.1": [{"state": ["INCOMPLETE"]}]}, "192.168.1.1 not there on wlan0"),
        ({"192.168.1.1": [{"state": ["DELAY"]}]}, "192.168.1.1 not there on wlan0"),
        ({"192.168.1.1": None}, "192.168.1.1 not there on wlan0"),
    ],
)
def test_a_network_in_trouble(answers, reason):
    seen = look(Ip(**answers))
    assert (seen.path, seen.reason) == (Path.NOTHING, reason)


def test_a_server_on_the_same_network_clears_it_without_a_gateway():
    ip = Ip(**{"-4": [], "route": [{"dev": "wlan0"}], "192.168.1.9": [{"state": ["REACHABLE"]}]})
    assert look(ip).path is Path.NETWORK


def test_a_gateway_of_another_family_will_do():
    ip = Ip(**{
        "-6": [{"gateway": "fe80::99"}], "192.168.1.1": [{"state": ["FAILED"]}],
        "fe80::99": [{"state": ["REACHABLE"]}],
    })  # fmt: skip
    assert look(ip).path is Path.NETWORK


def test_a_witness_is_asked_instead_of_the_gateway():
    seen = look(Ip(**{"192.168.1.2": [{"state": ["FAILED"]}]}), witness="192.168.1.2")
    assert (seen.path, seen.reason) == (Path.NOTHING, "192.168.1.2 not there on wlan0")


def test_without_anybody_to_ask_a_link_with_an_address_is_taken_for_good():
    assert look(Ip(**{"-4": []})).path is Path.NETWORK


def test_a_name_without_address_is_no_trouble_of_the_network(monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(observe.socket, "getaddrinfo", unknown)
    seen = look(Ip())
    assert seen.path is Path.NETWORK
    assert seen.reason == "server.lab has no address: Temporary failure in name resolution"
