"""A Spark cluster for every task that wants one: `operator` for DAGs, `session` for applications."""
