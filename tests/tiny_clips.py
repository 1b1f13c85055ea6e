"""Tiny video files for tests, written by PyAV alone."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import Interpolation as Scaling
from numpy.typing import NDArray
from support import make_photo

Pixels = NDArray[np.uint8]


def moving(count: int, width: int = 48, height: int = 32, seed: int = 0) -> list[Pixels]:
    """Frames of a smooth picture that moves to the right, two pixels a frame."""
    picture = np.asarray(make_photo(width, height, seed))
    return [np.ascontiguousarray(np.roll(picture, 2 * one, axis=1)) for one in range(count)]


def write_clip(
    path: Path,
    frames: Sequence[Pixels],
    times: Sequence[int] | None = None,
    tick: Fraction = Fraction(1, 25),
    *,
    encoder: str = "libx264",
    kind: str = "yuv444p",
    options: Mapping[str, str] = {"qp": "0"},
    container: str | None = None,
    container_options: Mapping[str, str] = {},
    matrix: Sequence[int] | None = None,
    aspect: Fraction | None = None,
    colors: Mapping[str, int] = {},
    sound: int = 0,
    sound_codec: str = "aac",
    sound_start: Fraction = Fraction(0),
    words: Sequence[tuple[int, str]] = (),
    words_last: int = 1,
    tags: Mapping[str, str] = {},
    sound_tags: Mapping[str, str] = {},
) -> Path:
    """Writes a clip.

    Args:
        path: of the file.
        frames: RGB, of one size.
        times: of the frames, in ticks; one after another if None.
        tick: in seconds.
        encoder: FFmpeg's name.
        kind: pixel format; nothing but rounding is lost in 4:4:4.
        options: of the encoder.
        container: FFmpeg's name; None is by the suffix.
        container_options: of the container.
        matrix: display matrix, of nine numbers.
        aspect: width over height of a pixel.
        colors: attributes of the frames and the encoder, such as ``colorspace``.
        sound: tracks of a second of noise.
        sound_codec: of these.
        sound_start: when they start, in seconds.
        words: subtitles: tenths of seconds at which each begins, and a text.
        words_last: tenths of seconds that each is shown.
        tags: of the file.
        sound_tags: of the first track of sound.
    """
    height, width = frames[0].shape[:2]
    with av.open(
        str(path), "w", format=container, container_options=dict(container_options)
    ) as made:
        made.metadata.update(tags)
        rate = 1 / tick if tick > Fraction(1, 1000) else Fraction(25)
        video = made.add_stream(
            encoder, rate, dict(options), width=width, height=height, time_base=tick
        )
        video.time_base = tick
        context = video.codec_context
        context.pix_fmt = kind
        for name, value in colors.items():
            setattr(context, name, value)
        if aspect is not None:
            context.sample_aspect_ratio = aspect
        if matrix is not None:
            video.set_display_matrix(matrix)
        tracks = [made.add_stream(sound_codec, 48_000) for _ in range(sound)]
        for track in tracks:
            track.codec_context.layout = "mono"
        if tracks:
            tracks[0].metadata.update(sound_tags)
        lines = made.add_mux_stream("subrip") if words else None
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(
                format=kind,
                dst_colorspace={6: 5}.get(matrix := colors.get("colorspace", 5), matrix),
                src_color_range=2,
                dst_color_range=colors.get("color_range", 1),
                interpolation=int(Scaling.BICUBIC | Scaling.FULL_CHR_H_INP | Scaling.ACCURATE_RND),
            )
            for name, value in {"colorspace": 2, "color_range": 0, **colors}.items():
                setattr(frame, name, value)
            frame.pts, frame.time_base = times[number] if times else number, tick
            made.mux(video.encode(frame))
        made.mux(video.encode(None))
        for seed, track in enumerate(tracks):
            _add_sound(made, track, seed, sound_start)
        for tenths, text in words:
            packet = av.Packet(text.encode())
            packet.stream = lines
            packet.pts = packet.dts = tenths * 100
            packet.duration, packet.time_base = 100 * words_last, Fraction(1, 1000)
            made.mux(packet)
    return path


def _add_sound(made: object, track: object, seed: int, start: Fraction) -> None:
    noise = np.random.default_rng(seed).uniform(-0.2, 0.2, (1, 47 * 1024)).astype(np.float32)
    resampler = av.AudioResampler(track.codec_context.format, "mono", 48_000)
    for number, part in enumerate(np.split(noise, 47, axis=1)):
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
        frame.sample_rate = 48_000
        frame.pts, frame.time_base = number * 1024 + round(start * 48_000), Fraction(1, 48_000)
        for one in resampler.resample(frame):
            made.mux(track.encode(one))
    made.mux(track.encode(None))


def packets_of(path: Path, kind: str) -> list[list[tuple[bytes, Fraction]]]:
    """Bytes and times of the packets of every stream of a kind, ``"audio"`` or ``"subtitle"``."""
    found: dict[int, list[tuple[bytes, Fraction]]] = {}
    with av.open(str(path), metadata_errors="replace") as container:
        streams = [one for one in container.streams if one.type == kind]
        if not streams:
            return []
        for packet in container.demux(*streams):
            if packet.size:
                time = (packet.pts or 0) * packet.time_base
                found.setdefault(packet.stream.index, []).append((bytes(packet), time))
    return [found[index] for index in sorted(found)]


def psnr(one: Pixels, other: Pixels) -> float:
    """Peak signal-to-noise ratio, in dB."""
    error = np.mean((one.astype(np.float64) - other) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))
