"""What there is at all: countries, services, operators."""

from proxy.catalog.countries import COUNTRIES
from proxy.catalog.services import SERVICES
from proxy.gateway import prices
from proxy.stub import params
from proxy.stub.actions.common import ACTIONS, PRICES_SECONDS
from proxy.stub.registry import Call
from proxy.stub.replies import Reply, as_json


@ACTIONS.action(
    "getCountries", open=True, section="4",
    example='{"187":{"id":187,"rus":"...","eng":"USA","chn":"...","visible":1,"retry":0,"rent":0,"multiService":0}}',
)  # fmt: skip
async def get_countries(call: Call) -> Reply:
    """The countries of the protocol, by id.

    No key is asked for, as at HeroSMS.
    """
    return as_json(
        {
            str(country.id): {
                "id": country.id,
                "rus": country.rus,
                "eng": country.eng,
                "chn": country.chn,
                "visible": int(country.visible),
                "retry": int(country.retry),
                "rent": int(country.rent),
                "multiService": int(country.multi_service),
            }
            for country in COUNTRIES.values()
        }
    )


@ACTIONS.action(
    "getServicesList", params.COUNTRY, open=True, section="4",
    example='{"status":"success","services":[{"code":"wa","name":"WhatsApp"}]}',
)  # fmt: skip
async def get_services_list(call: Call, country: int | None) -> Reply:
    """The services of the protocol; with a country, those that a provider sells there.

    No key is asked for, as at HeroSMS. Names are in English whatever `lang` says.
    """
    market = call.gateway.market
    codes = {*SERVICES, *market.config.services}
    if country is not None:
        await market.prices_known(PRICES_SECONDS)
        codes = {code for _, code in prices.services_sold(market, country)}
    services = [{"code": code, "name": SERVICES.get(code, code)} for code in sorted(codes)]
    return as_json({"status": "success", "services": services})


@ACTIONS.action(
    "getOperators", params.COUNTRY, section="4",
    example='{"status":"success","countryOperators":{"187":["at&t","tmobile"]}}',
)  # fmt: skip
async def get_operators(call: Call, country: int | None) -> Reply:
    """The carriers that can be asked for, by country."""
    await call.gateway.market.prices_known(PRICES_SECONDS)
    operators = call.gateway.market.operators()
    if country is not None:
        operators = {where: names for where, names in operators.items() if where == country}
    if not operators:
        return as_json({"status": "error", "error": "OPERATORS_NOT_FOUND"})
    shown = {str(where): sorted(names) for where, names in sorted(operators.items())}
    return as_json({"status": "success", "countryOperators": shown})
