"""The transcripts of a day: from the object store to checked Parquet, and on to tables in Postgres."""
