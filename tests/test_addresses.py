"""Which hosts may be called: every spelling of what is inside, and what opens it."""

import pytest

from engine.addresses import LOOPBACK, AllowedHosts, canonical_host, read_address, why_closed
from engine.errors import SettingsError
from engine.settings import Settings, load_settings


def wide(text):
    """Writes a text in the full-width forms of its characters."""
    return "".join(chr(ord(each) + 0xFEE0) for each in text)


LOOK_ALIKES = {
    # IPv4 as written by machines
    "127.0.0.1": "loopback",
    "127.0.0.1.": "loopback",
    "127.1": "loopback",
    "127.0.1": "loopback",
    "127.255.255.254": "loopback",
    "2130706433": "loopback",
    "2130706433.": "loopback",
    "017700000001": "loopback",
    "0177.0.0.1": "loopback",
    "0177.0.0.01": "loopback",
    "00000177.0.0.1": "loopback",
    "0x7f.0.0.1": "loopback",
    "0X7F.0.0.1": "loopback",
    "0x7f000001": "loopback",
    "0x7f.1": "loopback",
    "0x7f.0x0.0x0.0x1": "loopback",
    "0x7f.0.0x1": "loopback",
    "127.0x.0x.1": "loopback",
    "0": "this machine",
    "0x": "this machine",
    "0.0.0.0": "this machine",
    "0.1.2.3": "this machine",
    "10.0.0.1": "private",
    "10.1": "private",
    "167772161": "private",
    "012.0.0.1": "private",
    "0xa.0.0.1": "private",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "0xac100001": "private",
    "192.168.1.1": "private",
    "192.168.257": "private",
    "3232235777": "private",
    "0300.0250.1.1": "private",
    "100.64.0.1": "provider",
    "100.100.100.200": "provider",
    "169.254.169.254": "metadata",
    "169.254.43518": "metadata",
    "2852039166": "metadata",
    "0xa9fea9fe": "metadata",
    "0251.0376.0251.0376": "metadata",
    "0xA9.0xFE.0xA9.0xFE": "metadata",
    "168.63.129.16": "metadata",
    "192.0.0.192": "reserved",
    "192.0.2.1": "reserved",
    "192.88.99.1": "reserved",
    "198.18.0.1": "reserved",
    "198.51.100.1": "reserved",
    "203.0.113.1": "reserved",
    "224.0.0.1": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "reserved",
    # digits and dots of other scripts
    wide("127") + ".0.0.1": "loopback",
    wide("127.0.0.1"): "loopback",
    wide("0x7f") + ".1": "loopback",
    wide("0X7F.1"): "loopback",
    wide("2130706433"): "loopback",
    wide("169.254.169.254"): "metadata",
    "①②⑦.⓪.⓪.①": "loopback",
    "127。0。0。1": "loopback",
    "127\uff610\uff610\uff611": "loopback",
    "1\u00ad27.0.0.1": "loopback",
    # IPv6, and IPv4 within
    "::": "this machine",
    "::1": "loopback",
    "0:0:0:0:0:0:0:1": "loopback",
    "0000::0001": "loopback",
    "::ffff:127.0.0.1": "loopback",
    "::ffff:7f00:1": "loopback",
    "::FFFF:7F00:0001": "loopback",
    "0:0:0:0:0:ffff:a00:1": "private",
    "::ffff:169.254.169.254": "metadata",
    "::ffff:a9fe:a9fe": "metadata",
    "::127.0.0.1": "reserved",
    "::ffff:0:7f00:1": "reserved",
    "64:ff9b::127.0.0.1": "loopback",
    "64:ff9b::7f00:1": "loopback",
    "64:ff9b::a9fe:a9fe": "metadata",
    "64:ff9b::10.0.0.1": "private",
    "64:ff9b:1::1": "reserved",
    "2002:7f00:1::": "tunnel",
    "2002:a9fe:a9fe::1": "tunnel",
    "2002:808:808::1": "tunnel",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2": "reserved",
    "2a00:1450::5efe:10.0.0.1": "private",
    "2a00:1450::200:5efe:7f00:1": "loopback",
    "2001:db8::1": "reserved",
    "3fff::1": "reserved",
    "100::1": "reserved",
    "4000::1": "reserved",
    "fc00::1": "private",
    "fd00::1": "private",
    "fd00:ec2::254": "private",
    "fe80::1": "link-local",
    "fec0::1": "private",
    "ff02::1": "multicast",
}
PUBLIC = {
    "8.8.8.8": "8.8.8.8",
    "134744072": "8.8.8.8",
    "0x08080808": "8.8.8.8",
    "010.010.010.010": "8.8.8.8",
    "172.15.0.1": "172.15.0.1",
    "172.32.0.1": "172.32.0.1",
    "100.128.0.1": "100.128.0.1",
    "::ffff:8.8.8.8": "::ffff:808:808",
    "64:ff9b::808:808": "64:ff9b::808:808",
    "2a00:1450:4001:80e::200e": "2a00:1450:4001:80e::200e",
    "2606:4700:4700::1111": "2606:4700:4700::1111",
}
NO_HOSTS = [
    "", ".", "..", "a..b", "example.com..", "127.0.0.1..", "256.1.1.1", "1.2.3.4.5", "1.2.3.256",
    "1.16777216", "4294967296", "0x100000000", "08.1.1.1", "0x7g.1", "a.1", "example.0x1", "::g", ":::",
    "1::2::3", "fe80::1%eth0", "fe80::1%251", "a b", "a%00b", "a@b", "a\\b", "a/b", "[::1]", "a,b",
    "x" * 64, ".".join(["x" * 63] * 4), "\u2024\u2024", "é" * 300, "xn--\u00e9",
]  # fmt: skip


@pytest.mark.parametrize(("host", "words"), LOOK_ALIKES.items())
def test_what_is_inside_is_known_in_every_spelling(host, words):
    assert words in why_closed(read_address(canonical_host(host)))


@pytest.mark.parametrize(("host", "address"), PUBLIC.items())
def test_what_is_public_is_open_in_every_spelling(host, address):
    assert canonical_host(host) == address
    assert why_closed(read_address(address)) == ""


@pytest.mark.parametrize("host", NO_HOSTS)
def test_what_no_library_can_read_alike_is_no_host(host):
    with pytest.raises(ValueError):
        canonical_host(host)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("Example.COM", "example.com"),
        ("example.com.", "example.com."),
        ("a_b.example", "a_b.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        (wide("EXAMPLE.") + "com", "example.com"),
        ("1.2.3.4.example", "1.2.3.4.example"),
        ("0x7f.example", "0x7f.example"),
        ("deadbeef", "deadbeef"),
    ],
)
def test_a_name_is_a_name_in_ascii(host, name):
    assert canonical_host(host) == name


@pytest.mark.parametrize(
    ("entry", "host", "port", "is_open"),
    [
        ("gateway", "gateway", 80, True),
        ("Gateway.", "gateway", 80, True),
        ("gateway", "gateway.", 80, True),
        ("gateway", "other.gateway", 80, False),
        ("gateway:8080", "gateway", 8080, True),
        ("gateway:8080", "gateway", 80, False),
        ("*.example.com", "a.example.com", 80, True),
        ("*.example.com", "a.b.example.com", 443, True),
        ("*.example.com", "example.com", 80, False),
        ("*.example.com", "anexample.com", 80, False),
        ("*.example.com:443", "a.example.com", 80, False),
        ("bücher.example", "xn--bcher-kva.example", 80, True),
        ("*", "anything", 1, True),
        ("*:443", "anything", 443, True),
        ("*:443", "anything", 80, False),
        ("10.0.0.1", "10.0.0.1", 80, False),
    ],
)
def test_a_name_is_opened_by_itself_or_by_what_stands_above(entry, host, port, is_open):
    assert AllowedHosts.read([entry]).opens_name(host, port) is is_open


@pytest.mark.parametrize(
    ("entry", "address", "port", "is_open"),
    [
        ("10.0.0.1", "10.0.0.1", 80, True),
        ("10.0.0.1", "10.0.0.2", 80, False),
        ("10.0.0.1:8080", "10.0.0.1", 8080, True),
        ("10.0.0.1:8080", "10.0.0.1", 80, False),
        ("10.0.0.0/8", "10.255.0.1", 80, True),
        ("10.0.0.0/8", "11.0.0.1", 80, False),
        ("10.0.0.0/8:80", "10.0.0.1", 80, True),
        ("10.0.0.0/8:80", "10.0.0.1", 81, False),
        ("10.0.0.0/8", "::ffff:10.0.0.1", 80, True),
        ("10.0.0.0/8", "64:ff9b::a00:1", 80, True),
        ("127.1", "127.0.0.1", 80, True),
        ("::1", "::1", 80, True),
        ("[::1]", "::1", 80, True),
        ("[::1]:8080", "::1", 8080, True),
        ("[::1]:8080", "::1", 80, False),
        ("fd00::/8", "fd12::1", 80, True),
        ("[fd00::/8]:443", "fd12::1", 443, True),
        ("[fd00::/8]:443", "fd12::1", 80, False),
        ("*", "10.0.0.1", 80, True),
        ("gateway", "10.0.0.1", 80, False),
    ],
)
def test_an_address_is_opened_by_itself_or_by_its_network(entry, address, port, is_open):
    allowed = AllowedHosts.read([entry])

    assert allowed.opens_address(read_address(address), port) is is_open


def test_only_a_star_alone_opens_everything():
    assert AllowedHosts.read(["a", "*"]).is_everything
    assert not AllowedHosts.read(["*:443", "*.com", "0.0.0.0/0"]).is_everything
    assert not AllowedHosts.read(LOOPBACK).is_everything


@pytest.mark.parametrize(
    "entry",
    ["", "http://gateway", "gateway/path", "10.0.0.1/8", "10.0.0.0/33", "a:b", "a:0", "a:65536",
     "a:-1", "*.", "**", "*.1.2", "a.*", "[::1", "[::1]8080", "::1:x:y", "a b"],
)  # fmt: skip
def test_an_entry_that_is_none_is_told_with_how_to_write_it(entry):
    with pytest.raises(ValueError, match=r"is neither a host name, an address nor a network"):
        AllowedHosts.read(["good", entry])


def test_nothing_is_open_unless_the_settings_say_so(tmp_path):
    assert Settings().allow_hosts == ()
    assert load_settings({}, {}, tmp_path).allow_hosts == ()


def test_the_setting_is_a_list_in_the_file_and_stands_between_commas_in_the_variable(tmp_path):
    (tmp_path / "engine.toml").write_text('allow_hosts = ["gateway", "10.0.0.0/8"]\n')

    assert load_settings({}, {}, tmp_path).allow_hosts == ("gateway", "10.0.0.0/8")
    changed = load_settings({}, {"ENGINE_ALLOW_HOSTS": "localhost, [::1]:80"}, tmp_path)
    assert changed.allow_hosts == ("localhost", "[::1]:80")


def test_a_setting_that_opens_nothing_stops_the_start(tmp_path):
    with pytest.raises(SettingsError, match="allow_hosts: 'http://a' is neither"):
        load_settings({}, {"ENGINE_ALLOW_HOSTS": "http://a"}, tmp_path)
