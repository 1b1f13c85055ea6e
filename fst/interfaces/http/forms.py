"""What the form of a painting may hold: the fields, their ranges, and their place in the schema."""

import re
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from fst.errors import InputError
from fst.interfaces.http.errors import Refused, said_of
from fst.interfaces.http.pictures import TAKEN_WORDS
from fst.styles.predicted import WEIGHTS

Model = TypeVar("Model", bound=BaseModel)

LARGEST_SIDE = 20_000
"""Pixels of a side that may be asked for; ``--max-pixels`` may allow less."""


def _pixels(value: Any) -> Any:
    """A size of strokes that is a number comes as a text, as all of a form does."""
    return int(value) if isinstance(value, str) and re.fullmatch("[0-9]{1,6}", value) else value


Strokes = Annotated[
    Literal["small", "medium", "large"] | Annotated[int, Field(ge=16, le=4096)],
    BeforeValidator(_pixels),
]


def _truth(value: Any) -> bool:
    """As JSON writes it; pydantic would take ``on``, ``f`` and ``1``, too."""
    if value in ("true", "false"):
        return bool(value == "true")
    raise ValueError("must be true or false")


Truth = Annotated[bool, BeforeValidator(_truth)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class PaintForm(BaseModel):
    """How a photo is painted."""

    model_config = ConfigDict(extra="forbid")

    style: str | None = Field(
        None, min_length=1, max_length=1000, examples=["monet"],
        description="The name of a style, as GET /styles lists them, or a blend of several: "
        "`monet=0.7,the_scream=0.3`. Either this or `painting`.",
    )  # fmt: skip
    strength: Share = Field(
        1.0, description="From 0, the photo, to 1, the painted picture.", examples=[0.8]
    )
    preserve_color: Literal["luma", "lab", "histogram"] | None = Field(
        None, description="Keep the photo's colors, in one of three ways.", examples=["luma"]
    )
    size: int | None = Field(
        None, ge=16, le=LARGEST_SIDE, examples=[1024],
        description="Long side in pixels to paint at, and of the result where `upsample` is not "
        "given. Left out, it is the photo's own.",
    )  # fmt: skip
    upsample: Literal["guided", "bicubic"] | None = Field(
        None, description="With `size`: bring the result back to the photo's size.",
        examples=["guided"],
    )  # fmt: skip
    stroke_size: Strokes | None = Field(
        None, description="Size of the strokes: a word, or the long side in pixels at which the "
        "painting would have to be seen for them.", examples=["medium"],
    )  # fmt: skip
    style_weight: float | None = Field(
        None, ge=WEIGHTS[0], le=WEIGHTS[1], allow_inf_nan=False, examples=[12],
        description="With `painting`: how much its style weighs against the photo's content.",
    )  # fmt: skip
    feather: Share | None = Field(
        None, description="With `mask`: how far its edges are blurred, as a share of the long "
        "side.", examples=[0.01],
    )  # fmt: skip
    seamless: Truth = Field(False, description="The result tiles the plane.", examples=[False])
    margin: int | None = Field(
        None, ge=0, le=256, multiple_of=4, examples=[20],
        description="Pixels by which the photo goes on beyond its border while it is painted.",
    )  # fmt: skip
    preview: int | None = Field(
        None, ge=16, le=4096, examples=[512],
        description="Shrink the photo to this long side first: a result of that size, and soon.",
    )  # fmt: skip
    format: Literal["png", "jpeg", "webp", "tiff"] = Field(
        "png", description="Of the result.", examples=["png"]
    )
    quality: int = Field(95, ge=1, le=100, description="Of JPEG and WebP.", examples=[95])
    metadata: Truth = Field(
        False, examples=[False],
        description="The result tells what the photo's file notes: the camera, the time, the "
        "place. Otherwise nothing goes out but pixels and their color profile.",
    )  # fmt: skip


FILES = {
    "photo": f"The photo: {TAKEN_WORDS}.",
    "painting": "A painting, whose style is taken: in place of `style`.",
    "mask": "White where the style is painted, black where not; of the photo's proportions.",
}
"""Fields that are files."""


def checked(model: type[Model], values: dict[str, str]) -> Model:
    """The fields of a form as a value.

    Raises:
        Refused: 400, a value that can't be; 422, a field that is missing or unknown.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        fields = model.model_json_schema()["properties"]
        expected = {name: in_words(field) for name, field in fields.items()}
        raise Refused(*said_of(error.errors(), expected)) from None


def in_words(field: dict[str, Any]) -> str:
    """What the value of a field has to be, from its JSON schema."""
    if "anyOf" in field:
        return ", or ".join(in_words(one) for one in field["anyOf"] if one != {"type": "null"})
    if "enum" in field:
        *others, last = map(str, field["enum"])
        return f"{', '.join(others)} or {last}" if others else last
    least, most = field.get("minimum"), field.get("maximum")
    if field.get("type") in ("integer", "number"):
        step = f" and a multiple of {field['multipleOf']}" if "multipleOf" in field else ""
        kind = "a whole number" if field["type"] == "integer" else "a number"
        return f"{kind} from {least:.10g} to {most:.10g}{step}"
    return f"a text of {field.get('minLength', 0)} to {field.get('maxLength', 100)} characters"


def check_photo_and_style(style: str | None, feather: float | None, files: set[str]) -> None:
    """That there is a photo and one style for it, as for a pass so for a job.

    Raises:
        Refused: 422, one that is needed is missing, or there are two for one thing.
        InputError: ``feather`` without a mask.
    """
    if "photo" not in files:
        raise Refused(422, "the field photo is missing")
    if style is None and "painting" not in files:
        raise Refused(422, "in which style? Give the field style or the field painting")
    if style is not None and "painting" in files:
        raise Refused(422, "give the field style or the field painting, not both")
    if feather is not None and "mask" not in files:
        raise InputError("feather is of no use without a mask")


def check_together(form: PaintForm, files: set[str]) -> None:
    """That fields and files go together.

    Raises:
        Refused: 422, one that is needed is missing, or there are two for one thing.
        InputError: one is of no use.
    """
    check_photo_and_style(form.style, form.feather, files)
    if form.style_weight is not None and "painting" not in files:
        raise InputError("style_weight is of use with a painting only: a net has learned its own")
    if form.margin and form.seamless:
        raise InputError("margin does not go with seamless: what tiles has no border")
    if form.upsample is not None and form.size is None:
        raise InputError("upsample needs a size to paint at")
    if form.upsample == "guided" and form.seamless:
        raise InputError("guided upsampling does not tile: take bicubic with seamless")


TOGETHER: dict[str, Any] = {
    "oneOf": [{"required": ["style"]}, {"required": ["painting"]}],
    "dependentRequired": {
        "upsample": ["size"],
        "feather": ["mask"],
        "style_weight": ["painting"],
    },
}
"""The same, as JSON Schema says it."""


def form_schema(
    model: type[BaseModel],
    files: dict[str, str],
    required: list[str],
    together: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A form as OpenAPI describes the body of a request.

    Args:
        model: of the fields that are no files.
        files: fields that are, and what to say of each.
        required: those that have to be there.
        together: what else JSON Schema says of the whole.
    """
    schema = model.model_json_schema()
    fields = {
        name: {"type": "string", "format": "binary", "description": said}
        for name, said in files.items()
    }
    described = {name: _plain(field) for name, field in schema["properties"].items()}
    body = {
        "type": "object",
        "properties": {**fields, **described},
        "required": [*required, *schema.get("required", [])],
        "additionalProperties": False,
        **(together or {}),
    }
    return {"required": True, "content": {"multipart/form-data": {"schema": body}}}


def _plain(field: dict[str, Any]) -> dict[str, Any]:
    """A field of a form is there or not; none of them is null."""
    field = {key: value for key, value in field.items() if key != "title"}
    options = [option for option in field.pop("anyOf", []) if option != {"type": "null"}]
    if field.get("default", "") is None:
        del field["default"]
    if len(options) == 1:
        return {**field, **options[0]}
    return {**field, "anyOf": options} if options else field
