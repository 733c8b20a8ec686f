"""`engine twilio`: the Twilio simulator alone."""

from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.markup import escape

from engine.cli.output import Exit, Output
from engine.cli.run import run
from engine.errors import EngineUnreachable, SettingsError
from engine.settings import Settings
from engine.testing.twilio import SimulatorSettings, serve

NUMBERS = {
    "+15550000000": "sent, then delivered; so is every other number",
    "+15550000001": "sent, then undelivered (30003)",
    "+15550000002": "failed (30008)",
    "+15550000003": "delivered; the callbacks come before the answer to the call",
    "+15550000004": "delivered is reported before sent",
    "+15550000005": "every callback comes three times",
    "+15550000006": "no callback ever; asked, it says sent",
    "+15550000007": "no callback ever; asked, it says delivered",
    "+15550000008": "the call is answered after 70 s",
    "+15550000009": "accepted, but the connection is cut before the answer",
    "+15550000010": "HTTP 500, nothing accepted",
    "+15550000011": "HTTP 429 twice, then accepted",
    "+15550000012": "each callback comes first with a wrong signature",
    "+15550000013": "delivered after 2 h",
    "+15005550001": "refused: not a phone number (21211)",
    "+15005550004": "refused: the recipient has opted out (21610)",
}


def twilio(
    *,
    port: Annotated[int, typer.Option("--port", help="0 takes any free port.")] = 8100,
    speed: Annotated[float, typer.Option("--speed", help="Divides every delay.")] = 1.0,
    auth_token: Annotated[
        str | None, typer.Option("--auth-token", help="The only token taken; any if left out.")
    ] = None,
) -> None:
    """Run the Twilio simulator: it answers as Twilio does, calls back, and sends nothing.

    Example: [bold]engine twilio --port 8100 --speed 10[/]
    """

    async def work(settings: Settings, output: Output) -> int:
        del settings
        chosen = SimulatorSettings(port=port, speed=speed, auth_token=auth_token)

        def ready(url: str) -> None:
            output.say(f"[green]Twilio simulator[/] at {escape(url)}")
            host = urlsplit(url).hostname or ""
            output.say(
                f"Use it: [bold]TWILIO_URL={escape(url)} ENGINE_ALLOW_HOSTS={escape(host)}[/]"
                " in the engine's environment."
            )
            output.table(["number", "what happens"], NUMBERS.items())
            output.say("Ctrl-C stops it.")

        try:
            await serve(chosen, ready=ready)
        except SettingsError as error:
            raise EngineUnreachable(str(error), hint=error.hint) from None
        return Exit.DONE

    run(work, is_json=False)
