"""Preview pictures of a run."""

from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor
from torchvision.utils import make_grid

from fst.image.io import save_image
from fst.image.sheet import PADDING, write_contact_sheet

PREVIEW_PHOTOS = 4


class Previews(Callback):
    """Writes held-out photos above their stylized versions as a PNG, and a sheet of all of these.

    At the steps 1, 2, 4, 8, …, so that the first comes within seconds; every N steps; and at the
    last. A module of many styles lays out its own: a row for each of some styles, with a column
    of their paintings.
    """

    def __init__(self, folder: Path, every: int) -> None:
        self.folder, self.every = folder, every

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Tensor,
        batch_idx: int,
    ) -> None:
        """Writes ``step_000500.png`` and shows it in TensorBoard; renews ``contact_sheet.png``."""
        step = trainer.global_step
        due = step % self.every == 0 or step.bit_count() == 1 or step == trainer.max_steps
        if not trainer.is_global_zero or step < 1 or not due:
            return
        held_out = trainer.datamodule.val  # type: ignore[attr-defined]
        count = min(PREVIEW_PHOTOS, len(held_out))
        photos = torch.stack([held_out[i] for i in range(count)]).to(pl_module.device)
        with torch.no_grad():
            # a run that diverges still gets its preview
            training = pl_module.training
            rows = _rows(pl_module.eval(), photos)
            pl_module.train(training)
        columns = len(rows[0])
        pictures = torch.stack([picture.nan_to_num() for row in rows for picture in row])
        grid = make_grid(pictures, nrow=columns, padding=PADDING, pad_value=1.0)
        self.folder.mkdir(parents=True, exist_ok=True)
        save_image(self.folder / f"step_{step:06d}.png", grid[None])
        write_contact_sheet(self.folder, count, len(rows) - 1, columns - count)
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                logger.experiment.add_image("preview", grid, step)


def _rows(module: LightningModule, photos: Tensor) -> list[list[Tensor]]:
    """The pictures of a preview: photos above, painted below."""
    if (preview := getattr(module, "preview", None)) is not None:
        rows: list[list[Tensor]] = preview(photos)
        return rows
    return [[*photos], [*module(photos).float()]]
