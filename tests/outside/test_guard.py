"""Where a call may go, asked of a guard with a name server of the test's."""

import asyncio

import pytest

from engine.addresses import LOOPBACK, AllowedHosts
from engine.outside.guard import Guard, NotAllowed, NotFound, Way
from engine.outside.names import KEPT_S, Names, SystemLookup

PUBLIC = "93.184.216.34"


class Lookup:
    """A name server that gives one answer after the other, the last again and again."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    async def __call__(self, name):
        self.asked.append(name)
        answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def guard(*answers, allow=()):
    return Guard(AllowedHosts.read(allow), Lookup(*answers or [(PUBLIC,)]))


async def refused(url, *answers, allow=()):
    with pytest.raises(NotAllowed) as caught:
        await guard(*answers, allow=allow).way(url, 1)
    return str(caught.value)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:8080/x", "it is a loopback address"),
        ("https://[::1]/", "it is a loopback address"),
        ("HTTP://2130706433", "127.0.0.1 is a loopback address"),
        ("http://0x7f.1?x=http://8.8.8.8/", "127.0.0.1 is a loopback address"),
        ("http://[::ffff:a9fe:a9fe]/latest", "it is a link-local address, such as cloud metadata"),
        ("http://169.254.169.254./", "169.254.169.254 is a link-local address"),
        ("http://\uff11\uff12\uff17.\uff11#8.8.8.8", "127.0.0.1 is a loopback address"),
    ],
)
async def test_an_address_inside_is_not_called(url, words):
    text = await refused(url)

    assert text.startswith(words)
    assert text.endswith("; allow_hosts in the engine's settings (ENGINE_ALLOW_HOSTS) opens it")


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("metadata.google.internal", "169.254.169.254"),
        ("metadata", "169.254.169.254"),
        ("instance-data", "169.254.169.254"),
        ("localhost", "127.0.0.1"),
        ("localhost.", "::1"),
        ("localtest.me", "127.0.0.1"),
        ("127.0.0.1.nip.io", "127.0.0.1"),
        ("x.example", "::ffff:10.0.0.1"),
        ("x.example", "fe80::1%eth0"),
    ],
)
async def test_a_name_that_leads_inside_is_not_called(name, address):
    assert (await refused(f"https://{name}/", (address,))).startswith(f"it leads to {address}, ")


async def test_a_public_name_is_called_at_the_address_that_was_judged():
    way = await guard().way("https://Example.com:8443/a?b", 1)

    assert way == Way("https://example.com:8443/a?b", "example.com", 8443, (PUBLIC,))


async def test_a_public_address_is_called_as_it_is_read():
    asked = guard()

    assert await asked.way("http://134744072/a", 1) == Way("http://8.8.8.8/a")
    assert await asked.way("http://[2606:4700:4700:0::1111]:80", 1) == Way(
        "http://[2606:4700:4700::1111]"
    )


async def test_a_name_that_is_judged_again_leads_nowhere_else():
    moment = [0.0]
    lookup = Lookup((PUBLIC,), ("10.0.0.1",))
    rebinding = Guard(AllowedHosts(), lookup)
    rebinding._names = Names(lookup, lambda: moment[0])

    first = await rebinding.way("http://rebind.example/", 1)
    moment[0] = KEPT_S - 1
    again = await rebinding.way("http://rebind.example/", 1)
    moment[0] = KEPT_S

    assert first.addresses == again.addresses == (PUBLIC,)
    assert lookup.asked == ["rebind.example"]
    with pytest.raises(NotAllowed, match=r"it leads to 10\.0\.0\.1, a private address"):
        await rebinding.way("http://rebind.example/", 1)


async def test_of_the_addresses_of_a_name_only_those_that_are_open_are_called():
    way = await guard(("10.0.0.1", PUBLIC, "::1")).way("http://both.example/", 1)

    assert way.addresses == (PUBLIC,)


async def test_at_most_four_addresses_are_tried():
    found = tuple(f"8.8.8.{number}" for number in range(9))

    assert (await guard(found).way("http://many.example/", 1)).addresses == found[:4]


async def test_what_is_open_by_name_is_not_looked_up():
    opened = guard(allow=["gateway", "*.inside.example:8080"])

    assert await opened.way("http://gateway/x", 1) == Way("http://gateway/x")
    assert (await opened.way("http://a.inside.example:8080/", 1)).addresses == ()
    assert opened._names._lookup.asked == []
    assert (await opened.way("http://a.inside.example/", 1)).addresses == (PUBLIC,)


async def test_a_network_is_open_by_address_and_by_every_name_that_leads_there():
    opened = guard(("10.1.2.3",), allow=["10.0.0.0/8"])

    assert await opened.way("http://10.9.9.9/", 1) == Way("http://10.9.9.9/")
    assert (await opened.way("http://db.inside/", 1)).addresses == ("10.1.2.3",)


async def test_an_open_port_opens_no_other():
    opened = guard(allow=["127.0.0.1:8080"])

    assert await opened.way("http://127.0.0.1:8080/", 1) == Way("http://127.0.0.1:8080/")
    with pytest.raises(NotAllowed):
        await opened.way("http://127.0.0.1:8081/", 1)


async def test_loopback_is_open_where_it_is_meant_to_be():
    opened = guard(("127.0.0.1",), allow=LOOPBACK)

    for host in ("localhost:1", "127.0.0.1", "[::1]", "127.8.8.8", "some.localhost"):
        await opened.way(f"http://{host}/", 1)
    with pytest.raises(NotAllowed):
        await opened.way("http://10.0.0.1/", 1)


async def test_a_star_opens_everything():
    opened = guard(allow=["*"])

    assert opened.is_open
    assert await opened.way("http://169.254.169.254/", 1) == Way("http://169.254.169.254/")
    assert await opened.way("http://inside/", 1) == Way("http://inside/")


@pytest.mark.parametrize(
    "url",
    ["ftp://a/", "http:///x", "//a", "http://a:b/", "http://a:99999/", "http://u:p@a/",
     "http://a\\b/", "http://[::1", "http://1.2.3.999/"],
)  # fmt: skip
async def test_what_libraries_read_in_different_ways_is_not_called(url):
    with pytest.raises(ValueError):
        await guard().way(url, 1)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (OSError(-2, "Name or service not known"), "no address: Name or service not known"),
        (OSError("label too long"), "no address: label too long"),
        ((), "no address: none is known"),
    ],
)
async def test_a_name_without_address_is_not_found(answer, words):
    with pytest.raises(NotFound, match=words):
        await guard(answer).way("http://nowhere.example/", 1)


async def test_a_name_that_was_not_found_is_asked_for_again():
    asked = guard(OSError("not now"), (PUBLIC,))
    with pytest.raises(NotFound):
        await asked.way("http://late.example/", 1)

    assert (await asked.way("http://late.example/", 1)).addresses == (PUBLIC,)


async def test_a_silent_name_server_is_not_waited_for_and_asked_once_for_all():
    answer = asyncio.Event()
    asked = []

    async def silent(name):
        asked.append(name)
        await answer.wait()
        return (PUBLIC,)

    slow = Guard(AllowedHosts(), silent)
    with pytest.raises(NotFound, match="in time"):
        await slow.way("http://slow.example/", 0)
    waiting = [asyncio.ensure_future(slow.way("http://slow.example/", 60)) for _ in range(3)]
    await asyncio.sleep(0)
    answer.set()

    assert {(await each).addresses for each in waiting} == {(PUBLIC,)}
    assert asked == ["slow.example"]


async def test_the_address_that_answered_stays_the_first():
    moment = [0.0]
    lookup = Lookup(("8.8.8.1", "8.8.8.2"), ("8.8.8.3", "8.8.8.2"), ("8.8.8.4",))
    names = Names(lookup, lambda: moment[0])
    await names.addresses("a")
    names.prefer("a", "8.8.8.2")

    assert await names.addresses("a") == ("8.8.8.2", "8.8.8.1")
    moment[0] = KEPT_S
    assert await names.addresses("a") == ("8.8.8.2", "8.8.8.3")
    names.forget("a")
    assert await names.addresses("a") == ("8.8.8.4",)


async def test_only_so_many_names_are_kept(monkeypatch):
    monkeypatch.setattr("engine.outside.names.MOST_NAMES", 2)
    lookup = Lookup((PUBLIC,))
    names = Names(lookup)

    for name in ("a", "b", "c", "b", "a"):
        await names.addresses(name)

    assert lookup.asked == ["a", "b", "c", "a"]


async def test_what_is_being_asked_is_given_up_at_the_end():
    async def silent(name):
        await asyncio.Event().wait()

    names = Names(silent)
    asking = asyncio.ensure_future(names.addresses("a"))
    await asyncio.sleep(0)

    await names.aclose()

    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_the_system_knows_this_machine_and_not_what_is_no_name():
    lookup = SystemLookup()

    assert set(await lookup("localhost")) <= {"127.0.0.1", "::1"}
    with pytest.raises(OSError):
        await lookup("x" * 64 + ".example")
    lookup.close()
