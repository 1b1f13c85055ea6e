"""The application: routes, and what stands around them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from fst.interfaces.http import jobs, pages, sample, status, styles, stylize
from fst.interfaces.http.errors import add_error_answers
from fst.interfaces.http.head import Headed
from fst.interfaces.http.metrics import Counted
from fst.interfaces.http.safety import Guarded
from fst.interfaces.http.service import Service
from fst.interfaces.http.settings import ServiceSettings
from fst.version import __version__


class Application(FastAPI):
    """Whose schema names the answers that there are, and not FastAPI's own."""

    def openapi(self) -> dict[str, Any]:
        """The schema."""
        if self.openapi_schema is None:
            schema = super().openapi()
            for methods in schema["paths"].values():
                for about in methods.values():
                    if "HTTPValidationError" in str(about["responses"].get("422")):
                        del about["responses"]["422"]
            for name in ("HTTPValidationError", "ValidationError"):
                schema.get("components", {}).get("schemas", {}).pop(name, None)
            self.openapi_schema = schema
        return self.openapi_schema


def make_app(settings: ServiceSettings) -> FastAPI:
    """A service as an ASGI application; its state is ``app.state.service``.

    Args:
        settings: what it is told.
    """
    service = Service(settings)

    @asynccontextmanager
    async def alive(app: FastAPI) -> AsyncIterator[None]:
        yield
        service.close()

    app = Application(
        title="fst",
        description="Fast style transfer: a photo and a style in, a painted picture out.",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        lifespan=alive,
    )
    app.state.service = service
    add_error_answers(app)
    for part in (stylize, jobs, styles, sample, status, pages):
        app.include_router(part.router)
    app.add_middleware(Guarded, settings=settings, stopping=lambda: service.stopping)
    app.add_middleware(Counted, metrics=service.metrics)
    app.add_middleware(Headed)
    return app
