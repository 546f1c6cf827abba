"""The line to getatext.com: one request out, and what kind of answer came back.

Only a 4xx whose body says why is a refusal (and a 503 that speaks of maintenance). A 2xx without what was asked for,
any other 5xx and everything that is not JSON may have cost money.
"""

from collections.abc import Mapping

from proxy.clock import Clock
from proxy.errors import NotSent, NoTurn, OutcomeUnknown
from proxy.providers import getatext_forms as forms
from proxy.providers.base import ProviderSettings, Reason, Refused
from proxy.providers.getatext_forms import DOCUMENTED, ENDED, NO_RENTAL
from proxy.providers.limits import Throttle
from proxy.providers.reading import NOT_ABOUT_THE_RENTAL, id_of, phone_of, reason_of, words_of
from proxy.providers.wire import Answer, Wire, exchange


class Line:
    def __init__(self, name: str, wire: Wire, clock: Clock, settings: ProviderSettings) -> None:
        self.name = name
        self.clock = clock
        self._wire = wire
        self._key = settings.api_key
        self._timeout = settings.timeout
        self._url = f"{settings.base_url.rstrip('/')}/api/v1/"

    async def ask(
        self,
        method: str,
        path: str,
        timeout: float,
        body: Mapping[str, object] | None = None,
        throttle: Throttle | None = None,
    ) -> Answer:
        """One request, after a turn at the throttle; both within the timeout."""
        deadline = self.clock.monotonic() + timeout
        if throttle and not await throttle.turn(timeout):
            raise NoTurn(self.name, "its limit leaves no turn within the deadline")
        left = min(self._timeout, deadline - self.clock.monotonic())
        return await exchange(
            self._wire, self.name, method, self._url + path, timeout=left, headers={"Auth": self._key}, json=body
        )

    async def aclose(self) -> None:
        await self._wire.aclose()

    def problem(self, fields: Mapping[str, object]) -> str:
        """The text of an error, without our key; empty if there is none."""
        return forms.problem(fields, self._key)

    def refusal(self, answer: Answer) -> Refused | None:
        """A sure no, with its reason; None if the answer is none."""
        found = answer.json if isinstance(answer.json, dict) else {}
        # Frameworks explain themselves in `message` where the document has `errors`.
        problem = self.problem(found) or ("" if "errors" in found else words_of(found.get("message"), self._key))
        if not problem or id_of(forms.rental(answer.json).get("id")):
            return None
        reason = reason_of(problem, DOCUMENTED)
        is_no = {503: reason is Reason.MAINTENANCE, 408: reason is Reason.BUSY}.get(
            answer.status, 400 <= answer.status < 500
        )
        return Refused(reason, problem, forms.real_price(problem)) if is_no else None

    def denial(self, answer: Answer) -> Refused | None:
        """A no to what costs nothing to ask again: one that came as a success counts too."""
        if refused := self.refusal(answer):
            return refused
        problem = self.problem(self.understood(answer))
        return Refused(reason_of(problem, DOCUMENTED), problem) if problem else None

    def about_the_rental(self, refused: Refused) -> Refused:
        """The same again, unless it says nothing of the rental that was asked about."""
        if refused.reason in NOT_ABOUT_THE_RENTAL:
            raise NotSent(self.name, refused.text)
        return refused

    def knows_no_rental(self, answer: Answer) -> bool:
        """Whether the answer is a sure no because there is no such rental; any other no is raised."""
        refused = self.refusal(answer)
        if refused is None:
            return False
        if refused.reason not in NOT_ABOUT_THE_RENTAL and (answer.status == 404 or NO_RENTAL.search(refused.text)):
            return True
        raise NotSent(self.name, refused.text)

    def sold(self, answer: Answer, kind: str = "") -> tuple[str, str, Mapping[str, object]]:
        """Id (behind its kind), number and all the words of a sale; whatever is no clear yes is raised."""
        fields = forms.rental(answer.json)
        id, number = id_of(fields.get("id")), phone_of(fields.get("number"))
        upstream_id = f"{kind}{id}" if id else ""
        if not 200 <= answer.status < 300 or not upstream_id:
            raise self.nonsense(answer, upstream_id)
        if not number or self.problem(fields) or forms.status(fields) in ENDED | {"error"}:
            raise OutcomeUnknown(self.name, "a purchase without a clear rental", upstream_id)
        return upstream_id, number, fields

    def granted(self, answer: Answer) -> Answer:
        """An answer that had to be a yes. A refusal is a sure no, so asking did nothing."""
        if refused := self.refusal(answer):
            raise NotSent(self.name, refused.text)
        if not 200 <= answer.status < 300:
            raise self.nonsense(answer)
        return answer

    def understood(self, answer: Answer) -> Mapping[str, object]:
        """What a yes tells of its rental."""
        fields = forms.rental(self.granted(answer).json)
        if not fields:
            raise self.nonsense(answer)
        return fields

    def nonsense(self, answer: Answer, upstream_id: str = "") -> OutcomeUnknown:
        return OutcomeUnknown(self.name, f"HTTP {answer.status} with an answer that makes no sense", upstream_id)
