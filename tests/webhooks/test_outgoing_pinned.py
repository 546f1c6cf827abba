"""Where webhooks may go: an address is looked at once, and what was looked at is what is called."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import trustme

from proxy.webhooks.pinned import NotPublic, Pinned, is_public, resolve
from tests.fakes import FakeClock
from tests.webhooks.receiver import Receiver

PUBLIC = ("93.184.215.14", "1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::1")
NOT_PUBLIC = (
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("169.254.169.254", "100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1"),
    *("255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd12::1", "ff02::1"),
    *("2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1"),
    *("2002:7f00:1::1", "2002:a00:1::1", "100::1", "4000::1"),
)


class Names:
    """A resolver that answers each question with the next of its answers."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return self.answers.pop(0)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver(FakeClock())
    await receiver.port.open()
    yield receiver
    receiver.port.close()


@asynccontextmanager
async def posted(names: Names, url: str, *, private: bool = True) -> AsyncIterator[httpx.Response]:
    async with Pinned(names) as pinned:
        timeout = httpx.Timeout(5).as_dict()
        request = httpx.Request("POST", url, content=b"{}", extensions={"private": private, "timeout": timeout})
        response = await pinned.handle_async_request(request)
        yield response
        await response.aclose()


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_of_the_public_internet(address: str):
    assert is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_addresses_that_are_not_for_everyone(address: str):
    assert not is_public(address)


async def test_a_name_is_resolved_once_and_what_was_found_is_called(receiver: Receiver):
    names = Names(["127.0.0.1"])
    port = httpx.URL(receiver.url).port
    async with posted(names, f"http://receiver.test:{port}/sms") as response:
        assert response.status_code == 200
    assert names.asked == [("receiver.test", port)]
    assert receiver.posts[0].headers["host"] == f"receiver.test:{port}"


async def test_a_name_that_leads_inside_is_not_called(receiver: Receiver):
    url = f"http://receiver.test:{httpx.URL(receiver.url).port}/"
    with pytest.raises(NotPublic, match=r"receiver\.test is not on the public internet"):
        async with posted(Names(["127.0.0.1", "10.0.0.1", "::1"]), url, private=False):
            pass
    assert receiver.posts == []


async def test_a_name_that_changes_its_mind_is_looked_at_again_for_every_request(receiver: Receiver):
    names = Names(["127.0.0.1"], ["127.0.0.1"])
    url = f"http://receiver.test:{httpx.URL(receiver.url).port}/"
    async with posted(names, url):
        pass
    with pytest.raises(NotPublic):
        async with posted(names, url, private=False):
            pass
    assert len(receiver.posts) == 1


async def test_where_one_address_takes_no_connection_the_next_is_tried(receiver: Receiver):
    url = f"http://receiver.test:{httpx.URL(receiver.url).port}/"
    async with posted(Names(["127.0.0.2", "127.0.0.1"]), url) as response:
        assert response.status_code == 200
    assert len(receiver.posts) == 1


async def test_a_redirect_is_not_followed(receiver: Receiver):
    receiver.status, receiver.headers = 307, [(b"location", receiver.url.encode())]
    async with posted(Names(["127.0.0.1"]), receiver.url) as response:
        assert response.status_code == 307
    assert len(receiver.posts) == 1


async def test_a_name_that_nobody_has_makes_no_connection():
    for host in ("nobody.invalid", "x" * 64 + ".test"):
        with pytest.raises(httpx.ConnectError, match=f"{host} cannot be resolved"):
            await resolve(host, 80)


async def test_this_machine_is_found_by_its_name():
    assert set(await resolve("localhost", 80)) <= {"127.0.0.1", "::1"}


@pytest.fixture
async def encrypted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """The port of a receiver with https, whose certificate this machine trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("receiver.test").configure_cert(context)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def test_a_certificate_is_checked_for_the_name_and_not_for_the_address(encrypted: int):
    async with posted(Names(["127.0.0.1"]), f"https://receiver.test:{encrypted}/") as response:
        assert response.status_code == 204


async def test_a_certificate_for_another_name_is_no_connection(encrypted: int):
    with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
        async with posted(Names(["127.0.0.1"]), f"https://other.test:{encrypted}/"):
            pass
