import os
import shutil
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from many_files import write_many
from PIL import Image
from services import LOCAL, photo, pixels, save_styles, settings
from starlette.testclient import TestClient
from tiny_runs import save_style

import fst
from fst.interfaces.http.app import make_app
from fst.interfaces.http.styles import sample


def listed(client: TestClient) -> dict[str, Any]:
    return {one["name"]: one for one in client.get("/styles").json()["styles"]}


def paint(client: TestClient, style: str) -> Any:
    files = {"photo": ("a.png", photo())}
    return client.post("/stylize", data={"style": style}, files=files)


def test_all_styles_are_listed(tmp_path: Path) -> None:
    folder = save_styles(tmp_path / "checkpoints")
    write_many(folder / "many.safetensors", ("kiss", "dawn"))
    (folder / "damaged.safetensors").write_bytes(b"damaged")
    (folder / "shared.safetensors").unlink(missing_ok=True)
    with TestClient(make_app(settings(folder)), base_url=LOCAL) as client:
        found = client.get("/styles").json()
        names = {one["name"]: one["kind"] for one in found["styles"]}
        assert names == {"dawn": "net", "dusk": "net", "kiss": "many", "many:dawn": "many"}
        assert found["any_painting"] is True
        assert found["training"] is True
        assert all(one["own"] for one in found["styles"])
        for name in names:
            assert paint(client, name).status_code == 200
            assert client.get(listed(client)[name]["thumbnail"]).status_code == 200


def test_the_small_net_of_a_style_is_no_style_of_its_own(tmp_path: Path) -> None:
    folder = save_styles(tmp_path / "checkpoints")
    save_style(folder / "dusk_small.safetensors", seed=3)
    save_style(folder / "noon_small.safetensors", seed=4)  # of no other
    with TestClient(make_app(settings(folder)), base_url=LOCAL) as client:
        found = {name: one["small"] for name, one in listed(client).items()}
        assert found == {"dawn": None, "dusk": "dusk_small", "noon_small": None}
        small = paint(client, "dusk_small")
        assert small.status_code == 200
        assert (pixels(small.content) != pixels(paint(client, "dusk").content)).any()
        assert client.get("/styles/dusk_small/thumbnail").status_code == 200


def test_what_comes_with_fst_is_not_ones_own() -> None:
    with TestClient(make_app(settings(None, training=False)), base_url=LOCAL) as client:  # type: ignore[arg-type]
        found = client.get("/styles").json()
        monet = next(one for one in found["styles"] if one["name"] == "monet")
        assert monet["painter"] == "Claude Monet"
        assert monet["own"] is False
        assert found["training"] is False


def test_new_styles_appear_and_changed_ones_are_read_again(tmp_path: Path) -> None:
    folder = save_styles(tmp_path / "checkpoints")
    with TestClient(make_app(settings(folder)), base_url=LOCAL) as client:
        before = paint(client, "dawn").content
        small = client.get("/styles/dawn/thumbnail")
        assert paint(client, "noon").status_code == 404
        save_style(folder / "noon.safetensors", seed=3)
        assert paint(client, "noon").status_code == 200
        shutil.copy(folder / "dusk.safetensors", folder / "new")
        os.utime(folder / "new", ns=(1, 1))  # as old as can be, and of the same size
        (folder / "new").rename(folder / "dawn.safetensors")
        assert (pixels(paint(client, "dawn").content) != pixels(before)).any()
        again = client.get(
            "/styles/dawn/thumbnail", headers={"If-None-Match": small.headers["etag"]}
        )
        assert again.status_code == 200
        (folder / "noon.safetensors").unlink()
        assert paint(client, "noon").status_code == 404


def test_without_a_net_for_any_painting_it_is_said(tmp_path: Path) -> None:
    save_style(tmp_path / "dawn.safetensors", seed=1)
    with TestClient(make_app(settings(tmp_path)), base_url=LOCAL) as client:
        assert client.get("/styles").json()["any_painting"] is False
        files = {"photo": ("a.png", photo()), "painting": ("b.png", photo(80, 64, 5))}
        answer = client.post("/stylize", files=files)
        assert answer.status_code == 400
        assert "POST /jobs" in answer.json()["error"]


def test_a_damaged_net_is_told_without_a_path(tmp_path: Path) -> None:
    folder = save_styles(tmp_path / "checkpoints")
    content = bytearray((folder / "dawn.safetensors").read_bytes())
    content[-400:] = b"\xff" * 400  # the header stays whole, the numbers are none
    (folder / "dawn.safetensors").write_bytes(content)
    with TestClient(make_app(settings(folder)), base_url=LOCAL) as client:
        answer = paint(client, "dawn")
        assert answer.status_code == 404
        assert "dawn" in answer.json()["error"]
        assert str(tmp_path) not in answer.text


def test_thumbnails_are_painted_by_the_nets_and_kept(
    client: TestClient, shelf_folder: Path
) -> None:
    answer = client.get("/styles/dawn/thumbnail")
    assert answer.headers["content-type"] == "image/jpeg"
    with Image.open(BytesIO(answer.content)) as image:
        assert (image.format, image.size) == ("JPEG", (256, 192))
    painted = fst.load(shelf_folder / "dawn.safetensors", device="cpu", precision="fp32")(sample())
    painted.save(memory := BytesIO(), "JPEG", quality=85)
    np.testing.assert_array_equal(pixels(answer.content), pixels(memory.getvalue()))
    again = client.get("/styles/dawn/thumbnail", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/styles/nosuch/thumbnail").status_code == 404
    assert client.get("/styles/..%2F..%2Fx/thumbnail").status_code == 404


def test_a_style_may_have_any_name(tmp_path: Path) -> None:
    save_style(tmp_path / "dawn.safetensors", seed=1)
    names = ("a/b", "what? 50%", "a/thumbnail", "<b>#1")
    write_many(tmp_path / "many.safetensors", names)
    (tmp_path / "shared.safetensors").unlink(missing_ok=True)
    with TestClient(make_app(settings(tmp_path)), base_url=LOCAL) as client:
        found = listed(client)
        assert set(found) == {"dawn", *names}
        for name in names:
            assert client.get(found[name]["thumbnail"]).status_code == 200
            painted = paint(client, name)
            assert painted.status_code == 200
            assert "/" not in painted.headers["content-disposition"]


@pytest.mark.parametrize("name", ["docs.css"])
def test_files_of_the_page(client: TestClient, name: str) -> None:
    answer = client.get(f"/static/{name}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/css")
    again = client.get(f"/static/{name}", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    for path in ("nosuch.css", "..%2Fapi.py", "%2e%2e/api.py", "docs.css%00", ""):
        assert client.get(f"/static/{path}").status_code == 404
