"""The tree of questions about storage ends in a command, whichever way is taken."""

import pytest

from storage_core.errors import UsageError
from storage_core.locations import TYPES
from storage_core.plan.choosing import FIRST_QUESTION, Advice, Question, next_step

# the answers, and where the tree of the architecture document leads with them
WAYS = [
    ({"custom": "no"}, "SYNAPSE_S3", False),
    ({"custom": "yes", "managed-by-synapse": "yes"}, "SYNAPSE_S3", False),
    ({"backend": "aws-s3", "synapse-access": "yes", "sts": "yes"}, "EXTERNAL_S3", True),
    ({"backend": "aws-s3", "synapse-access": "yes", "sts": "no"}, "EXTERNAL_S3", False),
    ({"backend": "aws-s3", "synapse-access": "no"}, "EXTERNAL_OBJECT_STORE", False),
    ({"backend": "google-cloud"}, "EXTERNAL_GOOGLE_CLOUD", False),
    ({"backend": "sftp"}, "EXTERNAL_SFTP", False),
    ({"backend": "https"}, "EXTERNAL_HTTPS", False),
    ({"backend": "proxy"}, "PROXY", False),
    ({"backend": "s3-compatible"}, "EXTERNAL_OBJECT_STORE", False),
]


@pytest.mark.parametrize(("answers", "type_name", "has_sts"), WAYS)
def test_each_way_leads_where_the_tree_says(answers, type_name, has_sts):
    advice = next_step(answers)

    assert isinstance(advice, Advice)
    assert (type_name, has_sts) == (advice.type_name, "--sts-enabled" in advice.command)


def ends(step):
    if isinstance(step, Advice):
        yield step
    else:
        for _, following in step.follows:
            yield from ends(following)


def test_every_type_can_be_chosen_and_nothing_else():
    assert set(TYPES) == {advice.type_name for advice in ends(FIRST_QUESTION)}


def test_without_answers_the_first_question_comes_first():
    assert FIRST_QUESTION is next_step({})
    step = next_step({"synapse-access": "yes"})
    assert isinstance(step, Question)
    assert "sts" == step.name


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ({"backend": "floppy"}, "'floppy' does not answer"),
        ({"custom": "no", "backend": "sftp"}, "--backend has nothing to do with SYNAPSE_S3"),
        ({"backend": "sftp", "sts": "yes"}, "--sts has nothing to do with EXTERNAL_SFTP"),
    ],
)
def test_answers_that_make_no_sense_are_refused(answers, sentence):
    with pytest.raises(UsageError, match=sentence):
        next_step(answers)
