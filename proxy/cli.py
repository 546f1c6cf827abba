"""The commands; with __main__ the only place that touches arguments, the environment and the terminal."""

import asyncio
import csv
import json
import logging
import os
import secrets
import sys
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click
import uvicorn
import uvloop

from proxy import config as configuration
from proxy.app import connect, connected, consulting
from proxy.clock import SystemClock
from proxy.config import Config
from proxy.dashboard.api import presentable
from proxy.dashboard.auctions import lot_as_json
from proxy.domain.money import Usd, parse_usd, print_usd
from proxy.domain.offer import Want
from proxy.errors import BadConfig, BidRefused, GatewayError, NoAuction, ProviderError
from proxy.gateway import auctions as auction_house
from proxy.gateway.explain import matches, offers_side_by_side, route_as_json
from proxy.gateway.market import Market
from proxy.providers import ADAPTERS
from proxy.sandbox import KINDS, combined_app, sandbox_for
from proxy.server import bind
from proxy.server import serve as serve_forever
from proxy.store.backup import copy_books
from proxy.store.reads import TABLES, Row, have_books, open_reads
from proxy.stub.params import a_carrier

T = TypeVar("T")

FOUND_SOMETHING, UNUSABLE = 1, 2
"""Exit statuses; 0 is fine."""
EXPORT_PAGE = 1000

CONFIG = click.option(
    "--config", "path", default="routing.yaml", show_default=True, help="The operator's file.", metavar="PATH"
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="For programs.")


class Money(click.ParamType[Usd]):
    name = "USD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Usd:
        try:
            return value if isinstance(value, int) else parse_usd(value)
        except ValueError:
            self.fail(f"{value!r} is no amount of money")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and leave with its status: every error is one clear line."""
    try:
        status = commands.main(arguments, prog_name="sms-proxy", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as exc:
        click.echo(exc.format_message(), err=True)
        status = UNUSABLE
    except click.exceptions.Abort:
        status = UNUSABLE
    except click.ClickException as exc:
        status = _complain(exc.format_message().replace("\n", " "))
    except BadConfig as exc:
        status = UNUSABLE
        for complaint in exc.complaints:
            _complain(complaint)
    except GatewayError as exc:
        status = _complain(str(exc))
    except OSError as exc:
        status = _complain(f"{exc.filename or 'cannot listen'}: {exc.strerror or exc}")
    sys.exit(status or 0)


def _complain(words: str) -> int:
    click.echo(f"sms-proxy: {words}", err=True)
    return UNUSABLE


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return uvloop.run(work)
    except BaseExceptionGroup as exc:
        # One failed task takes its group along: the first cause is what there is to say.
        while isinstance(exc, BaseExceptionGroup):
            exc = exc.exceptions[0]
        raise exc from None


def _read(path: str) -> Config:
    try:
        words = Path(path).read_text("utf-8")
    except FileNotFoundError:
        raise BadConfig([f"{path}: there is no such file; name another one with --config"]) from None
    except (OSError, UnicodeDecodeError) as exc:
        raise BadConfig([f"{path}: it cannot be read ({exc})"]) from None
    return configuration.parse(words, os.environ, source=path, known_kinds=ADAPTERS)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sms-proxy")
def commands() -> None:
    """One URL that speaks the SMS-Activate protocol in front of several virtual-number providers."""


@commands.command()
@CONFIG
@click.option("--host", help="Instead of the file's.")
@click.option("--port", type=click.IntRange(0, 65535), help="Instead of the file's; 0 for any free one.")
@click.option("--database", help="Instead of the file's.", metavar="PATH")
def serve(path: str, host: str | None, port: int | None, database: str | None) -> None:
    """Run the gateway. SIGTERM ends it in order, SIGHUP reads the configuration again."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    logging.getLogger("httpx").setLevel(logging.WARNING)

    def reread() -> Config:
        config = _read(path)
        listen = replace(
            config.listen,
            host=config.listen.host if host is None else host,
            port=config.listen.port if port is None else port,
        )
        return replace(config, listen=listen, database=database or config.database)

    _run(serve_forever(reread(), SystemClock(), reread, click.echo))


@commands.command()
@CONFIG
@click.option("--live", is_flag=True, help="Also ask every provider for its balance.")
def check(path: str, live: bool) -> int:
    """Tell all that is wrong with the configuration, each with file and line."""
    try:
        config = _read(path)
    except BadConfig as exc:
        for complaint in exc.complaints:
            click.echo(complaint, err=True)
        return FOUND_SOMETHING if Path(path).exists() else UNUSABLE
    click.echo(f"{path} is fine")
    return _run(_check_live(config)) if live else 0


async def _check_live(config: Config) -> int:
    status = 0
    for provider in config.providers:
        line = connect(config, provider, SystemClock())
        try:
            click.echo(f"{provider.name}: balance {print_usd(await line.upstream.ask_balance())}")
        except ProviderError as exc:
            click.echo(f"{provider.name}: {exc.reason}", err=True)
            status = FOUND_SOMETHING
        finally:
            await line.aclose()
    return status


@commands.command()
@CONFIG
@AS_JSON
@click.argument("service")
@click.option("--country", type=click.IntRange(0), help="SMS-Activate's id; the configured one if left out.")
@click.option("--client", "name", default="", help="For whom; the first client if left out.")
@click.option("--max-price", type=Money(), help="What the request allows.")
@click.option("--operator", default="", help="This carrier or none.")
@click.option("--area-codes", default="", help="One of these or none, separated by commas.")
def explain(
    path: str,
    as_json: bool,
    service: str,
    country: int | None,
    name: str,
    max_price: Usd | None,
    operator: str,
    area_codes: str,
) -> int:
    """Show the route that a getNumber for SERVICE would take now, with the reasons. Buys nothing."""
    areas = tuple(code.strip() for code in area_codes.split(",") if code.strip())

    async def ask() -> dict[str, Any]:
        async with consulting(_read(path), SystemClock()) as market:
            client = market.client(name)
            if client is None:
                raise click.UsageError(f"there is no client {name!r} in {path}")
            want = Want(
                service=market.find_service(service),
                country=next(one for one in (client.country, country, market.config.country) if one is not None),
                max_price=max_price,
                operator=a_carrier(operator),
                keep_operator=bool(operator),
                area_codes=areas,
                lock_area_codes=bool(areas),
            )
            return route_as_json(market.route(client, want), want, client.name)

    route = _run(ask())
    if as_json:
        click.echo(json.dumps(route, indent=2))
    else:
        click.echo(f"{route['service']} in country {route['country']} for {route['client']}, rule {route['rule']}:")
        for leg in route["route"]:
            click.echo(f"  {'+' if leg['kept'] else '-'} {leg['provider']}: {leg['reason']}")
    return 0 if any(leg["kept"] for leg in route["route"]) else FOUND_SOMETHING


@commands.command()
@CONFIG
@AS_JSON
@click.argument("services", nargs=-1)
def prices(path: str, as_json: bool, services: tuple[str, ...]) -> None:
    """Show the offers of every provider side by side, for SERVICES or for all."""

    async def ask() -> list[Row]:
        async with consulting(_read(path), SystemClock()) as market:
            _say_price_troubles(market)
            return offers_side_by_side(market, [market.find_service(service) for service in services])

    rows = _run(ask())
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        stock = "?" if row["stock"] is None else row["stock"]
        where = f"{row['service'] or '-':8} {row['country']:>4} {row['provider']:16}"
        click.echo(f"{where} {row['price']:>10} {stock:>8}  {row['name']}")


@commands.command()
@CONFIG
@AS_JSON
@click.option("--how", help="Only these: configured, built-in, 'by name', doubtful or unmatched.")
def services(path: str, as_json: bool, how: str | None) -> None:
    """Show which provider's name stands for which code, and how that is known. Doubtful ones are never used."""

    async def ask() -> list[Row]:
        async with consulting(_read(path), SystemClock()) as market:
            _say_price_troubles(market)
            return [row for row in matches(market) if how is None or row["how"] == how]

    rows = _run(ask())
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        missing = "" if row["listed"] else "  (the provider does not list it)"
        meets = f"{row['provider']:16} {row['code'] or '-':8} {row['service']:24}"
        click.echo(f"{meets} {row['how']:10} {row['name']}{missing}")


def _say_price_troubles(market: Market) -> None:
    for upstream in market.upstreams.values():
        if upstream.price_trouble:
            click.echo(f"{upstream.name}: {upstream.price_trouble}", err=True)


def _time(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """RFC 3339, UTC where no zone is given."""
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is no time such as 2026-01-31 or 2026-01-31T12:00:00Z") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


@commands.command()
@CONFIG
@click.argument("what", type=click.Choice(list(TABLES)))
@click.option("--format", "form", type=click.Choice(["csv", "json"]), default="csv", show_default=True)
@click.option("--since", callback=_time, metavar="T", help="Only what began at or after this time (RFC 3339, UTC).")
@click.option("--database", help="Instead of the file's.", metavar="PATH")
def export(path: str, what: str, form: str, since: float | None, database: str | None) -> None:
    """Write the books to standard output, newest first."""
    file = database or _read(path).database
    if not have_books(file):
        raise click.UsageError(f"there is no database {file}")
    table = TABLES[what]

    async def write() -> None:
        async with open_reads(file) as read:
            before, first = None, True
            writer = csv.DictWriter(sys.stdout, table.columns)
            sys.stdout.write("[") if form == "json" else writer.writeheader()
            while rows := await read.page(table, {}, limit=EXPORT_PAGE, before=before, since=since):
                before = rows[-1]["id"]
                for row in map(presentable, rows):
                    if form == "csv":
                        writer.writerow(row)
                    else:
                        sys.stdout.write(("\n" if first else ",\n") + json.dumps(row))
                    first = False
            if form == "json":
                sys.stdout.write("\n]\n")

    asyncio.run(write())


@commands.command()
@CONFIG
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--database", help="Instead of the file's.", metavar="PATH")
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
def backup(path: str, file: str, database: str | None, force: bool) -> None:
    """Copy the books into FILE, whole and consistent, while a gateway uses them."""
    click.echo(f"{file}: {copy_books(database or _read(path).database, file, force=force)} bytes")


@commands.command()
@CONFIG
@AS_JSON
def auctions(path: str, as_json: bool) -> int:
    """List what the providers sell by auction now."""

    async def ask() -> tuple[list[auction_house.Lot], dict[str, str]]:
        async with connected(_read(path), SystemClock()) as market:
            return await auction_house.lots(market)

    lots, troubles = _run(ask())
    for name, why in troubles.items():
        click.echo(f"{name}: {why}", err=True)
    if as_json:
        click.echo(json.dumps([lot_as_json(lot) for lot in lots], indent=2))
    else:
        for lot in map(lot_as_json, lots):
            price = f"{lot['current_bid'] or '-'} x {lot['amount']}"
            click.echo(f"{lot['id']:>8} {lot['provider']:16} {price:>16}  {lot['end_time']}  {lot['service']}")
    return FOUND_SOMETHING if troubles else 0


@commands.command()
@CONFIG
@click.option("--provider", default="", help="Whose auction, if several have one with this ID.")
@click.argument("id")
@click.argument("amount", type=Money())
def bid(path: str, provider: str, id: str, amount: Usd) -> int:
    """Bid AMOUNT (USD) for each number of auction ID; at most the provider's max_price."""

    async def ask() -> Usd:
        async with connected(_read(path), SystemClock()) as market:
            return await auction_house.bid(market, id, amount, provider)

    try:
        click.echo(f"the bid that stands is {print_usd(_run(ask()))}")
    except (BidRefused, NoAuction) as exc:
        click.echo(str(exc), err=True)
        return FOUND_SOMETHING
    return 0


@commands.command()
def keygen() -> None:
    """Make a new client key."""
    click.echo(secrets.token_hex(16))


@commands.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8788, show_default=True)
def sandbox(host: str, port: int) -> None:
    """Serve the stand-ins for the providers on a port: /getsms and /getatext, steered at /_sandbox below each."""
    clock = SystemClock()
    listener = bind(host, port)
    for kind in KINDS:
        click.echo(f"base_url: http://{host}:{listener.getsockname()[1]}/{kind}")
    config = uvicorn.Config(combined_app([sandbox_for(kind, clock) for kind in KINDS]), log_level="warning", ws="none")
    uvicorn.Server(config).run([listener])
