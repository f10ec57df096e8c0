"""Which type of storage location fits: the questions, what follows from the answers, and the command to run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from storage_core.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """Where the questions end.

    Attributes:
        type_name: the type of storage location.
        command: what to run; words in capitals are to be replaced.
        benefits: why this one.
    """

    type_name: str
    command: str
    benefits: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One step.

    Attributes:
        name: also the option by which it can be answered beforehand.
        follows: what comes after each answer; the answers in the order they are offered.
    """

    name: str
    text: str
    follows: tuple[tuple[str, "Question | Advice"], ...]

    @property
    def answers(self) -> tuple[str, ...]:
        """What may be answered."""
        return tuple(answer for answer, _ in self.follows)

    def after(self, answer: str) -> "Question | Advice":
        """What comes after an answer.

        Raises:
            UsageError: it is none of those offered.
        """
        for offered, following in self.follows:
            if answer.strip().lower() == offered:
                return following
        raise UsageError(
            f"{answer!r} does not answer: {self.text}", fix=f"Answer one of {', '.join(self.answers)} (--{self.name})."
        )


_CREATE: Final = "synapse-storage location create"
_SET_UP: Final = "synapse-storage location setup-s3"

_DEFAULT = Advice(
    type_name="SYNAPSE_S3",
    command=f"{_CREATE} SYNAPSE_S3",
    benefits=(
        "Synapse's own storage, kept and paid for by Synapse.",
        "Uploads go there without any setting. One of your own serves as destination of a migration, or for STS.",
    ),
)
_OWN_BUCKET = ("Your own bucket: you control access and costs.", "People keep using Synapse as they are used to.")
_S3 = Advice(
    type_name="EXTERNAL_S3",
    command=f"{_SET_UP} ENTITY --bucket BUCKET --base-key FOLDER/IN/BUCKET",
    benefits=_OWN_BUCKET,
)
_S3_STS = Advice(
    type_name="EXTERNAL_S3",
    command=f"{_SET_UP} --parent ENTITY --folder-name NAME --bucket BUCKET --base-key FOLDER/IN/BUCKET --sts-enabled",
    benefits=(
        *_OWN_BUCKET,
        "AWS tools reach the files directly, with temporary credentials from `synapse-storage get-sts-token`.",
        "Works for an empty folder only, and its files cannot be migrated in place later.",
    ),
)
_GOOGLE = Advice(
    type_name="EXTERNAL_GOOGLE_CLOUD",
    command=f"{_CREATE} EXTERNAL_GOOGLE_CLOUD --bucket BUCKET --base-key FOLDER/IN/BUCKET",
    benefits=("Your existing Google Cloud bucket: you control access and costs.",),
)
_OBJECT_STORE = Advice(
    type_name="EXTERNAL_OBJECT_STORE",
    command=f"{_CREATE} EXTERNAL_OBJECT_STORE --bucket BUCKET --endpoint-url https://ENDPOINT",
    benefits=(
        "OpenStack, MinIO, or an AWS bucket that Synapse must not open.",
        "Synapse never touches the bytes; uploaders and downloaders use keys of their own.",
    ),
)
_SFTP = Advice(
    type_name="EXTERNAL_SFTP",
    command=f"{_CREATE} EXTERNAL_SFTP --url sftp://HOST/FOLDER --supports-subfolders",
    benefits=("Keeps an existing SFTP server in use.", "Synapse never touches the bytes."),
)
_HTTPS = Advice(
    type_name="EXTERNAL_HTTPS",
    command=f"{_CREATE} EXTERNAL_HTTPS --url https://HOST/FOLDER",
    benefits=("Files on a web server are listed in Synapse and read from there.", "Nothing can be uploaded."),
)
_PROXY = Advice(
    type_name="PROXY",
    command=f"{_CREATE} PROXY --proxy-url https://HOST --secret-key-file FILE --benefactor-id ENTITY",
    benefits=("Access control of your own.", "Data can be transformed on their way."),
)
_STS = Question(
    name="sts",
    text="Do people need temporary AWS credentials for the bucket (STS)?",
    follows=(("yes", _S3_STS), ("no", _S3)),
)
_ACCESS = Question(
    name="synapse-access",
    text="May Synapse open the bucket directly?",
    follows=(("yes", _STS), ("no", _OBJECT_STORE)),
)
_BACKEND = Question(
    name="backend",
    text="What holds the bytes?",
    follows=(
        ("aws-s3", _ACCESS),
        ("google-cloud", _GOOGLE),
        ("sftp", _SFTP),
        ("https", _HTTPS),
        ("proxy", _PROXY),
        ("s3-compatible", _OBJECT_STORE),
    ),
)
_MANAGED = Question(
    name="managed-by-synapse",
    text="Should Synapse manage the storage?",
    follows=(("yes", _DEFAULT), ("no", _BACKEND)),
)
FIRST_QUESTION = Question(
    name="custom",
    text="Do you need storage other than Synapse's default?",
    follows=(("no", _DEFAULT), ("yes", _MANAGED)),
)


def next_step(answers: Mapping[str, str], start: Question = FIRST_QUESTION) -> Question | Advice:
    """Go as far as the answers lead: to the first question without one, or to the end.

    An answer further down answers what leads there: who names a backend has answered that he needs one.

    Raises:
        UsageError: an answer is none of those offered, or has nothing to do with the others.
    """
    step: Question | Advice = start
    used: set[str] = set()
    while isinstance(step, Question):
        answer = answers.get(step.name) or _implied(step, answers)
        if answer is None:
            break
        used.add(step.name)
        step = step.after(answer)
    superfluous = sorted(name for name in answers if name not in used)
    if superfluous and isinstance(step, Advice):
        raise UsageError(
            f"--{superfluous[0]} has nothing to do with {step.type_name}, where the other answers lead.",
            fix="Leave it out, or change the others.",
        )
    return step


def _implied(question: Question, answers: Mapping[str, str]) -> str | None:
    """The answer that leads to all others, if exactly one does."""
    leading = [answer for answer, following in question.follows if _names_below(following) & answers.keys()]
    return leading[0] if len(leading) == 1 else None


def _names_below(step: Question | Advice) -> set[str]:
    if isinstance(step, Advice):
        return set()
    return {step.name}.union(*(_names_below(following) for _, following in step.follows))
