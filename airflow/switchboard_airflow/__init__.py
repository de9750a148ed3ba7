"""What Switchboard adds to Airflow: the DAG bundle, the dag-processor's rules, migration and reconciling.

Nothing is imported here: the reconciler and the probe must start without Airflow.
"""
