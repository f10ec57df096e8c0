"""Writes manifests of a folder in both formats, and checks one that somebody else wrote."""

import synapseutils
from judging import PLACE, WISHES, answer, sign_in
from synapseclient.models import Folder

client = sign_in(cache="cold")
older, newer = PLACE / "older", PLACE / "newer"
synapseutils.syncFromSynapse(client, WISHES["folder"], path=str(older), manifest="root")
Folder(id=WISHES["folder"]).sync_from_synapse(path=str(newer), manifest="root")
synapseutils.syncToSynapse(client, WISHES["manifest"], dryRun=True, sendMessages=False)
answer({"older": sorted(one.name for one in older.iterdir()), "newer": sorted(one.name for one in newer.iterdir())})
