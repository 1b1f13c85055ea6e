"""The application: routes, and what stands around them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from fst.interfaces.http import jobs, pages, sample, status, styles, stylize
from fst.interfaces.http.errors import add_error_answers
from fst.interfaces.http.metrics import Counted
from fst.interfaces.http.safety import Guarded
from fst.interfaces.http.service import Service
from fst.interfaces.http.settings import ServiceSettings
from fst.version import __version__


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

    app = FastAPI(
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
    app.add_middleware(Guarded, settings=settings)
    app.add_middleware(Counted, metrics=service.metrics)
    return app
