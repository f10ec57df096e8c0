"""On whose behalf a call of the Python interface is made."""

from storage_core.config import Config, Flags, Secret, load_config
from storage_core.errors import UsageError


def config_of(client: object | None) -> Config:
    """The configuration behind what scripts pass as `syn` or `synapse_client`.

    Args:
        client: None takes token and endpoints from the environment and `~/.synapseConfig`; a `Config` is taken as it
            is, and so is that of a `Connection`; of a signed-in client of `synapseclient` token and endpoints are
            taken, and nothing else.

    Raises:
        AccessError, UsageError: see `config.load_config`.
        UsageError: the client is none of these, or is not signed in.
    """
    if client is None:
        return load_config()
    if isinstance(client, Config):
        return client
    carried = getattr(client, "config", None)
    if isinstance(carried, Config):
        return carried
    token = getattr(getattr(client, "credentials", None), "secret", None)
    if not isinstance(token, str) or not token:
        raise UsageError(
            f"{type(client).__name__} is no signed-in Synapse client.",
            fix="Pass None to use ~/.synapseConfig and the environment, or sign in first.",
        )
    return load_config(
        flags=Flags(
            token=Secret(token),
            repo_endpoint=_endpoint(client, "repoEndpoint"),
            file_endpoint=_endpoint(client, "fileHandleEndpoint"),
            auth_endpoint=_endpoint(client, "authEndpoint"),
        )
    )


def _endpoint(client: object, name: str) -> str | None:
    found = getattr(client, name, None)
    return found if isinstance(found, str) else None
