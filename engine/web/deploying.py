"""`/v1/plan` and `/v1/deploy`: what a deploy would do, and doing it."""

import msgspec
from fastapi import FastAPI, Request, Response

from engine.runtime.order import order_of
from engine.runtime.plan_view import plan_view
from engine.web import shapes
from engine.web.exchange import JSON, read_json
from engine.workspace import Workspace


def add_deploying(api: FastAPI, workspace: Workspace) -> None:
    """Adds the two paths."""

    @api.post(
        "/v1/plan",
        summary="What a deploy would change, and what would become of tasks under way",
        responses={200: {"model": shapes.Plan}},
        openapi_extra=shapes.ORDER,
    )
    async def plan(request: Request) -> Response:
        return await _carry_out(request, is_rehearsal=True)

    @api.post(
        "/v1/deploy",
        summary="Put processes into force as new versions, or go back to an earlier one",
        responses={200: {"model": shapes.Plan}},
        openapi_extra=shapes.ORDER,
    )
    async def deploy(request: Request) -> Response:
        return await _carry_out(request, is_rehearsal=False)

    async def _carry_out(request: Request, *, is_rehearsal: bool) -> Response:
        order = order_of(read_json(await request.body()))
        plan = await workspace.carry_out(order, is_rehearsal=is_rehearsal)
        return Response(msgspec.json.encode(plan_view(plan)), media_type=JSON.decode())
