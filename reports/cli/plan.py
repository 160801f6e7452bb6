"""``bench plan`` and ``bench calibrate``: what fits, and how fast a device trains."""

from pathlib import Path
from typing import Annotated

import typer

from reports.cli.options import DebugOption, JsonOption

plan_app = typer.Typer()


@plan_app.command("plan")
def plan(
    model: Annotated[
        str, typer.Option(help="A config.json, a checkpoint's folder, a hub id, or a known model such as Llama-3.1-8B.")
    ],
    budget: Annotated[str | None, typer.Option(help="Memory that must not be exceeded, such as 12GiB.")] = None,
    gpu: Annotated[str | None, typer.Option(help="A card instead of a budget, such as RTX-4090.")] = None,
    batch: Annotated[int, typer.Option(min=1, help="Examples a step.")] = 1,
    length: Annotated[int, typer.Option(min=1, help="Tokens of an example.")] = 1024,
    answer_tokens: Annotated[
        int | None, typer.Option(min=0, help="Scored tokens of a batch; all of them by default.")
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            help="qlora, lora or full, as PEFT and Trainer do it on cuda; own: this project's loop at every width. "
            "qlora by default, and own on a cpu."
        ),
    ] = None,
    loop: Annotated[
        str | None,
        typer.Option(help="own: this project's, logits of scored tokens only; trainer: transformers' Trainer."),
    ] = None,
    bits: Annotated[int | None, typer.Option(help="Look at this width only: 16, 8, 4, 3 or 2.")] = None,
    rank: Annotated[int | None, typer.Option(min=1, help="Look at this rank only.")] = None,
    rate: Annotated[float | None, typer.Option(help="Look at this pruning rate only.")] = None,
    optimizer: Annotated[str, typer.Option(help="adamw, adamw_8bit or paged_adamw_8bit.")] = "adamw",
    gradient_checkpointing: Annotated[
        bool | None,
        typer.Option(
            "--gradient-checkpointing/--no-gradient-checkpointing",
            help="Recompute activations in the backward pass; on by default but for the method own.",
        ),
    ] = None,
    accumulation: Annotated[int, typer.Option(min=1, help="Batches whose gradients make one step.")] = 1,
    steps: Annotated[int, typer.Option(min=1, help="Steps of the fine-tune, for its seconds.")] = 1000,
    device: Annotated[str, typer.Option(help="cuda or cpu.")] = "cuda",
    predictor: Annotated[
        str | None,
        typer.Option(help="A predictor that knows the loss: its folder, or the name of a shipped one."),
    ] = None,
    profile: Annotated[
        Path | None, typer.Option(help="A device profile; what bench calibrate left by default.")
    ] = None,
    as_json: JsonOption = False,
    picture: Annotated[Path | None, typer.Option(help="Write the breakdown: SVG, PNG, or a page as HTML.")] = None,
    write: Annotated[
        str | None,
        typer.Option(help="Write a file that does it: trl, peft, axolotl, llama-factory, unsloth or deepspeed."),
    ] = None,
    row: Annotated[int, typer.Option(min=1, help="The choice to write, 1 for the best.")] = 1,
    data: Annotated[str, typer.Option(help="Hub id or folder of the data that the written file trains on.")] = "data",
    to: Annotated[Path, typer.Option(help="Folder of the written file.")] = Path(),
    debug: DebugOption = False,
) -> None:
    """Say what a fine-tune takes and which is the best that fits; exit status 1 where nothing fits."""
    from perfmodel.planner.gpu_cards import find_card
    from perfmodel.space.recipe import Recipe
    from reports.plan.command import WrittenFile, plan_command
    from reports.plan.record import budget_bytes, device_named, find_profile, question_of
    from reports.run.progress import say

    where = device_named(device)
    limit = budget_bytes(budget, gpu, where)
    method = method or ("own" if where == "cpu" else "qlora")
    recipe = Recipe(
        steps=steps,
        curve_points=1,
        batch_size=batch,
        max_length=length,
        optimizer=optimizer,  # type: ignore[arg-type]  # the recipe refuses what is none
        gradient_checkpointing=method != "own" if gradient_checkpointing is None else gradient_checkpointing,
    )
    only = {"bits": bits, "rank": rank, "rate": rate}
    loop = loop or ("own" if method == "own" else "trainer")
    question = question_of(model, recipe, loop, answer_tokens, limit, where, only, method, say, accumulation)
    known = find_profile(profile, gpu, where)
    card = find_card(gpu) if gpu else None
    wanted = None if write is None else WrittenFile(write, row, data, to)
    status = plan_command(model, question, predictor, known, as_json=as_json, picture=picture, card=card, wanted=wanted)
    raise typer.Exit(status)


@plan_app.command("calibrate")
def calibrate(
    device: Annotated[str | None, typer.Option(help="cuda or cpu; cuda by default where there is one.")] = None,
    to: Annotated[
        Path | None, typer.Option(help="File to write; one in the cache by default, which bench plan reads.")
    ] = None,
    traces: Annotated[
        Path | None,
        typer.Option(help="Traces that this device made, a store or Parquet: they judge and correct the seconds."),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Of a CPU, as the traces have them; torch's own choice by default.")
    ] = None,
    debug: DebugOption = False,
) -> None:
    """Measure how fast this device trains, in about a minute, so that bench plan knows the seconds of a step."""
    from reports.plan.command import calibrate_command

    typer.echo(str(calibrate_command(device, to, traces, threads).resolve()))
