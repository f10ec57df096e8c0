"""`synapse-storage location choose`: which type fits, by questions and answers."""

import sys
from typing import Annotated

import typer

from storage_core.cli.session import Session, is_terminal, session_of
from storage_core.errors import ExitCode, UsageError
from storage_core.plan.choosing import Advice, Question, next_step

_ANSWER = "Answers the question beforehand: {}."


def choose(
    ctx: typer.Context,
    custom: Annotated[str | None, typer.Option("--custom", help=_ANSWER.format("yes, no"), show_default=False)] = None,
    managed: Annotated[
        str | None, typer.Option("--managed-by-synapse", help=_ANSWER.format("yes, no"), show_default=False)
    ] = None,
    backend: Annotated[
        str | None,
        typer.Option(
            "--backend",
            help=_ANSWER.format("aws-s3, google-cloud, sftp, https, proxy, s3-compatible"),
            show_default=False,
        ),
    ] = None,
    synapse_access: Annotated[
        str | None, typer.Option("--synapse-access", help=_ANSWER.format("yes, no"), show_default=False)
    ] = None,
    sts: Annotated[str | None, typer.Option("--sts", help=_ANSWER.format("yes, no"), show_default=False)] = None,
) -> ExitCode:
    """Find the type of storage location that fits, and the command that creates it. Asks Synapse nothing."""
    session = session_of(ctx)
    said = {
        "custom": custom,
        "managed-by-synapse": managed,
        "backend": backend,
        "synapse-access": synapse_access,
        "sts": sts,
    }
    answers = {name: answer for name, answer in said.items() if answer is not None}
    step = next_step(answers)
    while isinstance(step, Question):
        answers[step.name] = _asked(step, session)
        step = next_step(answers)
    _tell(step, answers, session)
    return ExitCode.DONE


def _asked(question: Question, session: Session) -> str:
    """Ask until one of the answers is given.

    Raises:
        UsageError: nobody is there to answer.
    """
    offered = "/".join(question.answers)
    if session.as_json or not is_terminal(sys.stdin):
        raise UsageError(f"Not answered, and nobody to ask: {question.text}", fix=f"Say --{question.name} {offered}.")
    while True:
        # the question is no result: standard output is for the command
        answer: str = typer.prompt(f"{question.text} ({offered})", err=True)
        if answer.strip().lower() in question.answers:
            return answer


def _tell(advice: Advice, answers: dict[str, str], session: Session) -> None:
    for benefit in advice.benefits:
        session.say(benefit)
    session.document(
        {
            "storage_type": advice.type_name,
            "command": advice.command,
            "benefits": list(advice.benefits),
            "answers": answers,
        }
    )
    session.print_line(advice.command)
