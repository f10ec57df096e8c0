"""Temporary credentials: JSON and records (contract 5)."""

from datetime import UTC, datetime

from storage_core.model.credentials import StsToken
from storage_core.model.secret import Secret
from storage_core.synapse.calls import Answer
from storage_core.synapse.wire_fields import Fields


def read_token(answer: Answer) -> StsToken:
    """Read credentials; everything but the place they are for must be there."""
    fields = Fields.of(answer)
    told = fields.text("expiration")
    try:
        moment = datetime.fromisoformat(told)
    except ValueError as error:
        raise fields.wrong("expiration", "is no moment") from error
    return StsToken(
        bucket=fields.optional_text("bucket"),
        base_key=fields.optional_text("baseKey"),
        access_key_id=fields.text("accessKeyId"),
        secret_access_key=Secret(fields.text("secretAccessKey")),
        session_token=Secret(fields.text("sessionToken")),
        expiration=moment if moment.tzinfo else moment.replace(tzinfo=UTC),
        expiration_text=told,
    )
