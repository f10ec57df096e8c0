"""Everything the sandbox knows, in one place; one world per sandbox."""

from dataclasses import dataclass, field

from sandbox.clock import SandboxClock
from sandbox.objects.store import ObjectStore
from sandbox.synapse.access import Access
from sandbox.synapse.entities import Entities
from sandbox.synapse.handles import Handles
from sandbox.synapse.jobs import Jobs
from sandbox.synapse.locations import SYNAPSE_BUCKET, SYNAPSE_REGION, Locations
from sandbox.synapse.messages import Messages
from sandbox.synapse.multipart import Uploads
from sandbox.synapse.principals import Principals
from sandbox.synapse.sequences import Sequences
from sandbox.synapse.settings import ProjectSettings
from sandbox.synapse.tables import Tables
from sandbox.synapse.wikis import Wikis


@dataclass(slots=True, kw_only=True)
class World:
    """The service's records. Each part is a small store with its own rules; rules across parts take the world.

    `random_seed` makes every uuid and etag reproducible.
    """

    clock: SandboxClock
    objects: ObjectStore
    random_seed: int = 0
    ids: Sequences = field(init=False)
    principals: Principals = field(init=False)
    entities: Entities = field(init=False)
    access: Access = field(init=False)
    handles: Handles = field(init=False)
    locations: Locations = field(init=False)
    settings: ProjectSettings = field(init=False)
    uploads: Uploads = field(init=False)
    tables: Tables = field(init=False)
    jobs: Jobs = field(init=False)
    messages: Messages = field(init=False)
    wikis: Wikis = field(init=False)

    def __post_init__(self) -> None:
        self.ids = Sequences(seed=self.random_seed)
        self.principals = Principals()
        self.entities = Entities()
        self.access = Access()
        self.handles = Handles()
        self.locations = Locations()
        self.settings = ProjectSettings()
        self.uploads = Uploads()
        self.tables = Tables()
        self.jobs = Jobs()
        self.messages = Messages()
        self.wikis = Wikis()
        self.objects.create_bucket(SYNAPSE_BUCKET, region=SYNAPSE_REGION)
