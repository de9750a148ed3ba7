"""The platform program: what runs on any cluster. Airflow deployments and the DAG repository they share."""
