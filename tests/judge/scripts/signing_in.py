"""Who am I, and what happens with a wrong token."""

from judging import answer, sign_in
from synapseclient.core.exceptions import SynapseAuthenticationError

client = sign_in()
profile = client.getUserProfile()
try:
    sign_in("eyJub3QiOiJ2YWxpZCJ9")
    refused = False
except SynapseAuthenticationError:
    refused = True
answer({"name": profile.userName, "id": profile.ownerId, "wrong_token_refused": refused})
