"""Frames of a video stream, whatever happens on the way."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from fst.inference.video.containers import load_av

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.filter import Graph
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream


@dataclass
class Decoded:
    """What was found on the way.

    Attributes:
        damaged: frames that could not be decoded.
        resized: frames of another size than the first came.
        end: seconds at which the last packet of any stream ends, in the file's clock.
        encrypted: packets of the stream are.
    """

    damaged: int = 0
    resized: bool = False
    end: Fraction = Fraction(0)
    encrypted: bool = False


def decoded(
    container: "InputContainer",
    stream: "VideoStream",
    size: tuple[int, int] | None,
    found: Decoded,
) -> Iterator["VideoFrame"]:
    """Decodes a stream; frames that are damaged are left out, interlaced ones are made whole.

    Args:
        container: at its start.
        stream: of it.
        size: width and height, to which frames of another size are brought; None is as they come.
        found: is told what was found.
    """
    weave: Graph | None = None
    # by slices: with frames in parallel, what a damaged stream decodes to may depend on the moment
    stream.thread_type = "SLICE"
    for frame in _whole(container, stream, found):
        if size is not None and (frame.width, frame.height) != size:
            found.resized = True
            frame = frame.reformat(*size, interpolation="BICUBIC")
        if weave is None and frame.interlaced_frame:
            weave = _deinterlacer(stream, frame)
        if weave is None:
            yield frame
            continue
        weave.vpush(frame)
        yield from _pulled(weave)
    if weave is not None:
        weave.vpush(None)
        yield from _pulled(weave)


def _whole(
    container: "InputContainer", stream: "VideoStream", found: Decoded
) -> Iterator["VideoFrame"]:
    error = load_av().error
    packets = container.demux(*(one for one in container.streams if one.type in _TIMED))
    while True:
        try:
            packet = next(packets, None)
        except (error.InvalidDataError, error.EOFError):
            return  # nothing more can be read
        if packet is None:
            return
        if (time := packet.dts if packet.pts is None else packet.pts) is not None:
            end = (time + (packet.duration or 0)) * packet.time_base
            found.end = max(found.end, end)
        if packet.stream.index != stream.index:
            continue
        found.encrypted |= packet.has_sidedata("encryption_info")
        try:
            yield from stream.decode(packet)
        except error.FFmpegError as fault:
            if isinstance(fault, MemoryError):
                raise
            found.damaged += 1


def _deinterlacer(stream: "VideoStream", frame: "VideoFrame") -> "Graph":
    """As many frames out as in; those that are not interlaced pass as they are.

    Source: the filter bwdif of FFmpeg (the BBC's interpolation with motion detection).
    """
    graph: Graph = load_av().filter.Graph()
    graph.threads = 1
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=stream.time_base
    )
    graph.link_nodes(
        source, graph.add("bwdif", "mode=send_frame:deint=interlaced"), graph.add("buffersink")
    ).configure()
    return graph


def _pulled(graph: "Graph") -> Iterator["VideoFrame"]:
    error = load_av().error
    while True:
        try:
            yield graph.vpull()
        except (error.BlockingIOError, error.EOFError):
            return


_TIMED = ("video", "audio", "subtitle")
