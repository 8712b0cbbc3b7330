"""Bodies that no JSON schema describes, as schemathesis makes them: Arrow and Parquet, whole and damaged."""

import pyarrow as pa
import schemathesis
from hypothesis import strategies as st

from app.api.arrow_table import ARROW
from tests.arrow import written

TABLE = pa.table({"time": [5, 8.5, 12], "event": [1, 0, 1], "cause": ["a", None, "b"]})

for media_type in ARROW:
    whole = written(TABLE, media_type)
    damaged = st.builds(
        lambda body, place, byte: body[:place] + bytes([byte]) + body[place + 1 :],
        st.just(whole),
        st.integers(0, len(whole)),
        st.integers(0, 255),
    )
    schemathesis.openapi.media_type(media_type, st.just(whole) | damaged | st.binary(max_size=50))
