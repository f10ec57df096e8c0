"""Who calls: people, teams, and the tokens that speak for them."""

import base64
import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sandbox.synapse.http import Refused, Scope

if TYPE_CHECKING:
    from sandbox.synapse.world import World

ADMINISTRATOR_ID = "1"
CERTIFIED_USERS_ID = "3"
SIGNED_IN_USERS_ID = "273948"
PUBLIC_ID = "273949"
ANONYMOUS_ID = "273950"
COMPLIANCE_TEAM_ID = "464532"
DEMO_USER_ID = "3412"
COLLEAGUE_USER_ID = "3413"

ALL_SCOPES = frozenset(Scope)
_SEEDED_ON = "2024-01-02T03:04:05.000Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """One person. Change one with `Principals.put(dataclasses.replace(user, ...))`."""

    id: str
    name: str
    first_name: str = ""
    last_name: str = ""
    emails: tuple[str, ...] = ()
    team_ids: frozenset[str] = frozenset()
    is_administrator: bool = False
    is_certified: bool = True
    has_accepted_terms: bool = True
    etag: str = "00000000-0000-4000-8000-000000000001"
    created_on: str = _SEEDED_ON

    @property
    def is_anonymous(self) -> bool:
        """Whether no token was sent."""
        return self.id == ANONYMOUS_ID

    def require_signed_in(self) -> None:
        """Refuse the anonymous user with 403."""
        if self.is_anonymous:
            raise Refused(403, "Anonymous users cannot perform this operation. Please sign in.")

    def principal_ids(self) -> frozenset[int]:
        """Every principal whose rights this user has: own, teams', the public's and, signed in, everybody's."""
        ids = {self.id, PUBLIC_ID, *self.team_ids}
        if not self.is_anonymous:
            ids.add(SIGNED_IN_USERS_ID)
            if self.is_certified:
                ids.add(CERTIFIED_USERS_ID)
        return frozenset(int(principal_id) for principal_id in ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A named group of users. Membership is kept on the user."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a token allows, and for whom."""

    user_id: str
    scopes: frozenset[Scope] = ALL_SCOPES


class Principals:
    """The people of the sandbox. Starts with an administrator, the anonymous user and two ordinary people."""

    def __init__(self) -> None:
        self._users: dict[str, User] = {}
        self._teams: dict[str, Team] = {}
        self._grants: dict[str, Grant] = {}
        self._rights: dict[str, frozenset[int]] = {}
        for user in _SEEDED_USERS:
            self.put(user)
        for team in _SEEDED_TEAMS:
            self._teams[team.id] = team
        self.demo_token = self.issue_token(DEMO_USER_ID)
        self.colleague_token = self.issue_token(COLLEAGUE_USER_ID)
        self.administrator_token = self.issue_token(ADMINISTRATOR_ID)

    @property
    def anonymous(self) -> User:
        """The user of calls without a token."""
        return self._users[ANONYMOUS_ID]

    @property
    def demo(self) -> User:
        """The data steward that the demo and the scenarios work as."""
        return self._users[DEMO_USER_ID]

    @property
    def colleague(self) -> User:
        """A second ordinary person, for everything about "somebody else's"."""
        return self._users[COLLEAGUE_USER_ID]

    @property
    def administrator(self) -> User:
        """The service's own administrator, who passes every check and no throttle."""
        return self._users[ADMINISTRATOR_ID]

    def put(self, user: User) -> None:
        """Store *user*, replacing the one of the same id."""
        self._users[user.id] = user
        self._rights[user.id] = user.principal_ids()

    def get(self, user_id: str) -> User | None:
        """The user, or None."""
        return self._users.get(user_id)

    def require(self, user_id: str) -> User:
        """The user; refuses with 404."""
        user = self._users.get(user_id)
        if user is None:
            raise Refused(404, f"UserProfile cannot be found for: {user_id}")
        return user

    def team(self, team_id: str) -> Team | None:
        """The team, or None."""
        return self._teams.get(team_id)

    def named(self, name: str) -> User | Team | None:
        """The user or team of that name, letter case ignored."""
        wanted = name.casefold()
        return next((found for found in self.starting_with(name) if found.name.casefold() == wanted), None)

    def starting_with(self, prefix: str) -> list[User | Team]:
        """The users and teams whose name begins so, letter case ignored."""
        wanted = prefix.casefold()
        known: list[User | Team] = [*self._users.values(), *self._teams.values()]
        return [principal for principal in known if principal.name.casefold().startswith(wanted)]

    def principal_ids(self, user: User) -> frozenset[int]:
        """Every principal whose rights *user* has; computed once per user."""
        return self._rights.get(user.id) or user.principal_ids()

    def add_user(self, world: "World", *, name: str, is_certified: bool = True) -> User:
        """A new ordinary person."""
        user_id = str(world.ids.number("principal"))
        while user_id in self._users or user_id in self._teams:
            user_id = str(world.ids.number("principal"))
        user = User(
            id=user_id,
            name=name,
            first_name=name.title(),
            emails=(f"{name}@example.org",),
            is_certified=is_certified,
            etag=world.ids.uuid(),
            created_on=world.clock.stamp(),
        )
        self.put(user)
        return user

    def add_team(self, world: "World", *, name: str, member_ids: tuple[str, ...] = ()) -> Team:
        """A new team of existing users."""
        team = Team(id=str(world.ids.number("principal")), name=name)
        self._teams[team.id] = team
        for member_id in member_ids:
            member = self.require(member_id)
            self.put(replace(member, team_ids=member.team_ids | {team.id}))
        return team

    def issue_token(self, user_id: str, *, scopes: frozenset[Scope] = ALL_SCOPES) -> str:
        """A token for *user_id*: the same user and scopes always get the same one."""
        token = _token(user_id, scopes)
        self._grants[token] = Grant(user_id=user_id, scopes=scopes)
        return token

    def revoke_token(self, token: str) -> None:
        """From now on the token is answered with 401."""
        self._grants.pop(token, None)

    def grant_of(self, token: str) -> Grant | None:
        """What the token allows; None when it is unknown or revoked."""
        return self._grants.get(token)


def _token(user_id: str, scopes: frozenset[Scope]) -> str:
    """A token shaped like the service's: clients read the scopes out of its middle part."""
    header = _segment({"typ": "JWT", "alg": "none", "kid": "sandbox"})
    body = _segment({"access": {"scope": sorted(scopes)}, "token_type": "PERSONAL_ACCESS_TOKEN", "sub": user_id})
    seal = base64.urlsafe_b64encode(hashlib.sha256(f"{header}.{body}".encode()).digest()).decode().rstrip("=")
    return f"{header}.{body}.{seal}"


def _segment(value: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, sort_keys=True).encode()).decode().rstrip("=")


_SEEDED_USERS = (
    User(id=ADMINISTRATOR_ID, name="sandbox-administrator", first_name="Sandbox", is_administrator=True),
    User(id=ANONYMOUS_ID, name="anonymous", is_certified=False),
    User(id=DEMO_USER_ID, name="steward", first_name="Sam", last_name="Steward", emails=("steward@example.org",)),
    User(id=COLLEAGUE_USER_ID, name="colleague", first_name="Kim", last_name="Colleague", emails=("kim@example.org",)),
)
_SEEDED_TEAMS = (
    Team(id=CERTIFIED_USERS_ID, name="Certified Users"),
    Team(id=SIGNED_IN_USERS_ID, name="All registered Synapse users"),
    Team(id=PUBLIC_ID, name="Anyone on the web"),
    Team(id=COMPLIANCE_TEAM_ID, name="Synapse Access and Compliance Team"),
)
