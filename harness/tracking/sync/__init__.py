"""Studies of an MLflow server: recorded on this machine first, then copied to the server."""
