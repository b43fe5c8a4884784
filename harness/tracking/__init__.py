"""MLflow, the only record of a study: written by StudyRecorder, read back by read_study, looked at with serve_ui."""
