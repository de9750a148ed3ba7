"""Which size suits a Spark task, from the records of its runs."""
