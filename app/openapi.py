"""What the service says of itself: its OpenAPI document, the pages that show it, and the file that publishes it.

`python -m app.openapi` writes the file; with `--check` it fails where the file is not what the app says.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fastapi_offline
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles

from app.api.access import HEALTH, KEY_HEADER
from app.api.errors import problem_responses
from app.schemas.problem import Problem

FILE = Path(__file__).parents[1] / "openapi" / "openapi.json"
TITLE = "Atrisk"
SUMMARY = "Outcome statistics of treatment cohorts as a stateless REST service"
DESCRIPTION = """\
Send a cohort of treated patients, get the figures of its outcomes: success rates, recurrences, safety, follow-up and
survival, each with its interval and the method it came by.

- **Stateless.** A request carries all its data and a response all its results. Nothing is stored, and nothing about
  patients is logged.
- **Deterministic.** The same body gives the same bytes.
- **Explicit.** A figure that does not exist is `null` with a `reason`, never `NaN` or a guess.
- **Strict.** Unknown fields, duplicate keys and numbers sent as strings are refused; nothing is converted silently.
- **One error shape.** Whatever fails answers as `application/problem+json` (RFC 9457). `code` says what happened, and
  each of `errors` has a JSON pointer (RFC 6901) into the body. No value that was sent appears in it.

An installation may ask for an API key or a bearer token: `security` says whether this one does. Health is open to all.

`Accept` chooses between JSON and, where a resource has them, its figure (`image/svg+xml`, `image/png`), its report
(`text/html`, `text/markdown`) and its table (`text/csv`). Subjects may be sent as a table, too, and any body with
`Content-Encoding: gzip` or `zstd`.
Times are numbers in the request's `time_unit`. Requests may carry an `X-Request-ID`, which comes back in the response.
"""
TAGS = [
    {
        "name": "outcomes",
        "description": "The outcomes of a treatment cohort, and the rows that they are estimated from",
    },
    {"name": "survival", "description": "Survival of any sample of subjects, by the conventions of any package"},
    {"name": "competing risks", "description": "Cumulative incidence where several causes end the follow-up"},
    {"name": "recurrences", "description": "Recurrent events: counts, rates, mean cumulative counts"},
    {"name": "success rates", "description": "Proportions from counts or rows, also of units in clusters"},
    {"name": "regression", "description": "Cox, Fine-Gray and parametric models of covariates"},
    {"name": "operations", "description": "For those who run the service: health, version, metrics"},
]

SECURITY_SCHEMES = {
    "ApiKey": {"type": "apiKey", "in": "header", "name": KEY_HEADER, "description": "A key that the operator made"},
    "Token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "A token of a known issuer"},
}

# The pages load nothing from elsewhere; the policy has the browser hold them to it. Both draw with inline styles and
# start from an inline script, ReDoc searches in a worker made of a blob.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; worker-src 'self' blob:"
)


class Service(FastAPI):
    """A FastAPI app whose OpenAPI document has the schema of the errors, and examples with their nulls."""

    documented: tuple[APIRoute, ...] = ()

    def include_router(self, router: APIRouter, **options: Any) -> None:
        """Include the routes of a router, and remember those that take a body."""
        super().include_router(router, **options)
        routes = [route for route in router.routes if isinstance(route, APIRoute) and route.body_field is not None]
        self.documented = (*self.documented, *routes)

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        document = super().openapi()
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas |= problem.pop("$defs", {}) | {"Problem": problem}
        for route in self.documented:
            _show_examples(route, document["paths"][route.path]["post"])
        _show_access(document, required=self.state.settings.guarded)
        return document


def _show_access(document: dict[str, Any], *, required: bool) -> None:
    document["components"]["securitySchemes"] = SECURITY_SCHEMES
    document["security"] = [*([] if required else [{}]), *({name: []} for name in SECURITY_SCHEMES)]
    for path, methods in document["paths"].items():
        for operation in methods.values():
            if path in HEALTH:
                operation["security"] = []
            else:
                codes = (
                    "unauthenticated",
                    "forbidden",
                    *(["disclosure_control"] if "requestBody" in operation else []),
                )
                refusals = {str(status): answer for status, answer in problem_responses(*codes).items()}
                operation["responses"] = dict(sorted((refusals | operation["responses"]).items()))


def _show_examples(route: APIRoute, operation: dict[str, Any]) -> None:
    # FastAPI leaves every null out of examples: what is shown would not be what is asked and answered.
    asked = getattr(route.body_field and route.body_field.field_info, "openapi_examples", None)
    answered = route.responses.get(200)
    if asked:
        operation["requestBody"]["content"]["application/json"]["examples"] = asked
    if answered:
        operation["responses"]["200"]["content"]["application/json"] |= answered["content"]["application/json"]


pages = APIRouter(include_in_schema=False)
assets = StaticFiles(directory=Path(fastapi_offline.__file__).parent / "static")


@pages.get("/openapi.json")
async def read_openapi(request: Request) -> JSONResponse:
    """Return the OpenAPI document."""
    return JSONResponse(request.app.openapi())


@pages.get("/docs")
async def show_swagger_ui(request: Request) -> Response:
    """Return the page that tries requests out."""
    root = request.scope.get("root_path", "")
    page = get_swagger_ui_html(
        openapi_url=f"{root}/openapi.json",
        title=TITLE,
        swagger_js_url=f"{root}/assets/swagger-ui-bundle.js",
        swagger_css_url=f"{root}/assets/swagger-ui.css",
        swagger_favicon_url=f"{root}/assets/favicon.png",
    )
    page.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return page


@pages.get("/redoc")
async def show_redoc(request: Request) -> Response:
    """Return the page to read."""
    root = request.scope.get("root_path", "")
    page = get_redoc_html(
        openapi_url=f"{root}/openapi.json",
        title=TITLE,
        redoc_js_url=f"{root}/assets/redoc.standalone.js",
        redoc_favicon_url=f"{root}/assets/favicon.png",
        with_google_fonts=False,
    )
    page.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return page


@pages.get("/assets/{name}")
async def read_asset(name: str, request: Request) -> Response:
    """Return a file that the pages load."""
    return await assets.get_response(name, request.scope)


def rendered(app: FastAPI) -> str:
    """Return the text of the published file."""
    return json.dumps(app.openapi(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str], file: Path = FILE) -> None:
    """Write the file or, with --check, exit with the command that mends it where it differs."""
    from app.main import create_app  # noqa: PLC0415 - main is made of this module

    text = rendered(create_app())
    if "--check" not in arguments:
        file.write_text(text, encoding="utf-8")
    elif not file.exists() or file.read_text(encoding="utf-8") != text:
        sys.exit(f"{file.parent.name}/{file.name} is not what the app says. Mend it with: make openapi")


if __name__ == "__main__":
    main(sys.argv[1:])
