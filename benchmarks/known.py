"""The ids that contacts have, and the state of a tap that knows them all."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timezone
from zlib import crc32

from tap_insightly.sync.id_codec import encode_ids
from tap_insightly.values import utc_text


def contact_id(at: int) -> int:
    """Give a contact the id that it has in each account.

    They are some 1,000 apart, and not evenly, as in an account that shares its ids with others: so
    they take as much of a state as real ones.

    Args:
        at: Its place in the table.

    Returns:
        The id.
    """
    return 1000 * (at + 1) + crc32(at.to_bytes(8, "big")) % 1000


def main(contacts: int) -> None:
    """Write the state of a tap that knows so many contacts, and one that is gone by now.

    Args:
        contacts: How many there are, a number.
    """
    updated = utc_text(datetime.now(timezone.utc))
    ids = map(contact_id, range(contacts + 1))
    state = {
        "replication_key": "DATE_UPDATED_UTC",
        "replication_key_value": updated,
        "known": {"ids": encode_ids(ids), "bookmark": updated},
    }
    json.dump({"bookmarks": {"contacts": state}}, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]))
