"""``GET /health`` and ``GET /metrics``: for those who watch over a service."""

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, Field

from fst.interfaces.http.errors import answers
from fst.interfaces.http.service import service_of
from fst.version import __version__

router = APIRouter()


class Health(BaseModel):
    """How a service is."""

    status: Literal["ok", "stopping"]
    version: str = Field(description="Of fst.", examples=[__version__])
    queue: int = Field(ge=0, description="How many pictures wait.")


@router.get("/health", summary="Is it well?", tags=["status"], responses=answers())
async def health(request: Request) -> Health:
    """Whether the service takes work, and how much of it waits. It needs no token."""
    service = service_of(request)
    return Health(
        status="stopping" if service.stopping else "ok",
        version=__version__,
        queue=service.queue.waiting,
    )


@router.get(
    "/metrics", summary="Numbers for Prometheus", tags=["status"],
    response_class=PlainTextResponse, responses=answers(),
)  # fmt: skip
async def metrics(request: Request) -> Response:
    """Requests by route and status, their seconds, the queue, paintings in work, memory."""
    return Response(service_of(request).metrics.text(), media_type=CONTENT_TYPE_LATEST)
