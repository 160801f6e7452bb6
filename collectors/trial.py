"""One configuration in, one trace out: prune, quantise, adapt, fine-tune, evaluate, measured all the way."""

import gc
import math
import time
from statistics import mean

import torch

from collectors.evaluate import Scores, evaluate
from collectors.finetune import DivergedError, finetune
from collectors.provenance import ran_on
from collectors.workshop import Workshop
from perfmodel.errors import PerfModelError
from perfmodel.trace import Asked, Measured, Setting, Trace


class TrialRunner:
    """Runs real fine-tunes one after the other; what they share is loaded once per setting.

    Args:
        threads: of torch in this process.
        campaign: name that the traces carry.
    """

    def __init__(self, threads: int, campaign: str) -> None:
        self.threads = threads
        self.campaign = campaign
        self._workshop: Workshop | None = None

    def __call__(self, asked: Asked) -> Trace:
        """Returns the trace of one trial; what goes wrong physically is a status and a reason.

        Raises:
            PerfModelError: when what was asked for cannot be a trial (bad input, damaged files).
        """
        torch.set_num_threads(self.threads)
        record = ran_on(asked.setting.device_class, self.campaign, self.threads)
        try:
            measured = self._measure(asked)
        except PerfModelError:
            raise
        except DivergedError as error:
            measured = Measured("diverged", str(error))
        except Exception as error:  # noqa: BLE001 - whatever a library raises here is the outcome of this trial
            measured = Measured("oom" if is_out_of_memory(error) else "failed", _reason(error))
        finally:
            gc.collect()
            if asked.setting.device_class == "cuda":
                torch.cuda.empty_cache()
        return Trace(asked, measured, record)

    def _measure(self, asked: Asked) -> Measured:
        workshop = self._shared(asked.setting)
        start = time.perf_counter()
        built = workshop.build(asked.configuration, asked.seed)
        prepare_time_s = time.perf_counter() - start
        recipe = asked.setting.recipe
        curve: dict[int, Scores] = {}
        eval_times: list[float] = []

        def score(step: int) -> None:
            if step in recipe.curve_steps():
                begin = time.perf_counter()
                curve[step] = evaluate(built.model, workshop.held_out, workshop.device)
                eval_times.append(time.perf_counter() - begin)

        score(0)
        training = finetune(
            built.model,
            workshop.train,
            recipe,
            seed=asked.seed,
            device=workshop.device,
            resident_bytes=built.weight_bytes + built.adapter_bytes,
            after_step=score,
        )
        final = curve[recipe.steps]
        if not math.isfinite(final.loss):
            raise DivergedError(f"the held-out loss is {final.loss} after the last step")
        return Measured(
            status="ok",
            held_out_loss=final.loss,
            accuracy=final.accuracy,
            accuracy_examples=final.examples,
            curve_steps=tuple(curve),
            curve_losses=tuple(scores.loss for scores in curve.values()),
            weight_bytes=built.weight_bytes,
            adapter_bytes=built.adapter_bytes,
            adapter_parameters=built.adapter_parameters,
            prepare_time_s=prepare_time_s,
            eval_time_s=mean(eval_times),
            **vars(training),
        )

    def _shared(self, setting: Setting) -> Workshop:
        if self._workshop is None or self._workshop.setting != setting:
            self._workshop = None
            self._workshop = Workshop(setting)
        return self._workshop


def is_out_of_memory(error: BaseException) -> bool:
    """Returns whether an exception says that memory ran out, on any device."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and ("can't allocate memory" in text or "out of memory" in text)


def _reason(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:300]}"
