"""trl's `SFTTrainer`, set up for one run: exact resuming, checkpoints by the clock, 4 bits on CUDA."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from datasets import Dataset
from peft import LoraConfig, prepare_model_for_kbit_training
from transformers import TrainerCallback, set_seed
from trl import SFTConfig, SFTTrainer

from train.base import is_gguf, model_of

if TYPE_CHECKING:
    from train.config import Settings, TrainingSettings

_WHOLE = "whole"
"""Written into a checkpoint last: one without it was cut off."""

Rows = list[dict[str, list[int]]]


def weights_held(training: TrainingSettings) -> Literal["4-bit NF4", "float32"]:
    """How the base's weights are kept here while it is tuned: in 4 bits for an adapter on CUDA."""
    return "4-bit NF4" if torch.cuda.is_available() and training.method == "lora" else "float32"


def trainer_of(rows: Rows, validation: Rows, tokenizer: Any, settings: Settings, folder: Path) -> SFTTrainer:  # noqa: ANN401
    """A trainer of these rows, whose checkpoints lie in `folder`."""
    training = settings.training
    cuda = torch.cuda.is_available()
    set_seed(settings.seed)  # Before the adapter draws its first weights.
    return SFTTrainer(
        model=_model(training, folder),
        args=SFTConfig(
            output_dir=str(folder),
            num_train_epochs=training.epochs,
            per_device_train_batch_size=training.rows_at_a_time,
            per_device_eval_batch_size=training.rows_at_a_time,
            gradient_accumulation_steps=training.batch // training.rows_at_a_time,
            learning_rate=training.learning_rate,
            lr_scheduler_type="cosine",
            warmup_steps=training.warmup,
            weight_decay=training.weight_decay,
            logging_steps=training.log_every,
            logging_first_step=True,
            save_strategy="no",
            save_total_limit=training.checkpoints,
            eval_strategy="epoch" if validation else "no",
            seed=settings.seed,
            data_seed=settings.seed,
            bf16=cuda or training.cpu_precision == "bfloat16",
            use_cpu=not cuda,
            activation_checkpointing=cuda,
            completion_only_loss=True,
            max_length=None,  # Rows were measured before; none is cut.
            report_to="none",
        ),
        train_dataset=Dataset.from_list(rows),
        eval_dataset=Dataset.from_list(validation) if validation else None,
        processing_class=tokenizer,
        peft_config=_adapter(training) if training.method == "lora" else None,
        callbacks=[_Checkpoints(training.checkpoint_minutes)],
    )


def last_checkpoint(folder: Path) -> str | None:
    """The newest checkpoint that is whole; those that were cut off are passed over."""
    whole = [path.parent for path in folder.glob(f"checkpoint-*/{_WHOLE}")]
    return str(max(whole, key=lambda path: int(path.name.rpartition("-")[2]))) if whole else None


class _Checkpoints(TrainerCallback):  # type: ignore[misc]  # (transformers has no types)
    """Asks for a checkpoint when so many minutes have passed, and marks it when it is whole.

    At the end of an epoch it comes after the validation rows: who goes on from there has drawn the same
    random numbers.
    """

    def __init__(self, minutes: float) -> None:
        self._seconds = minutes * 60
        self._last = time.monotonic()

    def on_step_end(self, _args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401
        if self._is_due() and not float(state.epoch).is_integer():
            control.should_save = True

    def on_epoch_end(self, _args: Any, _state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401
        if self._is_due():
            control.should_save = True

    def on_save(self, args: Any, state: Any, _control: Any, **_: Any) -> None:  # noqa: ANN401
        (Path(args.output_dir) / f"checkpoint-{state.global_step}" / _WHOLE).touch()
        self._last = time.monotonic()

    def _is_due(self) -> bool:
        return time.monotonic() - self._last >= self._seconds


def _adapter(training: TrainingSettings) -> LoraConfig:
    return LoraConfig(
        r=training.rank,
        lora_alpha=training.alpha,
        lora_dropout=training.dropout,
        target_modules=list(training.targets),
        task_type="CAUSAL_LM",
    )


def _model(training: TrainingSettings, folder: Path) -> Any:  # noqa: ANN401
    if weights_held(training) == "float32":
        return model_of(training.base, dtype=torch.float32)
    from transformers import BitsAndBytesConfig

    base = training.base
    if is_gguf(base):  # Transformers does not quantise what it has just dequantised, but what lies on disk.
        whole, partial = folder / "base", folder / "base.partial"
        if not whole.is_dir():
            model_of(training.base, dtype=torch.bfloat16).save_pretrained(partial)
            partial.rename(whole)
        base = str(whole)
    four_bits = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    model = model_of(base, dtype=torch.bfloat16, quantization_config=four_bits, device_map={"": 0})
    return prepare_model_for_kbit_training(model)
