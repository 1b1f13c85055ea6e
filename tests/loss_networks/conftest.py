"""What the tests of the loss network share: a file of weights."""

import pytest
from safetensors.torch import save_file
from torchvision_vgg import random_state


@pytest.fixture(scope="module")
def shallow_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A weights file that ends with conv3_1."""
    path = tmp_path_factory.mktemp("weights") / "mine.safetensors"
    save_file(random_state(), path)
    return str(path)
