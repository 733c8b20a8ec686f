"""`/docs`: the REST API to read and to try out, by Swagger UI, with nothing from elsewhere."""

from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse, Response

# Its files are those of a package that carries them.
STATIC = "fastapi_offline"
SCRIPT, STYLE = "swagger-ui-bundle.js", "swagger-ui.css"

# Links are relative, for a proxy that puts a path before ours.
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Conveyor: API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head><body><div id="reference"></div>
<script src="docs/swagger-ui-bundle.js"></script><script src="docs/start.js"></script>
</body></html>
"""
START = """SwaggerUIBundle({
  url: "openapi.json", dom_id: "#reference", deepLinking: true, validatorUrl: null,
});
"""
# Whatever the files do, the browser asks nobody but this server.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def add_reference(api: FastAPI) -> None:
    """Adds the page, its style and its scripts."""

    @api.get("/docs", include_in_schema=False)
    async def page() -> Response:
        return HTMLResponse(PAGE, headers={"content-security-policy": POLICY})

    @api.get("/docs/start.js", include_in_schema=False)
    async def start() -> Response:
        return Response(START, media_type="text/javascript")

    @api.get(f"/docs/{SCRIPT}", include_in_schema=False)
    async def script() -> Response:
        return FileResponse(_static(SCRIPT), media_type="text/javascript")

    @api.get(f"/docs/{STYLE}", include_in_schema=False)
    async def style() -> Response:
        return FileResponse(_static(STYLE), media_type="text/css")


def _static(name: str) -> Path:
    return Path(str(files(STATIC) / "static" / name))
