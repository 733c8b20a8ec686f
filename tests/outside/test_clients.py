from engine.core.command import HttpCall
from engine.outside.clients import MAX_CLIENTS, ClientCache


def call_with(cert: str | None = None, *, verify_tls: bool = True) -> HttpCall:
    return HttpCall("GET", "https://x/", (), None, 1, 1, 1, False, verify_tls, cert)


def recording():
    built, closed = [], []

    def build(setup):
        built.append(setup.client_cert_pem)
        return setup.client_cert_pem

    async def close(client):
        closed.append(client)

    return ClientCache(build, close), built, closed


async def test_calls_of_one_setup_share_a_client():
    cache, built, _ = recording()

    first = cache.take(call_with("a"), 10)
    second = cache.take(call_with("a"), 10)

    assert first is second
    assert first.users == 2
    assert built == ["a"]


async def test_certificate_trust_and_connect_limit_each_need_their_own_client():
    cache, _, _ = recording()

    cache.take(call_with(), 10)
    cache.take(call_with(verify_tls=False), 10)
    cache.take(call_with("a"), 10)
    cache.take(call_with(), 5)

    assert len(cache) == 4


async def test_client_used_longest_ago_is_closed_when_there_are_too_many():
    cache, _, closed = recording()
    for number in range(MAX_CLIENTS):
        await cache.give_back(cache.take(call_with(str(number)), 10))
    await cache.give_back(cache.take(call_with("0"), 10))

    await cache.give_back(cache.take(call_with("new"), 10))

    assert closed == ["1"]
    assert len(cache) == MAX_CLIENTS


async def test_client_in_use_is_not_closed_to_make_room():
    cache, _, closed = recording()
    leases = [cache.take(call_with(str(number)), 10) for number in range(MAX_CLIENTS + 1)]

    await cache.give_back(leases[7])

    assert closed == ["7"]


async def test_closing_the_cache_closes_clients_in_use():
    cache, _, closed = recording()
    lease = cache.take(call_with("a"), 10)

    await cache.aclose()
    await cache.give_back(lease)

    assert closed == ["a"]
    assert lease.is_closed
