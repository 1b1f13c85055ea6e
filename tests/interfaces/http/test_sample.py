"""The photo to try the page with."""

import io
from pathlib import Path

import numpy as np
from fastapi.testclient import TestClient
from PIL import Image
from skimage import data
from tiny_runs import save_style

from fst.interfaces.http.app import make_app
from fst.interfaces.http.settings import ServiceSettings


def test_the_sample_is_the_photo_that_comes_with_scikit_image(tmp_path: Path) -> None:
    save_style(tmp_path / "dawn.safetensors", seed=1)
    settings = ServiceSettings(checkpoints=tmp_path, device="cpu", precision="fp32")
    with TestClient(make_app(settings), base_url="http://127.0.0.1:8000") as client:
        answer = client.get("/sample")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/jpeg"
    photo = Image.open(io.BytesIO(answer.content))
    assert photo.format == "JPEG"
    difference = np.asarray(photo, np.float32) - data.coffee().astype(np.float32)
    assert np.abs(difference).mean() < 3  # of 255: what JPEG loses
