"""How the framework tells what went wrong: the same problems as everywhere else."""

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from engine.errors import EngineError, InvalidData
from engine.web.problem import (
    TYPE,
    NotFound,
    WrongMethod,
    headers_of,
    our_fault,
    problem_bytes,
    status_of,
)


def add_problems(api: FastAPI) -> None:
    """Has every error answered as a problem, and OPTIONS answered with what a path takes."""
    api.add_exception_handler(EngineError, _for_engine)
    api.add_exception_handler(RequestValidationError, _for_validation)
    api.add_exception_handler(HTTPException, _for_routing)
    api.add_exception_handler(Exception, _for_anything)


async def _for_engine(request: Request, error: Exception) -> Response:
    del request
    return _problem(error if isinstance(error, EngineError) else our_fault())


async def _for_anything(request: Request, error: Exception) -> Response:
    del request, error
    return _problem(our_fault())


async def _for_validation(request: Request, error: Exception) -> Response:
    del request
    faults = []
    if isinstance(error, RequestValidationError):
        faults = [
            {"parameter": str(each["loc"][-1]), "message": each["msg"]} for each in error.errors()
        ]
    listed = "; ".join(f"'{each['parameter']}': {each['message']}" for each in faults)
    return _problem(InvalidData(f"the request is not right: {listed}", faults=faults))


async def _for_routing(request: Request, error: Exception) -> Response:
    allowed = _allowed(request)
    if not allowed:
        return _problem(NotFound(f"there is nothing at {request.url.path}"))
    allow = {"allow": ", ".join(sorted(allowed))}
    if request.method == "OPTIONS":
        return Response(status_code=204, headers=allow)
    del error
    response = _problem(WrongMethod(f"{request.url.path} does not take {request.method}"))
    response.headers.update(allow)
    return response


def _allowed(request: Request) -> set[str]:
    """Gives the methods that the routes of this path take together."""
    methods: set[str] = set()
    for route in request.app.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            methods |= getattr(route, "methods", None) or set()
    if "GET" in methods:
        methods.add("HEAD")
    return methods | {"OPTIONS"} if methods else methods


def _problem(error: EngineError) -> Response:
    response = Response(problem_bytes(error), status_of(error), media_type=TYPE.decode())
    response.raw_headers.extend(headers_of(error))
    return response
